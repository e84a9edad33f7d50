"""The folders for what is on its way into a store: one for each process, locked as long as it lives.

So a later process knows whose folder is nobody's any more, as that of a process that was killed is.
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
    """This process's folder below `parent`, made when it is first asked for and deleted when the process ends.

    guard: a file that is locked while a folder is made, or is looked at by another process.
    """

    def __init__(self, parent: Path, guard: Path) -> None:
        self._parent = parent
        self._guard = guard
        self._own: Optional[Path] = None
        self._making = threading.Lock()

    @property
    def path(self) -> Path:
        """The folder."""
        with self._making:
            if self._own is None:
                with self._guarded():
                    self._own = Path(tempfile.mkdtemp(dir=self._parent, prefix=f"{_PREFIX}{os.getpid()}-"))
                    held = open(self._own / _LOCK, "w")  # noqa: SIM115  (open as long as this process lives)
                    lock(held)
                weakref.finalize(self, _delete, self._own, held)
            return self._own

    def take_dead(self, alone: bool) -> list[Path]:
        """Move what dead processes have left below this one's folder; returns what that is, by where it is now.

        alone: no other process is at work, so that what lies beside the folders is left over, too.  Otherwise the folder of a dead
        process stays, empty, as a sign that more of it may be elsewhere.
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
        """Is there a folder of a process that was killed, or something of nobody's?"""
        with self._guarded():
            entries = [path for path in self._parent.iterdir() if path != self._own]
            return any(not path.name.startswith(_PREFIX) or _is_dead(path) for path in entries)

    def take(self, path: Path) -> Path:
        """Move a file or folder of this disk below this process's folder; returns where it is then."""
        place = Path(tempfile.mkdtemp(dir=self.path, prefix="left-")) / path.name
        os.rename(path, place)
        return place

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        with open(self._guard, "w") as guard:
            lock(guard)
            yield


def _is_dead(folder: Path) -> bool:
    """Has the process ended whose folder that is?  To be asked while the guard is held, so that the folder is not just being made."""
    try:
        with open(folder / _LOCK) as file:
            return lock(file, wait=False)
    except FileNotFoundError:
        return True


def _delete(folder: Path, held: IO[str]) -> None:
    held.close()
    shutil.rmtree(folder, ignore_errors=True)
