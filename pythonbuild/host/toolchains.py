"""Compilers of the machine itself, described for the planner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["AppleSdk", "Llvm", "Msvc", "Xcode"]


@dataclass(frozen=True)
class Llvm:
    """The LLVM where scripts run: on the host, or in the image of containers.

    programs: the folder of its programs; version: a text for the steps' keys; lacks: programs of toolchains that are not in
    the folder.
    """

    programs: Path
    version: str
    lacks: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True)
class Msvc:
    """Visual C++ on a Windows machine.

    version: of compiler and SDK, for the steps' keys; shell: the POSIX shell that runs scripts; variables: with them the
    compiler finds headers and libraries; studio: the name of the Visual Studio, for messages.
    """

    version: str
    shell: Path
    variables: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    studio: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.version


@dataclass(frozen=True)
class AppleSdk:
    """An SDK of macOS.

    path: its folder; name, version: from its SDKSettings.json, e.g. macosx15.4 and 15.4.
    """

    path: Path
    name: str
    version: str


@dataclass(frozen=True)
class Xcode:
    """Apple's compiler and tools on a Mac.

    programs: their folder; version: of the compiler, for the steps' keys; sdk: for the Python; tools_sdk: for programs that
    run during the build; rosetta: whether this Mac also runs programs for Intel.
    """

    programs: Path
    version: str
    sdk: AppleSdk
    tools_sdk: AppleSdk
    rosetta: bool = False

    def __str__(self) -> str:
        return f"{self.version}, SDKs {self.sdk.name} {self.sdk.version} and {self.tools_sdk.name} {self.tools_sdk.version}"
