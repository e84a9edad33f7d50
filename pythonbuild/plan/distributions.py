"""The steps after CPython's own: the distribution, the stripped distribution, and the archives of both."""

from __future__ import annotations

from dataclasses import dataclass

from pythonbuild.catalog.load import RecipeFolder
from pythonbuild.errors import BadRequest
from pythonbuild.model.naming import ArchiveFormat
from pythonbuild.model.python_step import ArchiveParameters, DistributionParameters, Part, StripParameters
from pythonbuild.plan.graph import Graph
from pythonbuild.plan.machine import BuildingMachine
from pythonbuild.plan.python_steps import python_inputs
from pythonbuild.plan.recipes import RecipeSteps
from pythonbuild.plan.step import Need, Output, PythonAction, Step
from pythonbuild.request.build import Build

__all__ = ["DistributionSteps"]


@dataclass(frozen=True)
class DistributionSteps:
    """Adds the steps of Python handlers to a graph."""

    graph: Graph
    machine: BuildingMachine
    recipes: RecipeSteps

    def outputs(self, build: Build) -> list[Output]:
        """Add all steps of a build, and return its archives.  Raises BadRequest if the recipe cannot build this CPython."""
        folder = self.machine.catalog.python_recipe(build.target)
        if not folder.applies_to(build.target.triple, build.python):
            raise BadRequest(
                f"the recipe of CPython cannot build {build.python} for {build.target.triple} yet",
                f"it builds CPython {folder.recipe.pythons}",
            )
        tree = self._distribution(build, folder)
        return [self._archive(build, tree, kind) for kind in build.formats]

    def _distribution(self, build: Build, folder: RecipeFolder) -> Step:
        cpython = self.recipes.step(build, folder)
        needs = [Need("cpython", cpython.identity)]
        needs += [Need("library", need.step) for need in cpython.needs if need.role == "deps"]
        if self.machine.crosses(build):
            host_python = self.machine.catalog.recipe("host-python")
            needs.append(Need("host-python", self.recipes.step(self.machine.native(build), host_python).identity))
        linked = self.recipes.linked(build)
        parameters = DistributionParameters(
            python=str(build.python),
            options=str(build.options),
            abi_flags=build.options.abi_flags,
            triple=build.target.triple,
            licenses={folder.recipe.name: folder.recipe.licenses for folder in linked},
            parts=tuple(part for folder in linked for part in self._parts(build, folder)),
        )
        return self._add("distribution", "distribution", build, parameters, tuple(needs))

    def _parts(self, build: Build, folder: RecipeFolder) -> list[Part]:
        """Return a recipe's entries in the bill of materials: its source archives as this build uses them."""
        version = str(build.python) if folder.recipe.is_python else folder.recipe.version
        return [
            Part(
                name=source.name,
                version=source.origin.version or version,
                place=source.origin.place,
                sha256=source.origin.sha256,
                licenses=folder.recipe.licenses,
            )
            for source in self.recipes.sources(build, folder)
        ]

    def _archive(self, build: Build, tree: Step, kind: ArchiveFormat) -> Output:
        content = Need("distribution", tree.identity)
        if kind.flavour in ("install_only_stripped", "debug_symbols") and build.target.platform.strips:
            content = Need("stripped", self._stripped(build, tree).identity)
        parameters = ArchiveParameters(kind.flavour, kind.suffix, hard=build.release)
        name = f"archive-{kind}{'-release' if build.release else ''}"
        step = self._add("archive", name, build, parameters, (content,))
        return Output(build=build, step=step.identity, kind=kind)

    def _stripped(self, build: Build, tree: Step) -> Step:
        """Return the step that separates code and symbols, with the objcopy of the toolchain that has the sysroot."""
        catalog = self.machine.catalog
        name, objcopy = catalog.objcopy_for(build.target, self.machine.facts.machine)
        if name == "binutils":
            tool = self.recipes.step(self.machine.native(build), catalog.recipe(name))
        else:
            tool = self.recipes.toolchain(build, name.removeprefix("toolchain-"))
        needs = (Need("distribution", tree.identity), Need("toolchain", tool.identity))
        return self._add("strip", "stripped", build, StripParameters(objcopy), needs)

    def _add(self, handler: str, name: str, build: Build, parameters: object, needs: tuple[Need, ...]) -> Step:
        """Add the step of a handler; name: the start of its label."""
        python = self.machine.catalog.python_recipe(build.target)
        label = self.recipes.label(build, python).replace(python.recipe.name, name, 1)
        action = PythonAction(handler, parameters)
        inputs = python_inputs(action, self.machine.facts.handlers)
        return self.graph.add(label, build.target.triple, action, inputs, build.toolchain, needs)
