"""The steps of recipes: a library, a tool, a sysroot or CPython for a build, with all steps that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from pythonbuild.catalog.load import RecipeFolder
from pythonbuild.catalog.schema import Origin, Recipe, Toolchain
from pythonbuild.errors import BadCatalog
from pythonbuild.model.version import PythonVersion
from pythonbuild.plan.context import build_files, script_context
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.graph import Graph
from pythonbuild.plan.machine import BuildingMachine
from pythonbuild.plan.render import render
from pythonbuild.plan.script import commands, compiler_names, script_inputs, unix_variables, windows_variables
from pythonbuild.plan.step import Need, ScriptAction, SourceFile, Step, UnpackAction
from pythonbuild.request.build import Build, LocalPython

__all__ = ["RecipeSteps", "cpython_source"]

# Variables that tell build systems the compiler for programs that run during the build.
_BUILD_CC = ("BUILD_CC", "CC_FOR_BUILD")
# What a recipe makes -> the folder below the build root that becomes the step's result.
_OUTPUTS = {"library": "out/deps", "python": "out", "sysroot": "out", "tool": "out/tools"}


@dataclass(frozen=True)
class RecipeSteps:
    """Adds the steps of recipes and toolchains to a graph."""

    graph: Graph
    machine: BuildingMachine

    def step(self, build: Build, folder: RecipeFolder) -> Step:
        """Return the step of a recipe for a build.  Raises BadCatalog if recipes need each other in a circle."""
        recipe = folder.recipe
        toolchain = self.machine.catalog.toolchain(build.toolchain if recipe.is_python else build.library_toolchain)
        identity = (self.label(build, folder), build.target.triple, toolchain.name)
        known = self.graph.find(*identity)
        if known:
            return known
        with self.graph.making(*identity):
            sources = self.sources(build, folder)
            needs = self._needs(build, folder, toolchain)
            action = self._script(build, folder, toolchain, sources)
        inputs = script_inputs(action)
        inputs.update({f"source {source.name}": source.origin.sha256 for source in sources})
        if action.host_paths:
            inputs["host compiler"] = self.machine.facts.compiler_version
        label, target, name = identity
        return self.graph.add(label, target, action, inputs, name, needs, sources)

    def toolchain(self, build: Build, name: str) -> Step:
        """Return the step that unpacks a toolchain.  Raises BadCatalog if the toolchain does not run on this machine."""
        toolchain = self.machine.catalog.toolchain(name)
        machine = self.machine.facts.machine
        if machine not in toolchain.wheels:
            raise BadCatalog(f"toolchain {name} has no wheel for {machine}")
        source = SourceFile(name=f"toolchain {name}", origins=(toolchain.wheels[machine],))
        member = toolchain.archive.format(gnu=build.target.gnu)
        target, native = build.target, self.machine.native(build).target
        if member == toolchain.archive or target.gnu == native.gnu:
            target = native  # the same tree serves all targets
        inputs = {"wheel": source.origin.sha256, "archive": member}
        return self.graph.add(f"toolchain-{name}", target.triple, UnpackAction(member), inputs, sources=(source,))

    def label(self, build: Build, folder: RecipeFolder) -> str:
        """Return the recipe's name with the Python and the options that it reads."""
        reads = folder.recipe.reads
        parts = [folder.recipe.name]
        if "python" in reads:
            parts.append(str(build.python) + ("-local" if build.local_python else ""))
        if "options" in reads:
            parts.append(str(build.options) + ("-given-profile" if build.pgo_profile else ""))
        return "-".join(parts)

    def linked(self, build: Build) -> list[RecipeFolder]:
        """Return CPython's recipe and those of all libraries that this build links."""
        catalog = self.machine.catalog
        names: dict[str, None] = {}
        queue = [catalog.python_recipe(build.target).recipe.name]
        while queue:
            name = queue.pop(0)
            folder = catalog.recipe(name, build.target)
            if name not in names and folder.applies_to(build.target.triple, build.python):
                names[name] = None
                queue += folder.recipe.needs
        return [catalog.recipe(name, build.target) for name in names]

    def sources(self, build: Build, folder: RecipeFolder) -> tuple[SourceFile, ...]:
        """Return the archives that a recipe's step reads."""
        recipe, facts = folder.recipe, self.machine.facts
        if recipe.from_cpython:
            origins = self.machine.catalog.releases[build.python].origins if not build.local_python else ()
            return (cpython_source(recipe.name, origins, build.local_python, facts),)
        return tuple(
            SourceFile(source.name or recipe.name, source.origins, facts.choose_origin(source.origins))
            for source in recipe.sources
        )

    def _needs(self, build: Build, folder: RecipeFolder, toolchain: Toolchain) -> tuple[Need, ...]:
        catalog, recipe = self.machine.catalog, folder.recipe
        needs = self._compiler_needs(build, recipe, toolchain)
        native = self.machine.native(build)
        if self.machine.crosses(build) and catalog.toolchain(native.toolchain).wheels:
            needs[Need("build-toolchain", self.toolchain(native, native.toolchain).identity)] = None
        if recipe.is_python and self.machine.borrows_profile(build):
            needs[Need("profile", self.step(self.machine.trained(build), folder).identity)] = None
        for library in self._applying(recipe.needs, build):
            step = self.step(build, library)
            needs[Need("deps", step.identity)] = None
            # Linking a library also requires the libraries that it was built with.
            needs.update({need: None for need in step.needs if need.role == "deps"})
        for tool in self._applying(self._tools(build, recipe, toolchain), build):
            needs[Need("tools", self.step(native, tool).identity)] = None
        return tuple(needs)

    def _applying(self, names: tuple[str, ...], build: Build) -> list[RecipeFolder]:
        """Return those of the named recipes that are used for a build's target and Python."""
        folders = (self.machine.catalog.recipe(name, build.target) for name in names)
        return [folder for folder in folders if folder.applies_to(build.target.triple, build.python)]

    def _compiler_needs(self, build: Build, recipe: Recipe, toolchain: Toolchain) -> dict[Need, None]:
        """Return the trees of a recipe's compiler: its own, unless the machine or the image has it, and its sysroot."""
        made = toolchain.sysroot_recipe and recipe.kind != "sysroot"
        needs: dict[Need, None] = {}
        if toolchain.runs_on != "linux":
            return needs
        if not toolchain.sysroot_from:
            needs[Need("toolchain", self.toolchain(build, toolchain.name).identity)] = None
        elif not made:
            needs[Need("sysroot", self.toolchain(build, toolchain.sysroot_from).identity)] = None
        if made:
            folder = self.machine.catalog.recipe(toolchain.sysroot_recipe)
            needs[Need("sysroot", self.step(build, folder).identity)] = None
        return needs

    def _tools(self, build: Build, recipe: Recipe, toolchain: Toolchain) -> tuple[str, ...]:
        """Return the names of the recipes whose programs a script can run."""
        cross = recipe.cross_tools if self.machine.crosses(build) else ()
        return (*recipe.tools, *cross, *(() if recipe.kind == "sysroot" else toolchain.tools))

    def _script(
        self, build: Build, folder: RecipeFolder, toolchain: Toolchain, sources: tuple[SourceFile, ...]
    ) -> ScriptAction:
        recipe, machine, windows = folder.recipe, self.machine, build.target.windows
        version = (sources[0].origin.version if sources else None) or recipe.version
        templates = {**machine.catalog.templates(build.target), **folder.templates}
        build_compiler = machine.build_compiler(build)
        variables = windows_variables(recipe) if windows else unix_variables(recipe, toolchain)
        borrows = recipe.is_python and machine.borrows_profile(build)
        return ScriptAction(
            script=render(
                "build.sh.j2",
                templates,
                script_context(build, recipe, toolchain, version, machine),
                owner=f"recipe {recipe.name}",
            ),
            environment={
                **variables,
                **toolchain.variables,
                **dict.fromkeys(build_compiler and _BUILD_CC, "build-cc"),
                **({"PROFILE": "@PROFILE@/build/pgo.profile"} if borrows else {}),
            },
            wrappers={
                **commands(toolchain, build),
                **build_compiler,
                **({"python3": "@PYTHON@"} if windows else {}),
            },
            patches=_patches(folder, build.target.triple, build.python),
            files={**folder.files, **(build_files(build, machine.catalog) if recipe.is_python else {})},
            license_files=recipe.license_files,
            output=_OUTPUTS[recipe.kind],
            host_paths=machine.host_paths(toolchain),
            host_variables=machine.facts.msvc.variables if machine.facts.msvc and windows else {},
            compilers=dict.fromkeys(compiler_names(toolchain, build_compiler), machine.facts.compiler_version),
        )


def cpython_source(
    name: str, origins: tuple[Origin, ...], local: Optional[LocalPython], facts: PlanningFacts
) -> SourceFile:
    """Return CPython's source archive, or the user's own sources that stand in for it."""
    if local:
        origin = Origin(sha256=local.digest, size=0, url=f"file:{local.path.name}")
        return SourceFile(name, (origin,), local=local.path)
    return SourceFile(name, origins, facts.choose_origin(origins))


def _patches(folder: RecipeFolder, triple: str, python: PythonVersion) -> tuple[tuple[str, bytes], ...]:
    """Return the names and contents of a recipe's patches for a target and a Python."""
    return tuple(
        (patch.file, folder.patches[patch.file]) for patch in folder.recipe.patches if patch.applies_to(triple, python)
    )
