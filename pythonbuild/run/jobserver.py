"""Job tokens for all steps, of one GNU make job server, so that the processors are neither idle nor oversubscribed.

There are as many tokens as jobs.  A step takes one to run at all; the makes inside it take more, when there are some, for
each further job (make's first job goes on its step's token).  Protocol: "POSIX Jobserver Interaction" in the GNU make manual.
Makes older than 4.4 inherit its two ends; to newer ones it has a name, so that processes that inherit nothing can reach it, too.
On Windows there is no GNU make: the tokens are those of the steps.
"""

from __future__ import annotations

import os
import select
import threading
import time
from pathlib import Path
from typing import Optional, Protocol

from pythonbuild.engines.base import JobProtocol

__all__ = ["JobServer", "Jobs", "LocalJobs", "job_tokens"]

_SLICE = 0.2  # seconds


class Jobs(Protocol):
    """A pool of job tokens, and what the one who hands them out waits with.

    fifo: the pipe's name, if makes know it by that; inherited: the descriptors that they know it by otherwise; makeflags: MAKEFLAGS
    that say so.
    """

    jobs: int
    fifo: Optional[Path]
    inherited: tuple[int, ...]
    makeflags: str

    def try_acquire(self) -> bool:
        """Take a token if there is one."""

    def release(self) -> None:
        """Give a token back."""

    def refill(self) -> None:
        """Make the tokens whole again; only while no step runs."""

    def wait(self, seconds: Optional[float], for_token: bool) -> None:
        """Return when somebody calls `wake`, or when there may be a token, if that is waited for, or after that time."""

    def wake(self) -> None:
        """End the waiting; from any thread."""

    def close(self) -> None:
        """Let go of all that is held."""


def job_tokens(jobs: int, folder: Path, protocol: JobProtocol) -> Jobs:
    """Return the tokens for so many jobs, told to makes by that protocol; folder: where a pipe can be made."""
    return LocalJobs(jobs) if protocol == "none" else JobServer(jobs, folder, protocol)


class LocalJobs:
    """Tokens of this process alone."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.fifo: Optional[Path] = None
        self.inherited: tuple[int, ...] = ()
        self.makeflags = ""
        self._free = jobs
        self._woken = False
        self._changed = threading.Condition()

    def try_acquire(self) -> bool:
        """Take a token if there is one."""
        with self._changed:
            if not self._free:
                return False
            self._free -= 1
            return True

    def release(self) -> None:
        """Give a token back."""
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def refill(self) -> None:
        """Make the tokens whole again."""
        with self._changed:
            self._free = self.jobs

    def wait(self, seconds: Optional[float], for_token: bool) -> None:
        """Return when somebody calls `wake`, or when there is a token, if that is waited for, or after that time."""
        deadline = None if seconds is None else time.monotonic() + seconds
        with self._changed:
            # In slices, as on Windows a wait without an end lets no Ctrl-C through.
            while not (self._woken or (for_token and self._free) or (deadline and time.monotonic() > deadline)):
                self._changed.wait(_SLICE)
            self._woken = False

    def wake(self) -> None:
        """End the waiting."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing is held."""


class JobServer:
    """The tokens of a job server."""

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
        self._wake_reader, self._wake_writer = os.pipe()
        self.refill()

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

    def wait(self, seconds: Optional[float], for_token: bool) -> None:
        """Return when somebody calls `wake`, or when there may be a token, if that is waited for, or after that time."""
        watched = [self._wake_reader, self._reader] if for_token else [self._wake_reader]
        readable, _, _ = select.select(watched, [], [], seconds)
        if self._wake_reader in readable:
            os.read(self._wake_reader, 4096)

    def wake(self) -> None:
        """End the waiting."""
        os.write(self._wake_writer, b".")

    def close(self) -> None:
        """Close the pipes, and delete the name of the one that has one."""
        for descriptor in {self._reader, self._writer, self._wake_reader, self._wake_writer, *self.inherited}:
            os.close(descriptor)
        if self.fifo:
            self.fifo.unlink(missing_ok=True)
