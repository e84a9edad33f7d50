"""Selects the files of a distribution for an archive or an image."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["install_only_members", "paths_below"]


def install_only_members(install: Path) -> Iterator[tuple[Path, str]]:
    """Yield (file, name in the archive) for the install_only flavour, sorted: no test suites, no static libpython."""
    for path in sorted(paths_below(install)):
        name = path.relative_to(install).as_posix()
        if not _only_for_development(name):
            yield path, f"python/{name}"


def _only_for_development(name: str) -> bool:
    parts = name.split("/")
    if parts[0] == "lib" and len(parts) > 2 and parts[1].startswith("python3"):
        if parts[2] == "test" or parts[2:4] == ["idlelib", "idle_test"]:
            return True
        if parts[2] == "lib-dynload":
            return parts[-1].startswith(("_test", "_ctypes_test", "_xxtestfuzz", "xx"))
    return parts[-1].startswith("libpython") and parts[-1].endswith(".a")


def paths_below(tree: Path) -> Iterator[Path]:
    """Yield the files and symbolic links below a folder, except bytecode."""
    for folder, folders, files in os.walk(tree):
        for name in [*files, *(name for name in folders if Path(folder, name).is_symlink())]:
            if not name.endswith(".pyc"):
                yield Path(folder) / name
