"""The part of PYTHON.json that describes how to link a Python for Windows again: `build_info`.

It is read from build/projects.json (see read_projects.py beside the recipe of CPython for Windows).  Each path in it must exist.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Optional

from pythonbuild.distribution.build_info import Library
from pythonbuild.errors import PythonBuildError

__all__ = ["windows_build_info"]


def windows_build_info(root: Path, libraries: Mapping[str, Library]) -> dict[str, object]:
    """Return the value of `build_info` for the distribution whose python/ folder is `root`.

    libraries: the linked libraries by the recipe's name.  Raises PythonBuildError if the distribution lacks a file that must be named.
    """
    made: dict[str, Any] = json.loads((root / "build/projects.json").read_text(encoding="utf-8"))
    core_licenses = {"zlib": _licenses(made["core"]["recipes"], libraries)}
    extensions = {
        name: [{**_builtin(function), **core_licenses.get(name, {})}] for name, function in made["builtins"].items()
    }
    extensions.update({name: [_shared(root, name, facts, libraries)] for name, facts in made["extensions"].items()})
    return {
        "core": {
            "objs": _objects(root, "build/core", without="config.obj"),
            "links": [_link(root, name) for name in made["core"]["links"]],
            "shared_lib": _one(root, "install", r"python3\d+t?\.dll"),
        },
        "extensions": dict(sorted(extensions.items())),
        "inittab_object": _one(root, "build/core", r"config\.obj"),
        "inittab_source": _one(root, "build/core", r"config\.c"),
        "inittab_cflags": ["-DNDEBUG", "-DPy_BUILD_CORE"],
        "object_file_format": "coff",
    }


def _builtin(function: Optional[str]) -> dict[str, Any]:
    """Return the facts of a module in the DLL, whose objects belong to the core.  function: None for a module without one."""
    return {
        "in_core": True,
        "init_fn": function or "NULL",
        "links": [],
        "objs": [],
        "required": True,
        "variant": "default",
    }


def _shared(root: Path, name: str, facts: Mapping[str, Any], libraries: Mapping[str, Library]) -> dict[str, Any]:
    return {
        "in_core": False,
        "init_fn": f"PyInit_{name}",
        "links": [_link(root, library) for library in facts["links"]],
        "objs": _objects(root, f"build/extensions/{name}"),
        "required": False,
        "shared_lib": _one(root, "install/DLLs", rf"{name}(\.cp\d+t?-win\w+)?\.pyd"),
        "variant": "default",
        **_licenses(facts["recipes"], libraries),
    }


def _licenses(recipes: Iterable[str], libraries: Mapping[str, Library]) -> dict[str, object]:
    # Tcl has the recipes tcltk and tcltk9, and projects use one name for both.
    used = [library for name, library in libraries.items() if name in recipes or name.rstrip("9") in recipes]
    if not used:
        return {}
    names = sorted({name for library in used for name in library.licenses})
    return {
        "licenses": names,
        "license_paths": sorted({path for library in used for path in library.license_paths}),
        # SQLite's "blessing" is a dedication to the public domain.
        "license_public_domain": names == ["blessing"],
    }


def _link(root: Path, name: str) -> dict[str, object]:
    """Return the entry of `links` for a library: a file of build/lib if it is there, otherwise a library of Windows."""
    ours = f"build/lib/{name}.lib"
    return {"name": name, "path_static": ours} if (root / ours).is_file() else {"name": name, "system": True}


def _objects(root: Path, folder: str, without: str = "") -> list[str]:
    found = sorted(path.name for path in (root / folder).glob("*.obj") if path.name != without)
    if not found:
        raise PythonBuildError(f"the build left no objects in {folder}")
    return [f"{folder}/{name}" for name in found]


def _one(root: Path, folder: str, pattern: str) -> str:
    """Return the path of the only file in a folder whose name matches the pattern."""
    found = sorted(path.name for path in (root / folder).glob("*") if re.fullmatch(pattern, path.name))
    if len(found) != 1:
        raise PythonBuildError(f"the build made {len(found)} files like {pattern} in {folder} instead of one")
    return f"{folder}/{found[0]}"
