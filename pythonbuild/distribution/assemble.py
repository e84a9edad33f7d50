"""Assembles a distribution: python/install, python/build, python/licenses and python/PYTHON.json."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Optional

from pythonbuild.distribution import describe
from pythonbuild.distribution.build_info import Library
from pythonbuild.distribution.metadata import Facts, python_json
from pythonbuild.distribution.relocate import relocate
from pythonbuild.distribution.sbom import bill_of_materials, bundled_wheels
from pythonbuild.errors import PythonBuildError
from pythonbuild.model.python_step import SBOM_FILE, DistributionParameters

__all__ = ["assemble"]


def assemble(
    given: DistributionParameters,
    cpython: Path,
    libraries: dict[str, Path],
    output: Path,
    say: Callable[[str], None],
    host_python: Optional[Path] = None,
) -> None:
    """Write a distribution below `output`.

    cpython: the tree with install/, build/ and licenses/; libraries: step name -> tree of each linked library; say: reports
    progress, one line per call; host_python: the tree of a Python of the same version that runs on this machine, if the built
    one does not.  Raises PythonBuildError if the interpreter does not run, or if the build lacks a file that PYTHON.json names.
    """
    root = output / "python"
    _copy(cpython / "install", root / "install")
    _copy(cpython / "build", root / "build")
    _licenses(cpython, libraries, root / "licenses")
    windows = "-windows-" in given.triple
    interpreter = _interpreter(root / "install", given)
    if not windows:
        relocate(root / "install", interpreter.name)
    said = _ask(*_describer(root, interpreter, host_python))
    facts = Facts(
        target_triple=given.triple,
        options=given.options,
        licenses=given.licenses["cpython"],
        interpreter=interpreter.relative_to(root).as_posix(),
        libraries=_by_recipe(root, given.licenses) if windows else _linked(root, libraries, given.licenses),
        said=said,
    )
    (root / "PYTHON.json").write_text(json.dumps(python_json(root, facts), indent=1, sort_keys=True) + "\n")
    parts = given.parts + bundled_wheels(root / "install")
    bill = bill_of_materials(given.python, given.triple, given.options, parts)
    (root / "build" / SBOM_FILE).write_text(bill)
    say(f"{interpreter.name}: CPython {said['version']}, {len(said['builtin_modules'])} built-in modules")


def _copy(source: Path, destination: Path) -> None:
    shutil.copytree(source, destination, symlinks=True)
    for path in destination.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o200)


def _licenses(cpython: Path, libraries: dict[str, Path], destination: Path) -> None:
    destination.mkdir()
    for tree in (cpython, *libraries.values()):
        for folder in sorted(tree.glob("licenses/*")):
            for text in sorted(folder.iterdir()):
                shutil.copy(text, destination / f"LICENSE.{folder.name}.{text.name}")


def _linked(root: Path, trees: dict[str, Path], licenses: Mapping[str, tuple[str, ...]]) -> dict[str, Library]:
    """Return {name after -l: license} of the libraries in build/lib and install/lib; those of no step are CPython's own."""
    owners = {file.name: step.split("@")[0] for step, tree in trees.items() for file in tree.glob("lib/lib*.*")}
    found = {}
    for file in [*(root / "build/lib").glob("lib*.a"), *(root / "install/lib").glob("lib*.so")]:
        owner = owners.get(file.name, "cpython")
        texts = sorted((root / "licenses").glob(f"LICENSE.{owner}.*"))
        paths = tuple(path.relative_to(root).as_posix() for path in texts)
        found[file.name.removeprefix("lib").rsplit(".", 1)[0]] = Library(licenses[owner], paths)
    return found


def _by_recipe(root: Path, licenses: Mapping[str, tuple[str, ...]]) -> dict[str, Library]:
    """Return {recipe's name: license} of the libraries in a Python for Windows."""
    texts = {name: sorted((root / "licenses").glob(f"LICENSE.{name}.*")) for name in licenses if name != "cpython"}
    return {
        name: Library(licenses[name], tuple(path.relative_to(root).as_posix() for path in found))
        for name, found in texts.items()
    }


def _interpreter(install: Path, given: DistributionParameters) -> Path:
    series = ".".join(given.python.split(".")[:2])
    name = f"bin/python{series}{given.abi_flags}"
    if "-windows-" in given.triple:
        name = "python.exe"
    path = install / name
    if not path.is_file():
        raise PythonBuildError(f"the build did not make {name}")
    return path


def _describer(root: Path, interpreter: Path, host_python: Optional[Path]) -> tuple[Path, ...]:
    """Return the Python that runs describe.py, followed by the arguments of the script."""
    if host_python is None:
        return (interpreter,)
    (data,) = (root / "install" / "lib").glob("python3.*/_sysconfigdata_*.py")
    return host_python / "bin" / "host-python", data.parent, interpreter, root / "build" / "Modules" / "config.c"


def _ask(interpreter: Path, *arguments: Path) -> dict[str, Any]:
    """Run describe.py with the interpreter, in a clean environment and without writing bytecode into the tree; return its facts.

    HOME is fixed because PYTHON.json contains sysconfig's userbase, which otherwise names the home of the user who builds.
    """
    command = [str(interpreter), "-I", "-B", os.fspath(Path(describe.__file__)), *map(str, arguments)]
    # No program starts on Windows without it.
    variables = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    done = subprocess.run(command, env={"HOME": "/root", "LC_ALL": "C", **variables}, capture_output=True, text=True)
    if done.returncode:
        raise PythonBuildError(f"the built interpreter does not run:\n{done.stderr.strip()}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
