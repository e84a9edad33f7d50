"""Rules for ELF files: which libraries and which glibc symbol versions they may need."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import lief

__all__ = ["ElfFinding", "elf_files", "judge_elf"]

# Symbols of libraries that are linked in statically; no other library of the process may meet them.
_PRIVATE = frozenset(
    "SSL_read CRYPTO_memcmp BN_new sqlite3_close inflate deflateEnd lzma_stream_encoder BZ2_bzCompress ffi_call "
    "XML_ParserCreate readline el_init setupterm new_field mpd_qadd uuid_generate XOpenDisplay xcb_connect "
    "ZSTD_compress".split()
)


@dataclass(frozen=True)
class ElfFinding:
    """A broken rule: which, in which file (relative to the tree), and what was seen."""

    rule: str
    file: str
    detail: str

    def __str__(self) -> str:
        return f"{self.file}: {self.rule}: {self.detail}"


def elf_files(tree: Path) -> Iterator[Path]:
    """Yield the ELF files of a tree that have a dynamic section or program headers (so no object files)."""
    for path in sorted(tree.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.suffix not in (".a", ".o"):
            with open(path, "rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def judge_elf(path: Path, tree: Path, glibc: str, libraries: Collection[str]) -> list[ElfFinding]:
    """Return what is wrong with an ELF file of an installation.

    glibc: highest allowed symbol version, e.g. "2.17"; libraries: sonames that it may need, besides those in the tree.
    """
    name = path.relative_to(tree).as_posix()
    binary = lief.ELF.parse(str(path))
    if binary is None:
        return [ElfFinding("elf-readable", name, "LIEF cannot read it")]
    findings = []
    own = {file.name for file in tree.rglob("lib*.so*")}
    for library in binary.libraries:
        if str(library) not in libraries and str(library) not in own:
            findings.append(ElfFinding("elf-libraries", name, f"needs {library!s}"))
    for requirement in binary.symbols_version_requirement:
        for version in requirement.get_auxiliary_symbols():
            if _newer(str(version.name), glibc):
                findings.append(ElfFinding("elf-glibc", name, f"needs {version.name!s}"))
    exported = {str(symbol.name) for symbol in binary.exported_symbols}
    # Tcl and Tk are libraries of their own and export their own functions only.
    findings += [ElfFinding("elf-private", name, f"exports {symbol}") for symbol in sorted(exported & _PRIVATE)]
    return findings + _paths(binary, name)


def _paths(binary: lief.ELF.Binary, name: str) -> list[ElfFinding]:
    findings = []
    for entry in binary.dynamic_entries:
        if isinstance(entry, (lief.ELF.DynamicEntryRpath, lief.ELF.DynamicEntryRunPath)):
            findings += [
                ElfFinding("elf-rpath", name, f"looks for libraries in {path}")
                for path in entry.paths
                if not str(path).startswith("$ORIGIN")
            ]
    return findings


def _newer(version: str, limit: str) -> bool:
    match = re.fullmatch(r"GLIBC_(\d+(?:\.\d+)*)", version)
    if not match:
        return version.startswith("GLIBC_")
    return tuple(map(int, match[1].split("."))) > tuple(map(int, limit.split(".")))
