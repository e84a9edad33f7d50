"""What Mach-O files (macOS) and PE files (Windows) say of themselves; read by LIEF."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Optional

import lief

__all__ = ["MACHO_MAGIC", "MachOFacts", "PeFacts", "macho_facts", "pe_facts"]

MACHO_MAGIC = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


@dataclass(frozen=True)
class MachOFacts:
    """A Mach-O program or library; of one for several CPUs, what any of them says.

    oldest: the lowest macOS version it runs on, e.g. (11, 0, 0), if it says one.
    """

    cpus: tuple[str, ...]
    needed: tuple[str, ...]
    rpath: tuple[str, ...]
    oldest: Optional[tuple[int, ...]]
    two_level: bool


@dataclass(frozen=True)
class PeFacts:
    """A PE program or library: the DLLs it imports, and whether it may be moved in memory and keeps data from running."""

    machine: str
    needed: tuple[str, ...]
    movable: bool
    no_execute: bool


def macho_facts(content: bytes) -> Optional[MachOFacts]:
    """Return the facts of a Mach-O file, None if LIEF cannot read it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        fat = lief.MachO.parse(io.BytesIO(content))
        binaries = list(fat) if fat is not None else []
        if not binaries:
            return None
        versions = [tuple(found.build_version.minos) for found in binaries if found.build_version]
        versions += [tuple(found.version_min.version) for found in binaries if found.version_min]
        return MachOFacts(
            cpus=tuple(_name(found.header.cpu_type) for found in binaries),
            needed=tuple(dict.fromkeys(str(library.name) for found in binaries for library in found.libraries)),
            rpath=tuple(dict.fromkeys(str(path.path) for found in binaries for path in found.rpaths)),
            oldest=max(versions, default=None),
            two_level=all(found.header.has(lief.MachO.Header.FLAGS.TWOLEVEL) for found in binaries),
        )


def pe_facts(content: bytes) -> Optional[PeFacts]:
    """Return the facts of a PE file, None if LIEF cannot read it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        binary = lief.PE.parse(io.BytesIO(content))
        if binary is None:
            return None
        flags = lief.PE.OptionalHeader.DLL_CHARACTERISTICS
        return PeFacts(
            machine=_name(binary.header.machine),
            needed=tuple(str(found.name) for found in binary.imports),
            movable=binary.optional_header.has(flags.DYNAMIC_BASE),
            no_execute=binary.optional_header.has(flags.NX_COMPAT),
        )


def _name(value: object) -> str:
    return str(getattr(value, "name", value))
