"""The step that makes a distribution: python/install, python/build, python/licenses and python/PYTHON.json."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

from pythonbuild.distribution import describe
from pythonbuild.distribution.build_info import Library
from pythonbuild.distribution.metadata import Facts, python_json
from pythonbuild.distribution.relocate import relocate
from pythonbuild.distribution.sbom import Part, bill_of_materials, bundled_wheels
from pythonbuild.errors import PythonBuildError

__all__ = ["SBOM_NAME", "assemble"]

# In python/build; the name's end tells scanners what it is.
SBOM_NAME = "sbom.cdx.json"


def assemble(
    parameters: dict[str, str],
    cpython: Path,
    libraries: dict[str, Path],
    output: Path,
    say: Callable[[str], None],
    host_python: Optional[Path] = None,
) -> None:
    """Write a distribution below `output`.

    parameters: python, options, abi_flags, triple, and as JSON: licenses (recipe name -> SPDX identifiers), parts (see sbom.py);
    cpython: the artifact with install/ and build/; libraries: step name -> artifact of each library that was linked;
    host_python: a Python of the same version that runs here, if the one that was built does not.
    Raises PythonBuildError if the interpreter does not run.
    """
    root = output / "python"
    _copy(cpython / "install", root / "install")
    _copy(cpython / "build", root / "build")
    _licenses(cpython, libraries, root / "licenses")
    windows = "-windows-" in parameters["triple"]
    interpreter = _interpreter(root / "install", parameters)
    if not windows:
        relocate(root / "install", interpreter.name)
    said = _ask(*_describer(root, interpreter, host_python))
    licenses: dict[str, list[str]] = json.loads(parameters["licenses"])
    facts = Facts(
        target_triple=parameters["triple"],
        options=parameters["options"],
        licenses=licenses["cpython"],
        interpreter=interpreter.relative_to(root).as_posix(),
        libraries=_by_recipe(root, licenses) if windows else _linked(root, libraries, licenses),
        said=said,
    )
    (root / "PYTHON.json").write_text(json.dumps(python_json(root, facts), indent=1, sort_keys=True) + "\n")
    parts = tuple(Part(**{**part, "licenses": tuple(part["licenses"])}) for part in json.loads(parameters["parts"]))
    parts += bundled_wheels(root / "install")
    bill = bill_of_materials(parameters["python"], parameters["triple"], parameters["options"], parts)
    (root / "build" / SBOM_NAME).write_text(bill)
    say(f"described by {interpreter.name}: CPython {said['version']}, {len(said['builtin_modules'])} modules built in")


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


def _linked(root: Path, trees: dict[str, Path], licenses: dict[str, list[str]]) -> dict[str, Library]:
    """Return each library of build/lib by the name after -l, with its licence; CPython's own parts have CPython's."""
    owners = {file.name: step.split("@")[0] for step, tree in trees.items() for file in tree.glob("lib/lib*.*")}
    found = {}
    for file in [*(root / "build/lib").glob("lib*.a"), *(root / "install/lib").glob("lib*.so")]:
        owner = owners.get(file.name, "cpython")
        texts = sorted((root / "licenses").glob(f"LICENSE.{owner}.*"))
        paths = tuple(path.relative_to(root).as_posix() for path in texts)
        found[file.name.removeprefix("lib").rsplit(".", 1)[0]] = Library(tuple(licenses[owner]), paths)
    return found


def _by_recipe(root: Path, licenses: dict[str, list[str]]) -> dict[str, Library]:
    """Return each library that a Python for Windows is made of by its recipe's name, with its licence."""
    texts = {name: sorted((root / "licenses").glob(f"LICENSE.{name}.*")) for name in licenses if name != "cpython"}
    return {
        name: Library(tuple(licenses[name]), tuple(path.relative_to(root).as_posix() for path in found))
        for name, found in texts.items()
    }


def _interpreter(install: Path, parameters: dict[str, str]) -> Path:
    series = ".".join(parameters["python"].split(".")[:2])
    name = f"bin/python{series}{parameters['abi_flags']}"
    if "-windows-" in parameters["triple"]:
        name = "python.exe"
    path = install / name
    if not path.is_file():
        raise PythonBuildError(f"the build made no {name}")
    return path


def _describer(root: Path, interpreter: Path, host_python: Optional[Path]) -> tuple[Path, ...]:
    """Return who runs describe.py, with which arguments."""
    if host_python is None:
        return (interpreter,)
    (data,) = (root / "install" / "lib").glob("python3.*/_sysconfigdata_*.py")
    return host_python / "bin" / "host-python", data.parent, interpreter, root / "build" / "Modules" / "config.c"


def _ask(interpreter: Path, *arguments: Path) -> dict[str, Any]:
    """Run describe.py by the interpreter, in an empty environment and without writing bytecode into the tree.

    The home is the same for everybody: sysconfig's userbase, which PYTHON.json has, would else name that of who builds.
    """
    command = [str(interpreter), "-I", "-B", os.fspath(Path(describe.__file__)), *map(str, arguments)]
    # Without this one, nothing starts on Windows.
    variables = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    done = subprocess.run(command, env={"HOME": "/root", "LC_ALL": "C", **variables}, capture_output=True, text=True)
    if done.returncode:
        raise PythonBuildError(f"the interpreter that was built does not run:\n{done.stderr.strip()}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
