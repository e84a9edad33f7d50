"""Which package of pythonbuild may import which: an explicit graph without cycles."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import pythonbuild

ROOT = Path(pythonbuild.__file__).parent
# Package or module -> what it imports of the others.
GRAPH = {
    "__init__": "",
    "errors": "",
    "events": "",
    "files": "",
    "locks": "",
    "units": "",
    "binaries": "errors",
    "home": "errors",
    "program": "home",
    "model": "errors",
    "flags": "errors model program",
    "catalog": "errors files home model",
    "distribution": "binaries errors model",
    "packaging": "binaries errors model",
    "oci": "errors packaging",
    "ui": "events units",
    "host": "catalog errors home model",
    "request": "catalog errors host model",
    "plan": "catalog errors host model request",
    "sources": "catalog errors events locks plan",
    "store": "errors locks plan",
    "validation": "binaries catalog errors model request",
    "release": "binaries catalog errors model sources store",
    "engines": "binaries catalog errors home host locks model plan store",
    "run": "engines errors events host model plan sources store units",
    "driver": "__init__ catalog distribution engines errors events files flags home host model oci packaging plan release "
    "request run sources store",
    "cli": "__init__ catalog driver engines errors events flags home host model packaging plan program release request run "
    "sources store ui units validation",
    "bootstrap": "cli errors home host locks program",
    "__main__": "bootstrap",
}


def modules(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted names that a module's import statements may load."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "pythonbuild":
            yield from (f"pythonbuild.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def imported(own: str) -> set[str]:
    """Return the other packages and modules of pythonbuild that one imports."""
    paths = list((ROOT / own).rglob("*.py")) if (ROOT / own).is_dir() else [ROOT / f"{own}.py"]
    names = {
        name.split(".")[1] for path in paths for name in modules(ast.parse(path.read_text())) if "pythonbuild." in name
    }
    return {"__init__" if name == "__version__" else name for name in names} - {own}


@pytest.mark.parametrize("own", GRAPH)
def test_each_package_imports_exactly_what_the_graph_allows(own: str) -> None:
    assert " ".join(sorted(imported(own))) == GRAPH[own]


def test_the_graph_has_every_package_and_no_cycle() -> None:
    found = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {path.stem for path in ROOT.glob("*.py")}
    assert found == set(GRAPH)
    list(TopologicalSorter({own: needs.split() for own, needs in GRAPH.items()}).static_order())


@pytest.mark.parametrize(
    "name",
    [
        "bootstrap.py",
        "home.py",
        "errors.py",
        "host/doctor.py",
        "locks.py",
        "program.py",
        "cli/options.py",
        "flags/declared.py",
        "flags/archives.py",
        "flags/build.py",
        "flags/catalog.py",
        "flags/common.py",
        "flags/machine.py",
        "flags/read.py",
        "model/formats.py",
        "model/options.py",
        "model/platforms.py",
    ],
)
def test_modules_that_run_before_an_installation_import_only_the_standard_library(name: str) -> None:
    names = set(modules(ast.parse((ROOT / name).read_text())))
    assert not {module for module in names if module.split(".")[0] in ("jinja2", "yaml", "msgspec", "requests", "tqdm")}
    ours = {module.removeprefix("pythonbuild.") for module in names if module.startswith("pythonbuild.")}
    before = {
        "__version__",
        "home",
        "errors",
        "locks",
        "program",
        "host",
        "host.doctor",
        "cli.options",
        "model",
        "model.formats",
        "model.options",
        "model.platforms",
    }
    assert ours <= before | {f"flags.{path.stem}" for path in (ROOT / "flags").glob("*.py")} | {"flags"}
