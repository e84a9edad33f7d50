"""Facts of ELF files, read with LIEF."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union

import lief

__all__ = ["ElfFacts", "elf_facts", "elf_files", "highest_glibc", "object_format"]

# LIEF would print messages about damaged files to the terminal; callers see the damage in the result.
lief.logging.disable()

_GLIBC = re.compile(r"GLIBC_(\d+(?:\.\d+)*)")
_PRIVATE = (999,)
_UNDEFINED = 0  # SHN_UNDEF
_RELOCATED = set(".bss.rel.ro .ctors .data.rel.ro .dtors .fini_array .init_array .preinit_array .tbss .tdata".split())


@dataclass(frozen=True)
class ElfFacts:
    """Facts of a program or library.

    needed: sonames; glibc: the symbol versions needed, sorted, e.g. (2, 17), with GLIBC_PRIVATE as (999,); rpath: the entries of RPATH
    and RUNPATH; kernel: the lowest Linux version that it states to need, None if it states none; build_id: hexadecimal, "" for none.
    """

    machine: str
    needed: tuple[str, ...]
    glibc: tuple[tuple[int, ...], ...]
    rpath: tuple[str, ...]
    exported: frozenset[str]
    undefined: frozenset[str]
    kernel: Optional[tuple[int, ...]]
    build_id: str
    executable_stack: bool
    stack_segment: bool
    relro: bool
    relocated_data: bool  # it has sections that PT_GNU_RELRO protects
    writable_code: bool
    bind_now: bool
    text_relocations: bool
    dynamic: bool
    debug_sections: bool
    bolted: bool  # BOLT has rearranged its code
    probes: bool  # it has static probes of SystemTap or DTrace


def elf_files(tree: Path) -> Iterator[Path]:
    """Yield the programs and libraries of a tree that are ELF files, sorted by name, without object files."""
    for path in sorted(tree.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.suffix not in (".a", ".o"):
            with open(path, "rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def elf_facts(source: Union[bytes, Path]) -> Optional[ElfFacts]:
    """Return the facts of a program or library, given as content or path; None if LIEF cannot read it or it has no segments."""
    config = lief.ELF.ParserConfig()
    config.parse_relocations = False
    config.parse_symtab_symbols = False
    config.parse_overlay = False
    binary = lief.ELF.parse(str(source) if isinstance(source, Path) else io.BytesIO(source), config)
    if binary is None or not binary.segments:
        return None
    with warnings.catch_warnings():
        # LIEF warns about values that the format does not define, and returns them as numbers.
        warnings.simplefilter("ignore", RuntimeWarning)
        return _facts(binary)


def _facts(binary: lief.ELF.Binary) -> ElfFacts:
    segments = {segment.type: segment for segment in binary.segments}
    stack = segments.get(lief.ELF.Segment.TYPE.GNU_STACK)
    writable_code = any(
        segment.type == lief.ELF.Segment.TYPE.LOAD
        and segment.has(lief.ELF.Segment.FLAGS.W)
        and segment.has(lief.ELF.Segment.FLAGS.X)
        for segment in binary.segments
    )
    kernel, build_id = _notes(binary)
    symbols = [symbol for symbol in binary.dynamic_symbols if symbol.binding != lief.ELF.Symbol.BINDING.LOCAL]
    tags = {entry.tag for entry in binary.dynamic_entries}
    sections = {str(section.name) for section in binary.sections}
    return ElfFacts(
        machine=str(getattr(binary.header.machine_type, "name", binary.header.machine_type)),
        needed=tuple(map(str, binary.libraries)),
        glibc=_glibc_versions(binary),
        rpath=_rpath(binary),
        exported=frozenset(str(symbol.name) for symbol in symbols if symbol.shndx != _UNDEFINED),
        undefined=frozenset(str(symbol.name) for symbol in symbols if symbol.shndx == _UNDEFINED),
        kernel=kernel,
        build_id=build_id,
        executable_stack=stack is not None and stack.has(lief.ELF.Segment.FLAGS.X),
        stack_segment=stack is not None,
        relro=lief.ELF.Segment.TYPE.GNU_RELRO in segments,
        relocated_data=bool(sections & _RELOCATED),
        writable_code=writable_code,
        bind_now=_bind_now(binary),
        text_relocations=lief.ELF.DynamicEntry.TAG.TEXTREL in tags,
        dynamic=bool(tags),
        debug_sections=any(name.startswith(".debug_") for name in sections),
        bolted=".bolt.org.text" in sections,
        probes=".note.stapsdt" in sections,
    )


def highest_glibc(tree: Path) -> str:
    """Return the highest glibc symbol version that any file of a tree needs, e.g. "2.17"; "" if none needs glibc."""
    found = [facts.glibc for path in elf_files(tree) for facts in [elf_facts(path)] if facts]
    versions = [version for versions in found for version in versions]
    return ".".join(map(str, max(versions))) if versions else ""


def object_format(start: bytes) -> str:
    """Return the format of an object file by its first four bytes: "elf", "mach-o" (64-bit), "llvm-bitcode" or "unknown"."""
    known = {
        b"\x7fELF": "elf",
        b"\xcf\xfa\xed\xfe": "mach-o",
        b"BC\xc0\xde": "llvm-bitcode",
        b"\xde\xc0\x17\x0b": "llvm-bitcode",  # in its wrapper for Apple's systems
    }
    return known.get(start[:4], "unknown")


def _glibc_versions(binary: lief.ELF.Binary) -> tuple[tuple[int, ...], ...]:
    names = {
        str(version.name)
        for requirement in binary.symbols_version_requirement
        for version in requirement.get_auxiliary_symbols()
    }
    found = []
    for name in names:
        match = _GLIBC.fullmatch(name)
        if match:
            found.append(tuple(map(int, match[1].split("."))))
        elif name.startswith("GLIBC_"):
            found.append(_PRIVATE)
    return tuple(sorted(found))


def _rpath(binary: lief.ELF.Binary) -> tuple[str, ...]:
    entries = binary.dynamic_entries
    kinds = (lief.ELF.DynamicEntryRpath, lief.ELF.DynamicEntryRunPath)
    return tuple(str(path) for entry in entries if isinstance(entry, kinds) for path in entry.paths)


def _bind_now(binary: lief.ELF.Binary) -> bool:
    for entry in binary.dynamic_entries:
        if entry.tag == lief.ELF.DynamicEntry.TAG.BIND_NOW:
            return True
        if isinstance(entry, lief.ELF.DynamicEntryFlags):
            now = (lief.ELF.DynamicEntryFlags.FLAG.BIND_NOW, lief.ELF.DynamicEntryFlags.FLAG.NOW)
            if any(flag in now for flag in entry.flags):
                return True
    return False


def _notes(binary: lief.ELF.Binary) -> tuple[Optional[tuple[int, ...]], str]:
    kernel, build_id = None, ""
    for note in binary.notes:
        if isinstance(note, lief.ELF.NoteAbi):
            kernel = tuple(note.version) if note.version else None
        elif note.type == lief.ELF.Note.TYPE.GNU_BUILD_ID:
            build_id = bytes(note.description).hex()
    return kernel, build_id
