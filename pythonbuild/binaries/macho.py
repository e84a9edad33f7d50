"""Facts of Mach-O files (macOS), read with LIEF."""

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
    """Facts of a Mach-O program or library.  For a universal binary, they summarize the parts for all CPUs.

    kind: EXECUTE, DYLIB, BUNDLE, ...; needed: install names of libraries; oldest: the lowest macOS version it runs on, e.g. (11, 0, 0),
    None if it states none; sdk: the version of the SDK it was linked with, likewise; own_name: the install name of a library, else "";
    exported: the symbols it provides; weak: the symbols it uses only if they exist; both have the names of C, without the underscore;
    padding: bytes into which load commands can grow; stack: bytes of the main thread's stack, 0 for the default; signature: none,
    right or wrong.
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
    """Return the facts of the content of a Mach-O file, None if LIEF cannot read it."""
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
    """Return True if any function of a Mach-O object is marked as rarely run, as clang marks them with a profile."""
    found = lief.MachO.parse(io.BytesIO(content))
    binary = found.at(0) if found is not None else None
    return binary is not None and any(symbol.description & _N_COLD_FUNC for symbol in binary.symbols)


# From best to worst.
_SIGNATURES = ("right", "none", "wrong")
# Constants of signatures: the kind of a part, and the kind of its hashes.
_CODE_DIRECTORY = 0
_SHA_256 = 2
# The possible sizes of pages, as powers of two.
_PAGES = (12, 14)
# Bits of symbols (mach-o/nlist.h): the type, an undefined symbol that the loader need not find, a function that rarely runs.
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
    """Return the number of free bytes between the load commands and the first section after them."""
    header = 32 if binary.header.is_64bit else 28
    first = min((section.offset for section in binary.sections if section.offset), default=0)
    return int(first - header - binary.header.sizeof_cmds)


def _signature(binary: lief.MachO.Binary, content: bytes) -> str:
    """Compare the hashes in the code directory of a signature with the file's pages; return none, right or wrong.

    Source: CS_SuperBlob and CS_CodeDirectory in Darwin's kern/cs_blobs.h.
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
    except struct.error:  # an offset leads out of the file
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
