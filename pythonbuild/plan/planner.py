"""Builds x catalog -> one `Plan`.  Equal steps of several builds are one step, because they have the same key."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Optional

import msgspec

from pythonbuild.catalog.load import Catalog, RecipeFolder, matches
from pythonbuild.catalog.schema import Origin, Recipe, Toolchain
from pythonbuild.errors import BadCatalog, BadRequest
from pythonbuild.host.toolchains import Llvm, Msvc, Xcode
from pythonbuild.model.naming import ArchiveFormat
from pythonbuild.model.options import BuildOptions
from pythonbuild.model.target import system_of
from pythonbuild.plan.render import render
from pythonbuild.plan.script import (
    commands,
    compiler_arguments,
    compiler_names,
    script_inputs,
    target_context,
    unix_variables,
    windows_variables,
)
from pythonbuild.plan.step import (
    Action,
    Need,
    Output,
    Plan,
    PythonAction,
    ScriptAction,
    SourceFile,
    Step,
    UnpackAction,
    key_of,
)
from pythonbuild.request.build import TRAINING_TOOLCHAIN, Build, uses_bolt

__all__ = ["Planner", "Surroundings"]

# Part of every key: raise it when the meaning of an artifact changes without any of its inputs doing so.
_FORMAT = "1"
# Variables by which build systems are told the compiler for programs that run during the build.
_BUILD_CC = ("BUILD_CC", "CC_FOR_BUILD")


@dataclass(frozen=True)
class Surroundings:
    """What the planner must be told of the world: the machine, the LLVM, Xcode or Visual C++ found on it, which origins' files are at hand,
    a digest of the code of each Python handler, and the versions of the distribution's packages where scripts run."""

    machine: str
    llvm: Optional[Llvm] = None
    choose_origin: Callable[[tuple[Origin, ...]], int] = lambda origins: 0
    handlers: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    xcode: Optional[Xcode] = None
    msvc: Optional[Msvc] = None


class Planner:
    """Makes the plan of some builds; `plan()` is the way in."""

    def __init__(self, catalog: Catalog, surroundings: Surroundings) -> None:
        self._catalog = catalog
        self._world = surroundings
        self._steps: dict[str, Step] = {}  # by identity
        self._open: list[str] = []

    def plan(self, builds: tuple[Build, ...]) -> Plan:
        """Return the plan that makes all `builds`.  Raises BadCatalog if recipes need each other in a circle."""
        outputs = []
        for build in builds:
            outputs += self._distribution(build)
        return _with_short_names(self._steps, outputs)

    # Steps, from the ones others stand on to the final archives.

    def _toolchain(self, build: Build, name: str) -> Step:
        toolchain = self._catalog.toolchain(name)
        machine = self._world.machine
        if machine not in toolchain.wheels:
            raise BadCatalog(f"toolchain {name} has no wheel for {machine}")
        source = SourceFile(name=f"toolchain {name}", origins=(toolchain.wheels[machine],))
        member = toolchain.archive.format(gnu=build.target.gnu)
        native = self._native(build)
        if member == toolchain.archive or build.target.gnu == native.target.gnu:
            build = native  # it is the same for all targets
        inputs = {"wheel": source.origin.sha256, "archive": member}
        return self._add(f"toolchain-{name}", build, "", inputs, UnpackAction(member=member), (), (source,))

    def _native(self, build: Build) -> Build:
        """Return the build of what runs on the building machine, as others need it: without options, by its default compiler."""
        name = self._catalog.tools_toolchain(self._world.machine).name
        return replace(
            build,
            target=self._catalog.native_target(self._world.machine),
            options=BuildOptions.parse("noopt"),
            toolchain=name,
            library_toolchain=name,
            pgo_profile=None,
        )

    def _is_cross(self, build: Build) -> bool:
        """Is it built like what does not run on the building machine?"""
        return self._catalog.toolchain(build.library_toolchain).cross

    def _runs_here(self, build: Build) -> bool:
        """Can the building machine run what is built?"""
        if build.target.windows:
            return self._world.machine in build.target.windows.runs_on
        if system_of(self._world.machine) != "darwin":
            return not self._is_cross(build)
        native = self._catalog.native_target(self._world.machine)
        by_rosetta = self._world.xcode is not None and self._world.xcode.rosetta and build.target.arch == "x86_64"
        return build.target.gnu == native.gnu or by_rosetta

    def _borrows_profile(self, build: Build, recipe: Recipe) -> bool:
        """Is it CPython by the profile of one that was trained on the building machine?"""
        return (
            recipe.name == "cpython"
            and "pgo" in build.options
            and build.pgo_profile is None
            and not self._runs_here(build)
        )

    def _trained(self, build: Build) -> Build:
        """Return the build for the building machine whose training serves all other platforms: the same CPython, and LLVM's."""
        options = BuildOptions((build.options.names - {"static"}) | {"lto"})
        if self._catalog.toolchain(build.toolchain).runs_on == "darwin":
            return replace(build, target=self._catalog.native_target(self._world.machine), options=options)
        return replace(self._native(build), options=options, toolchain=TRAINING_TOOLCHAIN)

    def _recipe(self, build: Build, folder: RecipeFolder) -> Step:
        recipe = folder.recipe
        toolchain_name = build.toolchain if recipe.name == "cpython" else build.library_toolchain
        label = self._label(build, folder)
        identity = f"{label}@{build.target.triple}/{toolchain_name}"
        if identity in self._steps:
            return self._steps[identity]
        if identity in self._open:
            raise BadCatalog(f"recipes need each other in a circle: {' -> '.join([*self._open, identity])}")
        self._open.append(identity)
        sources = self._sources(build, folder)
        needs = self._needs(build, folder, toolchain_name)
        action = self._script(build, folder, toolchain_name, sources)
        inputs = script_inputs(action)
        for source in sources:
            inputs[f"source {source.name}"] = source.origin.sha256
        if action.host_paths:
            inputs["host compiler"] = self._compiler_version()
        self._open.pop()
        return self._add(label, build, toolchain_name, inputs, action, needs, sources)

    def _distribution(self, build: Build) -> list[Output]:
        folder = self._catalog.recipe("cpython", build.target)
        if not folder.applies_to(build.target.triple, build.python):
            raise BadRequest(
                f"the recipe of CPython cannot build {build.python} for {build.target.triple} yet",
                f"it builds CPython {folder.recipe.pythons}",
            )
        cpython = self._recipe(build, folder)
        libraries = [Need("library", need.step) for need in cpython.needs if need.role == "deps"]
        label = f"{self._label(build, folder).replace('cpython', 'distribution', 1)}"
        facts = {
            "python": str(build.python),
            "options": str(build.options),
            "abi_flags": build.options.abi_flags,
            "triple": build.target.triple,
            "licenses": json.dumps({folder.recipe.name: folder.recipe.licenses for folder in self._linked(build)}),
            "parts": json.dumps([part for folder in self._linked(build) for part in self._parts(build, folder)]),
        }
        needs = (Need("cpython", cpython.identity), *libraries)
        if self._is_cross(build):
            host_python = self._recipe(self._native(build), self._catalog.recipe("host-python"))
            needs += (Need("host-python", host_python.identity),)
        tree = self._handled("distribution", label, build, facts, needs)
        return [self._archive(build, tree, label, kind) for kind in build.formats]

    def _parts(self, build: Build, folder: RecipeFolder) -> list[dict[str, object]]:
        """Return what a recipe adds to the bill of materials: its source archives as they are used in this build."""
        version = str(build.python) if folder.recipe.name == "cpython" else folder.recipe.version
        return [
            {
                "name": source.name,
                "version": source.origin.version or version,
                "place": source.origin.place,
                "sha256": source.origin.sha256,
                "licenses": folder.recipe.licenses,
            }
            for source in self._sources(build, folder)
        ]

    def _archive(self, build: Build, tree: Step, label: str, kind: ArchiveFormat) -> Output:
        content = Need("distribution", tree.identity)
        # Debug information of Mach-O files stays in the objects, and that of PE files is in files of its own: there is nothing to strip.
        strips = not build.target.macos and not build.target.windows
        if kind.flavour in ("install_only_stripped", "debug_symbols") and strips:
            content = Need("stripped", self._stripped(build, tree, label).identity)
        parameters = {
            "flavour": kind.flavour,
            "suffix": kind.suffix,
            "compression": "hard" if build.release else "fast",
        }
        name = label.replace("distribution", f"archive-{kind}{'-release' if build.release else ''}", 1)
        step = self._handled("archive", name, build, parameters, (content,))
        return Output(build=build, step=step.identity, kind=kind)

    def _stripped(self, build: Build, tree: Step, label: str) -> Step:
        """Return the step that separates code and symbols, with the objcopy of the toolchain that has the sysroot."""
        step, objcopy = self._catalog.objcopy_for(build.target, self._world.machine)
        if step == "binutils":
            tool = self._recipe(self._native(build), self._catalog.recipe(step))
        else:
            tool = self._toolchain(build, step.removeprefix("toolchain-"))
        needs = (Need("distribution", tree.identity), Need("toolchain", tool.identity))
        return self._handled("strip", label.replace("distribution", "stripped", 1), build, {"objcopy": objcopy}, needs)

    def _handled(
        self, handler: str, label: str, build: Build, parameters: dict[str, str], needs: tuple[Need, ...]
    ) -> Step:
        inputs = {"code": self._world.handlers.get(handler, ""), **parameters}
        return self._add(label, build, build.toolchain, inputs, PythonAction(handler, parameters), needs, ())

    def _add(
        self,
        label: str,
        build: Build,
        toolchain: str,
        inputs: Mapping[str, str],
        action: Action,
        needs: tuple[Need, ...],
        sources: tuple[SourceFile, ...],
    ) -> Step:
        identity = f"{label}@{build.target.triple}" + (f"/{toolchain}" if toolchain else "")
        whole = {"format": _FORMAT, **inputs}
        for need in needs:
            whole[f"{need.role} {need.step.split('@')[0]}"] = self._steps[need.step].key
        step = Step(
            name=identity,
            identity=identity,
            inputs=whole,
            key=key_of(whole),
            action=action,
            needs=needs,
            sources=sources,
        )
        return self._steps.setdefault(identity, step)

    # What goes into a recipe's step.

    def _label(self, build: Build, folder: RecipeFolder) -> str:
        reads = folder.recipe.reads
        parts = [folder.recipe.name]
        if "python" in reads:
            parts.append(str(build.python) + ("-local" if build.local_python else ""))
        if "options" in reads:
            parts.append(str(build.options) + ("-given-profile" if build.pgo_profile else ""))
        return "-".join(parts)

    def _linked(self, build: Build) -> list[RecipeFolder]:
        """Return cpython's recipe and those of all libraries that apply to this build."""
        names: dict[str, None] = {}
        queue = ["cpython"]
        while queue:
            name = queue.pop(0)
            folder = self._catalog.recipe(name, build.target)
            if name not in names and folder.applies_to(build.target.triple, build.python):
                names[name] = None
                queue += folder.recipe.needs
        return [self._catalog.recipe(name, build.target) for name in names]

    def _needs(self, build: Build, folder: RecipeFolder, toolchain_name: str) -> tuple[Need, ...]:
        toolchain = self._catalog.toolchain(toolchain_name)
        needs = self._compiler_needs(build, folder.recipe, toolchain)
        native = self._native(build)
        if self._is_cross(build) and self._catalog.toolchain(native.toolchain).wheels:
            needs[Need("build-toolchain", self._toolchain(native, native.toolchain).identity)] = None
        if self._borrows_profile(build, folder.recipe):
            needs[Need("profile", self._recipe(self._trained(build), folder).identity)] = None
        for name in folder.recipe.needs:
            library = self._catalog.recipe(name, build.target)
            if library.applies_to(build.target.triple, build.python):
                step = self._recipe(build, library)
                needs[Need("deps", step.identity)] = None
                # What a library was built with is needed to link it, too.
                needs.update({need: None for need in step.needs if need.role == "deps"})
        for name in self._tools(build, folder.recipe, toolchain):
            tool = self._catalog.recipe(name, build.target)
            if tool.applies_to(build.target.triple, build.python):
                needs[Need("tools", self._recipe(native, tool).identity)] = None
        return tuple(needs)

    def _compiler_needs(self, build: Build, recipe: Recipe, toolchain: Toolchain) -> dict[Need, None]:
        """Return what a recipe's compiler is made of: its own tree, if it is not the host's, and its sysroot."""
        made = toolchain.sysroot_recipe and recipe.kind != "sysroot"
        needs: dict[Need, None] = {}
        if toolchain.runs_on != "linux":
            return needs
        if not toolchain.sysroot_from:
            needs[Need("toolchain", self._toolchain(build, toolchain.name).identity)] = None
        elif not made:
            needs[Need("sysroot", self._toolchain(build, toolchain.sysroot_from).identity)] = None
        if made:
            needs[Need("sysroot", self._recipe(build, self._catalog.recipe(toolchain.sysroot_recipe)).identity)] = None
        return needs

    def _tools(self, build: Build, recipe: Recipe, toolchain: Toolchain) -> tuple[str, ...]:
        """Return the names of the recipes that a recipe's script finds as tools."""
        cross = recipe.cross_tools if self._is_cross(build) else ()
        return (*recipe.tools, *cross, *(() if recipe.kind == "sysroot" else toolchain.tools))

    def _sources(self, build: Build, folder: RecipeFolder) -> tuple[SourceFile, ...]:
        if folder.recipe.from_cpython:
            name, local = folder.recipe.name, build.local_python
            if local:
                origin = Origin(sha256=local.digest, size=0, url=f"file:{local.path.name}")
                return (SourceFile(name=name, origins=(origin,), local=local.path),)
            origins = self._catalog.releases[build.python].origins
            return (SourceFile(name=name, origins=origins, chosen=self._world.choose_origin(origins)),)
        return tuple(
            SourceFile(
                name=source.name or folder.recipe.name,
                origins=source.origins,
                chosen=self._world.choose_origin(source.origins),
            )
            for source in folder.recipe.sources
        )

    def _script(
        self, build: Build, folder: RecipeFolder, toolchain_name: str, sources: tuple[SourceFile, ...]
    ) -> ScriptAction:
        recipe = folder.recipe
        toolchain = self._catalog.toolchain(toolchain_name)
        version = (sources[0].origin.version if sources else None) or recipe.version
        context: dict[str, object] = {
            "name": recipe.name,
            "version": str(build.python) if recipe.from_cpython else version,
            "target": target_context(build, self._native(build), self._is_cross(build), self._runs_here(build)),
            "cross": self._is_cross(build),
            "toolchain": {
                "name": toolchain.name,
                "clang": toolchain.cc == "clang",
                "bolt": uses_bolt(toolchain, build.target, build.options),
            },
        }
        if "options" in recipe.reads:
            borrowed = self._borrows_profile(build, recipe)
            context["options"] = {
                **build.options.as_flags(),
                "given_profile": build.pgo_profile is not None or borrowed,
                "borrowed_profile": borrowed,
                "trains": "pgo" in build.options and build.pgo_profile is None and not borrowed,
            }
        if "python" in recipe.reads:
            context["python"] = self._python_context(build)
        files = dict(folder.files)
        if recipe.name == "cpython" and build.pgo_profile:
            files["pgo.profile"] = build.pgo_profile.content
        if recipe.name == "cpython" and build.target.windows:
            files["projects.json"] = self._project_edits(build)
        build_compiler = self._build_compiler(build)
        script = render("build.sh.j2", {**self._catalog.templates(build.target), **folder.templates}, context)
        return ScriptAction(
            script=script,
            environment={
                **(windows_variables(recipe.name) if build.target.windows else unix_variables(recipe.name, toolchain)),
                **toolchain.variables,
                **dict.fromkeys(build_compiler and _BUILD_CC, "build-cc"),
                **({"PROFILE": "@PROFILE@/build/pgo.profile"} if self._borrows_profile(build, recipe) else {}),
            },
            wrappers={
                **commands(toolchain, build),
                **build_compiler,
                **({"python3": "@PYTHON@"} if build.target.windows else {}),
            },
            patches=tuple(
                (patch.file, folder.patches[patch.file])
                for patch in recipe.patches
                if matches(build.target.triple, patch.targets)
                and (not patch.pythons or build.python.within(patch.pythons))
            ),
            files=files,
            license_files=recipe.license_files,
            output={"library": "out/deps", "tool": "out/tools"}.get(
                "" if recipe.name == "cpython" else recipe.kind, "out"
            ),
            host_paths=self._host_paths(toolchain),
            host_variables=self._world.msvc.variables if self._world.msvc and build.target.windows else {},
            compilers=dict.fromkeys(compiler_names(toolchain, build_compiler), self._compiler_version()),
        )

    def _compiler_version(self) -> str:
        """Return which compiler stands on the machine itself, or in the image."""
        return str(self._world.msvc or self._world.xcode or (self._world.llvm and self._world.llvm.version))

    def _project_edits(self, build: Build) -> bytes:
        """Return the edits of CPython's projects that are for this version, as edit_projects.py reads them."""
        edits = [edit for edit in self._catalog.projects if not edit.pythons or build.python.within(edit.pythons)]
        return msgspec.json.encode({"python": str(build.python), "edits": edits})

    def _host_paths(self, toolchain: Toolchain) -> dict[str, Path]:
        """Return what stands on the machine itself (or in the image) of a toolchain, by the names of it in toolchains.yml."""
        xcode, llvm, msvc = self._world.xcode, self._world.llvm, self._world.msvc
        if toolchain.runs_on == "windows" and msvc:
            return {"SH": msvc.shell}
        if toolchain.runs_on == "darwin" and xcode:
            sysroot = xcode.sdk if toolchain.cross else xcode.tools_sdk
            return {"XCODE": xcode.programs, "SYSROOT": sysroot.path, "HOST_SDK": xcode.tools_sdk.path}
        return {"LLVM": llvm.programs} if toolchain.host_version and llvm else {}

    def _build_compiler(self, build: Build) -> dict[str, str]:
        """Return the compiler for programs that run during the build, as build-cc, where cc's would not run there."""
        if not self._is_cross(build):
            return {}
        native = self._native(build)
        toolchain = self._catalog.toolchain(native.toolchain)
        program = toolchain.compilers["cc"].format(gnu=native.target.gnu)
        words = [program.replace("@TOOLCHAIN@", "@BUILD_TOOLCHAIN@"), *compiler_arguments(toolchain, native)]
        return {"build-cc": " ".join(words)}

    def _python_context(self, build: Build) -> dict[str, object]:
        series = self._catalog.series.get(build.python.series)
        if series is None:
            raise BadCatalog(f"pythons.yml knows nothing of series {build.python.series}", "add it under `series`")
        return {
            "version": str(build.python),
            "series": build.python.series,
            "minor": build.python.minor,
            "abi": build.options.abi_flags,
            "tcl": series.tcl,
            "tcl_windows": series.tcl_windows,
            "hex": build.python.hexversion,
        }


def _with_short_names(steps: dict[str, Step], outputs: list[Output]) -> Plan:
    """Name each step by as little of its identity as tells it from the others of this plan."""
    by_label: dict[str, list[str]] = {}
    for identity in steps:
        by_label.setdefault(identity.split("@")[0], []).append(identity)
    names = {identity: label if len(same) == 1 else identity for label, same in by_label.items() for identity in same}
    renamed = {
        names[identity]: replace(
            step, name=names[identity], needs=tuple(Need(need.role, names[need.step]) for need in step.needs)
        )
        for identity, step in steps.items()
    }
    return Plan(steps=renamed, outputs=tuple(replace(output, step=names[output.step]) for output in outputs))
