"""A package imports only those before it on the way through (see pythonbuild/__init__.py)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import pythonbuild

ROOT = Path(pythonbuild.__file__).parent
LEAVES = {"binaries", "errors", "events", "home", "doctor", "locks"}
ORDER = [
    "model",
    "catalog",
    "request",
    "plan",
    "sources",
    "store",
    "engines",
    "run",
    "distribution",
    "packaging",
    "validation",
    "release",
]
TOP = {"ui", "cli", "bootstrap", "__main__", "__init__"}


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for module in modules:
            parts = module.split(".")
            if parts[0] == "pythonbuild" and len(parts) > 1:
                found.add(parts[1])
    return found


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if own in TOP:
        return
    allowed = LEAVES | {own} | set(ORDER[: ORDER.index(own)] if own in ORDER else ())
    assert imported(path) <= allowed


def test_every_package_has_its_place() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == {*ORDER, "binaries", "ui", "cli"}


@pytest.mark.parametrize(
    "name",
    [
        "bootstrap.py",
        "home.py",
        "errors.py",
        "doctor.py",
        "locks.py",
        "cli/options.py",
        "cli/declared.py",
        "cli/flags.py",
        "cli/read.py",
    ],
)
def test_what_runs_before_anything_is_installed_needs_the_standard_library_only(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text())
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    outside = {
        module for module in modules if module.split(".")[0] in ("jinja2", "yaml", "msgspec", "requests", "tqdm")
    }
    ours = {module for module in modules if module.startswith("pythonbuild.")}
    assert not outside
    before = {"home", "errors", "doctor", "locks", "cli", "cli.declared", "cli.flags", "cli.options", "cli.read"}
    assert ours <= {f"pythonbuild.{name}" for name in before}
