"""The building machine and its builds: can it run their results, and what compiles programs that run during a build?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import Toolchain
from pythonbuild.model.options import BuildOptions
from pythonbuild.model.target import system_of
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.script import compiler_arguments
from pythonbuild.request.build import TRAINING_TOOLCHAIN, Build

__all__ = ["BuildingMachine"]


@dataclass(frozen=True)
class BuildingMachine:
    """The building machine with its compilers, as its builds see it."""

    catalog: Catalog
    facts: PlanningFacts

    def native(self, build: Build) -> Build:
        """Return the build of the tools that other builds run: for this machine, without options, with its default compiler."""
        name = self.catalog.tools_toolchain(self.facts.machine).name
        return replace(
            build,
            target=self.catalog.native_target(self.facts.machine),
            options=BuildOptions.parse("noopt"),
            toolchain=name,
            library_toolchain=name,
            pgo_profile=None,
        )

    def trained(self, build: Build) -> Build:
        """Return the build whose training serves all other platforms: the same CPython for this machine, compiled with LLVM."""
        options = BuildOptions((build.options.names - {"static"}) | {"lto"})
        if self.catalog.toolchain(build.toolchain).runs_on == "darwin":
            return replace(build, target=self.catalog.native_target(self.facts.machine), options=options)
        return replace(self.native(build), options=options, toolchain=TRAINING_TOOLCHAIN)

    def crosses(self, build: Build) -> bool:
        """Return True if a build is made with a cross toolchain."""
        return self.catalog.toolchain(build.library_toolchain).cross

    def runs(self, build: Build) -> bool:
        """Return True if this machine can run the result of a build."""
        if build.target.windows:
            return self.facts.machine in build.target.windows.runs_on
        if system_of(self.facts.machine) != "darwin":
            return not self.crosses(build)
        native = self.catalog.native_target(self.facts.machine)
        by_rosetta = self.facts.xcode is not None and self.facts.xcode.rosetta and build.target.arch == "x86_64"
        return build.target.gnu == native.gnu or by_rosetta

    def borrows_profile(self, build: Build) -> bool:
        """Return True if a Python is optimized with the profile of another one, which was trained on this machine."""
        return "pgo" in build.options and build.pgo_profile is None and not self.runs(build)

    def host_paths(self, toolchain: Toolchain) -> dict[str, Path]:
        """Return the programs and SDKs of a toolchain that are outside its tree, by their names in toolchains.yml."""
        xcode, llvm, msvc = self.facts.xcode, self.facts.llvm, self.facts.msvc
        if toolchain.runs_on == "windows" and msvc:
            return {"SH": msvc.shell}
        if toolchain.runs_on == "darwin" and xcode:
            sysroot = xcode.sdk if toolchain.cross else xcode.tools_sdk
            return {"XCODE": xcode.programs, "SYSROOT": sysroot.path, "HOST_SDK": xcode.tools_sdk.path}
        return {"LLVM": llvm.programs} if toolchain.host_version and llvm else {}

    def build_compiler(self, build: Build) -> dict[str, str]:
        """Return the command build-cc, which compiles programs that run during a cross build; {} where cc does that."""
        if not self.crosses(build):
            return {}
        native = self.native(build)
        toolchain = self.catalog.toolchain(native.toolchain)
        program = toolchain.compilers["cc"].format(gnu=native.target.gnu)
        words = [program.replace("@TOOLCHAIN@", "@BUILD_TOOLCHAIN@"), *compiler_arguments(toolchain, native)]
        return {"build-cc": " ".join(words)}
