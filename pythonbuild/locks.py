"""Locks by which processes of one machine keep out of each other's way.  One ends with the open file it is on, so with its process.

Standard library only: bootstrap uses it before anything is installed.
"""

from __future__ import annotations

import os
import sys
import time
from typing import IO, Any

__all__ = ["lock"]

_POLL = 0.1  # seconds between looks at a lock that Windows does not wait for

if sys.platform == "win32":
    import msvcrt

    # Bytes of a file, where it need not have any, stand for the right to it: one of them for those who share it, all for one who doesn't.
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
        """Lock an open file, alone or shared with others who share it; returns whether it is locked, True at the end of waiting."""
        while not _try(file, shared):
            if not wait:
                return False
            time.sleep(_POLL)
        return True

else:
    import fcntl

    def lock(file: IO[Any], *, shared: bool = False, wait: bool = True) -> bool:
        """Lock an open file, alone or shared with others who share it; returns whether it is locked, True at the end of waiting."""
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True
