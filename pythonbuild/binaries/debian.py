"""Reads binary packages of Debian: ar archives of two tarballs.  Source: deb(5)."""

from __future__ import annotations

import email
import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import zstandard

from pythonbuild.binaries.elf import ElfFacts, elf_facts
from pythonbuild.errors import BadArchive

__all__ = ["Package", "PackageEntry", "read_control", "read_package", "tarball"]

_MAGIC = b"!<arch>\n"
_HEADER = 60
_ZSTD = b"\x28\xb5\x2f\xfd"
# The suffixes of texts that rules read.
_KEPT = ("/Makefile", ".pc", "-config")


@dataclass(frozen=True)
class PackageEntry:
    """A member of a package.

    name: its path from the root, e.g. opt/python; kind: file, folder, link or other; owner: USER:GROUP; size: in bytes;
    link: the target of a symbolic link.
    """

    name: str
    kind: str
    mode: int
    owner: str
    size: int = 0
    link: str = ""


@dataclass(frozen=True)
class Package:
    """A package: the fields of its control file; its members, its programs and libraries, and some texts, each by path."""

    path: Path
    fields: Mapping[str, str]
    entries: Mapping[str, PackageEntry]
    elf: Mapping[str, ElfFacts]
    texts: Mapping[str, str]

    @property
    def name(self) -> str:
        """The package's name."""
        return self.fields["Package"]


def read_package(path: Path) -> Package:
    """Return the content of a package.  Raises BadArchive if the file is not a Debian package, or is damaged."""
    entries, elf, texts = {}, {}, {}
    with _tar(path, "data") as tar:
        for info in tar:
            name = info.name.removeprefix("./").rstrip("/")
            kind = "file" if info.isreg() else "link" if info.issym() else "folder" if info.isdir() else "other"
            owner = f"{info.uname or info.uid}:{info.gname or info.gid}"
            if name not in ("", "."):
                entries[name] = PackageEntry(name, kind, info.mode, owner, info.size, info.linkname)
            file = tar.extractfile(info) if kind == "file" else None
            data = file.read() if file else b""
            if data[:4] == b"\x7fELF" and not name.endswith(".o"):
                facts = elf_facts(data)
                if facts:
                    elf[name] = facts
            elif kind == "file" and (name.endswith(_KEPT) or "/_sysconfigdata_" in name):
                texts[name] = data.decode("utf-8", "replace")
    return Package(path, read_control(path), entries, elf, texts)


def read_control(path: Path) -> dict[str, str]:
    """Return the fields of a package's control file, in their order.

    Raises BadArchive if the file is not a Debian package, or does not state its name, version and architecture.
    """
    with _tar(path, "control") as tar:
        members = (info for info in tar if info.name.removeprefix("./") == "control")
        file = next((tar.extractfile(info) for info in members), None)
        if not file:
            raise BadArchive(f"{path.name} is not a Debian package: it has no control file")
        fields = dict(email.message_from_bytes(file.read()).items())
    for name in ("Package", "Version", "Architecture"):
        if not fields.get(name):
            raise BadArchive(f"{path.name} is not a Debian package: its control file has no {name}")
    return fields


def tarball(path: Path, role: str) -> io.BytesIO:
    """Return the tarball `role` (control or data) of a package, decompressed if it is compressed with Zstandard.

    Raises BadArchive if the file does not contain it.
    """
    content = path.read_bytes()
    offset = len(_MAGIC)
    while content.startswith(_MAGIC) and offset + _HEADER <= len(content):
        header = content[offset : offset + _HEADER]
        try:
            size = int(header[48:58])
        except ValueError:
            break
        if header.startswith(f"{role}.tar".encode()):
            data = content[offset + _HEADER : offset + _HEADER + size]
            if data.startswith(_ZSTD):
                data = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
            return io.BytesIO(data)
        offset += _HEADER + size + size % 2
    raise BadArchive(f"{path.name} is not a Debian package, or is damaged: it has no {role}.tar")


@contextmanager
def _tar(path: Path, role: str) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(fileobj=tarball(path, role)) as tar:
            yield tar
    except (tarfile.TarError, EOFError, zstandard.ZstdError, ValueError) as error:
        raise BadArchive(f"{path.name} is damaged: {error}") from None
    except OSError as error:
        if error.errno:
            raise
        raise BadArchive(f"{path.name} is damaged: {error}") from None
