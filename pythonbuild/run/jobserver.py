"""One GNU make job server for all steps, so that the processors are neither idle nor oversubscribed.

There are as many tokens as jobs.  A step takes one to run at all; the makes inside it take more, when there are some, for
each further job (make's first job goes on its step's token).  Protocol: "POSIX Jobserver Interaction" in the GNU make manual.
Makes older than 4.4 inherit its two ends; to newer ones it has a name, so that processes that inherit nothing can reach it, too.
"""

from __future__ import annotations

import os
import select
from pathlib import Path
from typing import Optional

from pythonbuild.engines.base import JobProtocol

__all__ = ["JobServer"]


class JobServer:
    """The pool of job tokens.  Call `close` when done.

    fifo: the pipe's name, if makes know it by that; inherited: the descriptors that they know it by otherwise; makeflags: MAKEFLAGS
    that say so.
    """

    def __init__(self, jobs: int, folder: Path, protocol: JobProtocol) -> None:
        self.jobs = jobs
        pipe = folder / f"jobserver-{os.getpid()}"
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe, 0o600)
        # A file description of our own, which a pipe without a name would not give: reading without blocking must not change how
        # the makes read.
        self._reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self._writer = os.open(pipe, os.O_WRONLY)
        self.fifo: Optional[Path] = None
        self.inherited: tuple[int, ...] = ()
        if protocol == "fifo":
            self.fifo = pipe
            self.makeflags = f" -j{jobs} --jobserver-auth=fifo:{pipe}"
        else:
            reader = os.open(pipe, os.O_RDONLY)
            pipe.unlink()
            self.inherited = (reader, self._writer)
            # Told a number of jobs, makes before 4.2 would have them all for themselves.
            start = f" -j{jobs} --jobserver-auth" if protocol == "auth" else " -j --jobserver-fds"
            self.makeflags = f"{start}={reader},{self._writer}"
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
        os.write(self._writer, b"+")

    def refill(self) -> None:
        """Make the tokens whole again; only while no step runs.  A make that was killed has not given its tokens back."""
        while select.select([self._reader], [], [], 0)[0]:
            self.try_acquire()
        os.write(self._writer, b"+" * self.jobs)

    def close(self) -> None:
        """Close the pipe and delete its name."""
        for descriptor in {self._reader, self._writer, *self.inherited}:
            os.close(descriptor)
        if self.fifo:
            self.fifo.unlink(missing_ok=True)
