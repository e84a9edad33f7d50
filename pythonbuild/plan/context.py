"""The values for templates of build scripts, and the files that depend on a build."""

from __future__ import annotations

import msgspec

from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import Recipe, Toolchain
from pythonbuild.errors import BadCatalog
from pythonbuild.plan.machine import BuildingMachine
from pythonbuild.request.build import Build, uses_bolt

__all__ = ["build_files", "script_context"]


def script_context(
    build: Build, recipe: Recipe, toolchain: Toolchain, version: str, machine: BuildingMachine
) -> dict[str, object]:
    """Return the values for a recipe's template.  `options` and `python` are among them only if the recipe reads them.

    version: that of the recipe's first source.  Raises BadCatalog if pythons.yml lacks the series.
    """
    context: dict[str, object] = {
        "name": recipe.name,
        "version": str(build.python) if recipe.from_cpython else version,
        "target": _target(build, machine),
        "cross": machine.crosses(build),
        "toolchain": {
            "name": toolchain.name,
            "clang": toolchain.cc == "clang",
            "bolt": uses_bolt(toolchain, build.target, build.options),
        },
    }
    if "options" in recipe.reads:
        borrowed = recipe.is_python and machine.borrows_profile(build)
        context["options"] = {
            **build.options.as_flags(),
            "given_profile": build.pgo_profile is not None or borrowed,
            "borrowed_profile": borrowed,
            "trains": "pgo" in build.options and build.pgo_profile is None and not borrowed,
        }
    if recipe.is_python:
        context["modules"] = machine.catalog.linked_modules(build.target.triple, build.python, build.options.names)
    if "python" in recipe.reads:
        context["python"] = _python(build, machine.catalog)
    return context


def build_files(build: Build, catalog: Catalog) -> dict[str, bytes]:
    """Return {name: content} of the files of CPython's recipe that depend on the build: a profile, edits of Windows projects."""
    files = {}
    if build.pgo_profile:
        files["pgo.profile"] = build.pgo_profile.content
    if build.target.windows:
        edits = [edit for edit in catalog.projects if build.python.within(edit.pythons)]
        files["projects.json"] = msgspec.json.encode({"python": str(build.python), "edits": edits})
    return files


def _target(build: Build, machine: BuildingMachine) -> dict[str, object]:
    target, native = build.target, machine.native(build).target
    # Configure scripts detect a cross build by two different names.  On Darwin, these can differ only in the version.
    build_name = native.gnu + ("20" if machine.crosses(build) and native.macos else "")
    windows = {"windows": target.windows, "runs_here": machine.runs(build)} if target.windows else {}
    return {
        "triple": target.triple,
        "host": target.gnu,
        "build": build_name,
        "zig": target.zig,
        "answers": target.answers,
        "arch": target.arch,
        "platform_cpu": target.names.platform,
        "libc": target.libc,
        "macos": target.macos,
        "openssl": target.openssl,
        **windows,
    }


def _python(build: Build, catalog: Catalog) -> dict[str, object]:
    series = catalog.series.get(build.python.series)
    if series is None:
        raise BadCatalog(f"pythons.yml does not describe series {build.python.series}", "add it under `series`")
    return {
        "version": str(build.python),
        "series": build.python.series,
        "minor": build.python.minor,
        "abi": build.options.abi_flags,
        "tcl": series.tcl,
        "tcl_windows": series.tcl_windows,
        "hex": build.python.hexversion,
    }
