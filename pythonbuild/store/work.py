"""Folders for unfinished files of a store: each process has one, and locks it while it lives.

A folder without a lock belongs to a killed process, so a later process can clean it up.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Optional

from pythonbuild.locks import lock

__all__ = ["Work"]

_PREFIX = "build-"
_LOCK = "lock"


class Work:
    """This process's folder below `parent`, created on first use and deleted when the process ends.

    guard: a file that is locked while a process creates its folder or inspects those of others.
    """

    def __init__(self, parent: Path, guard: Path) -> None:
        self._parent = parent
        self._guard = guard
        self._own: Optional[Path] = None
        self._making = threading.Lock()

    @property
    def path(self) -> Path:
        """The folder, which this call creates if necessary."""
        with self._making:
            if self._own is None:
                with self._guarded():
                    self._own = Path(tempfile.mkdtemp(dir=self._parent, prefix=f"{_PREFIX}{os.getpid()}-"))
                    held = open(self._own / _LOCK, "w")  # noqa: SIM115  (open while this process lives)
                    lock(held)
                weakref.finalize(self, _delete, self._own, held)
            return self._own

    def take_dead(self, alone: bool) -> list[Path]:
        """Move what killed processes left into this process's folder, and return the new paths.

        alone: no other process uses the store, so files beside the folders are moved as well.  Otherwise the empty folder of a killed
        process stays, as a sign that it may have left files elsewhere.
        """
        own, found = self.path, list[Path]()
        with self._guarded():
            for path in sorted(self._parent.iterdir()):
                if not path.name.startswith(_PREFIX):
                    found += [path] if alone else []
                elif path != own and _is_dead(path):
                    found += [entry for entry in sorted(path.iterdir()) if entry.name != _LOCK]
            moved = [self.take(path) for path in found]
            for path in self._parent.glob(f"{_PREFIX}*") if alone else ():
                if path != own and _is_dead(path):
                    shutil.rmtree(path, ignore_errors=True)
        return moved

    def any_dead(self) -> bool:
        """Return whether there is a folder of a killed process, or a file that belongs to no process."""
        with self._guarded():
            entries = [path for path in self._parent.iterdir() if path != self._own]
            return any(not path.name.startswith(_PREFIX) or _is_dead(path) for path in entries)

    def take(self, path: Path) -> Path:
        """Move a file or folder of the same disk into this process's folder, and return its new path."""
        place = Path(tempfile.mkdtemp(dir=self.path, prefix="left-")) / path.name
        os.rename(path, place)
        return place

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        with open(self._guard, "w") as guard:
            lock(guard)
            yield


def _is_dead(folder: Path) -> bool:
    """Return whether the process of a folder has ended.  The caller holds the guard, so no folder is half created."""
    try:
        with open(folder / _LOCK) as file:
            return lock(file, wait=False)
    except FileNotFoundError:
        return True


def _delete(folder: Path, held: IO[str]) -> None:
    held.close()
    shutil.rmtree(folder, ignore_errors=True)
