"""One GNU make job server for all steps, so that the processors are neither idle nor oversubscribed.

There are as many tokens as jobs.  A step takes one to run at all; the makes inside it take more, when there are some, for
each further job (make's first job goes on its step's token).  Protocol: "POSIX Jobserver Interaction" in the GNU make manual.
A pipe is used up to make 4.3, a named pipe from 4.4 on, which processes that inherit no descriptors can reach, too.
"""

from __future__ import annotations

import os
import select
from pathlib import Path

__all__ = ["JobServer"]


class JobServer:
    """The pool of job tokens.  Call `close` when done."""

    def __init__(self, jobs: int, folder: Path, fifo: bool) -> None:
        self.jobs = jobs
        self.fifo = folder / f"jobserver-{os.getpid()}" if fifo else None
        if self.fifo:
            self.fifo.unlink(missing_ok=True)
            os.mkfifo(self.fifo, 0o600)
            keep_open = os.open(self.fifo, os.O_RDWR)
            self._ends = (keep_open, keep_open)
            self.inherited: tuple[int, ...] = ()
            self.makeflags = f" -j{jobs} --jobserver-auth=fifo:{self.fifo}"
        else:
            self._ends = os.pipe()
            self.inherited = self._ends
            self.makeflags = f" -j{jobs} --jobserver-auth={self._ends[0]},{self._ends[1]}"
        # A file description of our own: reading without blocking must not change how the makes read.
        self._reader = os.open(f"/proc/self/fd/{self._ends[0]}", os.O_RDONLY | os.O_NONBLOCK)
        self.refill()

    def fileno(self) -> int:
        """For select: readable when there is a token."""
        return self._reader

    def try_acquire(self) -> bool:
        """Take a token if there is one."""
        try:
            return len(os.read(self._reader, 1)) == 1
        except BlockingIOError:
            return False

    def release(self) -> None:
        """Give a token back."""
        os.write(self._ends[1], b"+")

    def refill(self) -> None:
        """Make the tokens whole again; only while no step runs.  A make that was killed has not given its tokens back."""
        while select.select([self._reader], [], [], 0)[0]:
            self.try_acquire()
        os.write(self._ends[1], b"+" * self.jobs)

    def close(self) -> None:
        """Close the pipe and delete its name."""
        for descriptor in {self._reader, *self._ends}:
            os.close(descriptor)
        if self.fifo:
            self.fifo.unlink(missing_ok=True)
