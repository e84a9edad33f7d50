"""What builds leave that were killed: the next one removes it, and says so.

Nothing is taken from a build that lives.  What could be a living build's (build roots, trees without a record) is looked at only while
no build runs; what a process has on its way is known by its lock at any time.
"""

from __future__ import annotations

import os
from pathlib import Path

from pythonbuild.engines.folder import left_folders, remove_folder
from pythonbuild.engines.host import end_processes
from pythonbuild.store.store import Store
from pythonbuild.units import size

__all__ = ["remove_leftovers", "tell_leftovers"]

_DOOMED = ".removed-"


def remove_leftovers(store: Store, roots: Path) -> tuple[int, int]:
    """Remove what killed builds have left in the store, and below `roots` of their build roots; returns (how many things, bytes)."""
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
    """End what still runs in build roots, and give these names under which no build looks for them; returns them by that name."""
    found = list(folder.glob(f"{_DOOMED}*"))
    for path in left_folders(folder):
        if not path.name.startswith(_DOOMED):
            end_processes(path)
            found.append(path.with_name(f"{_DOOMED}{os.getpid()}-{path.name}"))
            os.rename(path, found[-1])
    return found


def _size(path: Path) -> int:
    """Return the bytes that are free when that is deleted: not those of files that the store has, too."""
    entries = [path, *path.rglob("*")] if path.is_dir() and not path.is_symlink() else [path]
    files = [entry.lstat() for entry in entries if entry.is_symlink() or not entry.is_dir()]
    return sum(status.st_size for status in files if status.st_nlink == 1)


def tell_leftovers(count: int, freed: int) -> str:
    """Return a line about what was removed of killed builds; "" if nothing was."""
    things = "leftover" if count == 1 else "leftovers"
    return f"{count} {things} of builds that were killed ({size(freed)})" if count else ""
