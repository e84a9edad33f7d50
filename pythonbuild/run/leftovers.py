"""Leftovers of killed builds: the next build removes and reports them.

Running builds are never affected.  Build roots and trees without a record could belong to one, so they are removed only while no build
runs.  Unfinished files belong to a process that holds a lock while it lives, so they can be removed at any time.
"""

from __future__ import annotations

import os
from pathlib import Path

from pythonbuild.engines.folder import left_folders, remove_folder
from pythonbuild.engines.host import end_processes
from pythonbuild.store.store import Store
from pythonbuild.units import size

__all__ = ["describe_leftovers", "remove_leftovers"]

_DOOMED = ".removed-"


def remove_leftovers(store: Store, roots: Path) -> tuple[int, int]:
    """Remove what killed builds left in the store, and build roots below `roots`.  Return the numbers of things and bytes."""
    folders = [roots, roots / "docker"]
    if not store.any_dead() and not any(left_folders(folder) for folder in folders):
        return 0, 0
    with store.try_alone() as alone:
        found = store.take_leftovers(alone)
        if alone:
            found += [path for folder in folders for path in _set_aside(folder)]
    freed = sum(_size(path) for path in found)
    for path in found:
        if path.is_dir() and not path.is_symlink():
            remove_folder(path)
        else:
            path.unlink()
    return len(found), freed


def _set_aside(folder: Path) -> list[Path]:
    """Kill the processes in leftover build roots, and rename the roots so that no build finds them.  Return the new paths."""
    found = list(folder.glob(f"{_DOOMED}*"))
    for path in left_folders(folder):
        if not path.name.startswith(_DOOMED):
            end_processes(path)
            found.append(path.with_name(f"{_DOOMED}{os.getpid()}-{path.name}"))
            os.rename(path, found[-1])
    return found


def _size(path: Path) -> int:
    """Return how many bytes the deletion frees, without files that are hard links to others."""
    entries = [path, *path.rglob("*")] if path.is_dir() and not path.is_symlink() else [path]
    files = [entry.lstat() for entry in entries if entry.is_symlink() or not entry.is_dir()]
    return sum(status.st_size for status in files if status.st_nlink == 1)


def describe_leftovers(count: int, freed: int) -> str:
    """Return a text about the removed leftovers, "" if there were none."""
    things = "leftover" if count == 1 else "leftovers"
    return f"{count} {things} of killed builds ({size(freed)})" if count else ""
