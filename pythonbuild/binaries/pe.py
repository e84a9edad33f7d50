"""What PE files (Windows) say of themselves; read by LIEF."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Optional

import lief

__all__ = ["PeFacts", "pe_facts"]


@dataclass(frozen=True)
class PeFacts:
    """A PE program or library: the DLLs it imports, and whether it may be moved in memory and keeps data from running."""

    machine: str
    needed: tuple[str, ...]
    movable: bool
    no_execute: bool


def pe_facts(content: bytes) -> Optional[PeFacts]:
    """Return the facts of a PE file, None if LIEF cannot read it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        binary = lief.PE.parse(io.BytesIO(content))
        if binary is None:
            return None
        flags = lief.PE.OptionalHeader.DLL_CHARACTERISTICS
        return PeFacts(
            machine=str(getattr(binary.header.machine, "name", binary.header.machine)),
            needed=tuple(str(found.name) for found in binary.imports),
            movable=binary.optional_header.has(flags.DYNAMIC_BASE),
            no_execute=binary.optional_header.has(flags.NX_COMPAT),
        )
