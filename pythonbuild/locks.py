"""Locks between processes of one machine.  A lock ends when its file is closed, and so when its process ends.

This module uses the standard library only, because bootstrap imports it before anything is installed.
"""

from __future__ import annotations

import os
import sys
import time
from typing import IO, Any

__all__ = ["lock"]

_POLL = 0.1  # seconds between attempts on Windows, which cannot wait for a lock

if sys.platform == "win32":
    import msvcrt

    # A shared lock takes one byte of the file, an exclusive lock all of them.  The bytes need not exist.
    _SHARES = 256

    def _try(file: IO[Any], shared: bool) -> bool:
        for start, size in ((place, 1) for place in range(_SHARES)) if shared else ((0, _SHARES),):
            os.lseek(file.fileno(), start, os.SEEK_SET)
            try:
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, size)
            except OSError:
                continue
            return True
        return False

    def lock(file: IO[Any], *, shared: bool = False, wait: bool = True) -> bool:
        """Lock an open file, exclusively or shared.  Return whether that succeeded, which is always so with `wait`."""
        while not _try(file, shared):
            if not wait:
                return False
            time.sleep(_POLL)
        return True

else:
    import fcntl

    def lock(file: IO[Any], *, shared: bool = False, wait: bool = True) -> bool:
        """Lock an open file, exclusively or shared.  Return whether that succeeded, which is always so with `wait`."""
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True
