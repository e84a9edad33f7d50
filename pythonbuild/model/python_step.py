"""The input of a Python step: its parameters, the trees that it reads, and the folder for its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

__all__ = [
    "SBOM_FILE",
    "ArchiveParameters",
    "DistributionParameters",
    "Handler",
    "HandlerCall",
    "HandlerInput",
    "Part",
    "StripParameters",
]

# The software bill of materials in python/build of a distribution.  Scanners recognize the end of the name.
SBOM_FILE = "sbom.cdx.json"

Parameters = TypeVar("Parameters")


@dataclass(frozen=True)
class Part:
    """A component of a distribution.

    place: the address of its source archive; sha256: of that archive, in hexadecimal; licenses: SPDX identifiers; kind: the type of its
    package URL, e.g. generic or pypi.
    """

    name: str
    version: str
    place: str
    sha256: str
    licenses: tuple[str, ...]
    kind: str = "generic"


@dataclass(frozen=True)
class DistributionParameters:
    """The parameters of a distribution.

    python: CPython's version; options: of the build, e.g. pgo+lto; abi_flags: as in the name of the interpreter, e.g. t; triple: the target
    triple; licenses: recipe -> SPDX identifiers, for each linked recipe and CPython; parts: its bill of materials.
    """

    python: str
    options: str
    abi_flags: str
    triple: str
    licenses: Mapping[str, tuple[str, ...]]
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class StripParameters:
    """The parameters of a stripped distribution.  objcopy: the program's path in the toolchain's tree."""

    objcopy: str


@dataclass(frozen=True)
class ArchiveParameters:
    """The parameters of an archive.  flavour, suffix: see `ArchiveFormat`; hard: compress as well as possible, for a release."""

    flavour: str
    suffix: str
    hard: bool


@dataclass(frozen=True)
class HandlerInput:
    """A stored tree that a handler reads: its role for the step, the step that made it, and its folder."""

    role: str
    step: str
    tree: Path


@dataclass(frozen=True)
class HandlerCall(Generic[Parameters]):
    """The work of one Python step.

    output: the folder for its result; threads: how many a compressor may use; say: reports progress, one line per call.
    """

    parameters: Parameters
    inputs: tuple[HandlerInput, ...]
    output: Path
    threads: int
    say: Callable[[str], None]


Handler = Callable[[HandlerCall[Any]], None]
