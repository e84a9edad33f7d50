"""Facts of PE files (Windows), read with LIEF."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Optional

import lief

__all__ = ["PeFacts", "pe_facts"]


@dataclass(frozen=True)
class PeFacts:
    """Facts of a PE program or library.

    needed: the DLLs it imports; movable: it can be loaded at any address (DYNAMIC_BASE); no_execute: its data cannot be run
    (NX_COMPAT).
    """

    machine: str
    needed: tuple[str, ...]
    movable: bool
    no_execute: bool


def pe_facts(content: bytes) -> Optional[PeFacts]:
    """Return the facts of the content of a PE file, None if LIEF cannot read it."""
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
