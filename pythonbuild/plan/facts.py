"""The facts about the building machine that the planner needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Optional

from pythonbuild.catalog.schema import Origin
from pythonbuild.host.toolchains import Llvm, Msvc, Xcode

__all__ = ["PlanningFacts"]


@dataclass(frozen=True)
class PlanningFacts:
    """Facts that the catalog does not have, found before planning.

    machine: the building machine, e.g. x86_64-linux or aarch64-darwin;
    llvm, xcode, msvc: the compilers found on it or in the container image;
    choose_origin: returns the index of the origin whose file a step should read;
    handlers: name of a Python handler -> the inputs that its result depends on besides parameters and trees: code, libraries;
    packages: name of a distribution's package -> its version where scripts run.
    """

    machine: str
    llvm: Optional[Llvm] = None
    choose_origin: Callable[[tuple[Origin, ...]], int] = lambda origins: 0
    handlers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    xcode: Optional[Xcode] = None
    msvc: Optional[Msvc] = None

    @property
    def compiler_version(self) -> str:
        """The version of the compiler on the machine itself, or in the image."""
        return str(self.msvc or self.xcode or (self.llvm and self.llvm.version))
