"""What Mach-O files (macOS) say of themselves; read by LIEF."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from dataclasses import dataclass
from typing import Optional, Union

import lief

__all__ = ["MACHO_MAGIC", "MachOFacts", "has_cold_functions", "macho_facts"]

MACHO_MAGIC = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


@dataclass(frozen=True)
class MachOFacts:
    """A Mach-O program or library; of one for several CPUs, what any of them says.

    kind: EXECUTE, DYLIB, BUNDLE, ...; oldest, sdk: the lowest macOS version it runs on, e.g. (11, 0, 0), and that of the SDK it was
    linked with, if it says them; own_name: a library's; exported, weak: names as C has them, of what it gives others, and of what
    it needs only if it is there; padding: bytes in which load commands may grow; stack: bytes of the main thread's, 0 for the usual;
    signature: none, right or wrong.
    """

    cpus: tuple[str, ...]
    kind: str
    needed: tuple[str, ...]
    rpath: tuple[str, ...]
    oldest: Optional[tuple[int, ...]]
    sdk: Optional[tuple[int, ...]]
    own_name: str
    two_level: bool
    exported: frozenset[str]
    weak: frozenset[str]
    padding: int
    stack: int
    signature: str


def macho_facts(content: bytes) -> Optional[MachOFacts]:
    """Return the facts of a Mach-O file, None if LIEF cannot read it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        fat = lief.MachO.parse(io.BytesIO(content))
        binaries = list(fat) if fat is not None else []
        if not binaries:
            return None
        stated = [found.build_version or found.version_min for found in binaries]
        own = {_text(library.name) for found in binaries for library in found.libraries if _is_own_name(library)}
        needed = [_text(library.name) for found in binaries for library in found.libraries if not _is_own_name(library)]
        return MachOFacts(
            cpus=tuple(_name(found.header.cpu_type) for found in binaries),
            kind=_name(binaries[0].header.file_type),
            needed=tuple(dict.fromkeys(needed)),
            rpath=tuple(dict.fromkeys(_text(path.path) for found in binaries for path in found.rpaths)),
            oldest=max((_oldest(version) for version in stated if version), default=None),
            sdk=max((tuple(version.sdk) for version in stated if version), default=None),
            own_name=min(own, default=""),
            two_level=all(found.header.has(lief.MachO.Header.FLAGS.TWOLEVEL) for found in binaries),
            exported=frozenset(_c_name(symbol) for found in binaries for symbol in found.exported_symbols),
            weak=frozenset(_c_name(symbol) for found in binaries for symbol in found.symbols if _is_weak(symbol)),
            padding=min(map(_padding, binaries)),
            stack=max(found.main_command.stack_size if found.main_command else 0 for found in binaries),
            signature=max(
                (_signature(found, content[found.fat_offset :]) for found in binaries), key=_SIGNATURES.index
            ),
        )


def has_cold_functions(content: bytes) -> bool:
    """Is any function of a Mach-O object marked as one that hardly runs, as clang does by a profile?"""
    found = lief.MachO.parse(io.BytesIO(content))
    binary = found.at(0) if found is not None else None
    return binary is not None and any(symbol.description & _N_COLD_FUNC for symbol in binary.symbols)


# From good to bad.
_SIGNATURES = ("right", "none", "wrong")
# Of signatures: the kind of a part, and of its hashes.
_CODE_DIRECTORY = 0
_SHA_256 = 2
# The sizes of pages that there are, as powers of two.
_PAGES = (12, 14)
# Of symbols (mach-o/nlist.h): an undefined one that the loader need not find; the mark of a function that hardly runs.
_N_TYPE = 0x0E
_N_WEAK_REF = 0x40
_N_COLD_FUNC = 0x400


def _is_weak(symbol: lief.MachO.Symbol) -> bool:
    return symbol.raw_type & _N_TYPE == 0 and bool(symbol.description & _N_WEAK_REF)


def _is_own_name(library: lief.MachO.DylibCommand) -> bool:
    return library.command == lief.MachO.LoadCommand.TYPE.ID_DYLIB


def _oldest(version: Union[lief.MachO.BuildVersion, lief.MachO.VersionMin]) -> tuple[int, ...]:
    return tuple(version.minos if isinstance(version, lief.MachO.BuildVersion) else version.version)


def _padding(binary: lief.MachO.Binary) -> int:
    """Return how many bytes are free between the load commands and what comes first in the file after them."""
    header = 32 if binary.header.is_64bit else 28
    first = min((section.offset for section in binary.sections if section.offset), default=0)
    return int(first - header - binary.header.sizeof_cmds)


def _signature(binary: lief.MachO.Binary, content: bytes) -> str:
    """Return whether the hashes of a signature's code directory are those of the file's pages: none, right or wrong.

    Format: CS_SuperBlob and CS_CodeDirectory in Darwin's kern/cs_blobs.h.
    """
    if binary.code_signature is None:
        return "none"
    place = binary.code_signature.data_offset
    try:
        (count,) = struct.unpack_from(">I", content, place + 8)
        for number in range(count):
            kind, offset = struct.unpack_from(">II", content, place + 12 + 8 * number)
            if kind == _CODE_DIRECTORY:
                return "right" if _hashes_fit(content, place + offset) else "wrong"
    except struct.error:  # it leads out of the file
        pass
    return "wrong"


def _hashes_fit(content: bytes, directory: int) -> bool:
    hashes, _, _, count, limit, size, kind, _, page = struct.unpack_from(">IIIIIBBBB", content, directory + 16)
    if kind != _SHA_256 or page not in _PAGES or count != -(-limit >> page) or limit > len(content):
        return False
    for number in range(count):
        stated = directory + hashes + size * number
        part = content[number << page : min((number + 1) << page, limit)]
        if content[stated : stated + size] != hashlib.sha256(part).digest():
            return False
    return True


def _c_name(symbol: lief.MachO.Symbol) -> str:
    return _text(symbol.name).removeprefix("_")


def _text(name: Union[str, bytes]) -> str:
    return name if isinstance(name, str) else name.decode("utf-8", "replace")


def _name(value: object) -> str:
    return str(getattr(value, "name", value))
