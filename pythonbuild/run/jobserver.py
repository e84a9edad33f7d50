"""Job tokens that all steps share through one GNU make job server, so that processors are neither idle nor oversubscribed.

There are as many tokens as jobs.  Each running step holds one token, which covers the first job of its make; make takes another
token for each further job.  Protocol: "POSIX Jobserver Interaction" in the GNU make manual.  GNU make before 4.4 inherits both ends
of a pipe; newer versions open a named pipe, which also works for processes that inherit nothing.
Windows has no GNU make, so only steps take tokens there.
"""

from __future__ import annotations

import os
import select
import threading
import time
from pathlib import Path
from typing import Optional, Protocol

from pythonbuild.engines.base import JobProtocol

__all__ = ["JobServer", "JobTokens", "LocalJobs", "job_tokens"]

_SLICE = 0.2  # seconds


class JobTokens(Protocol):
    """A pool of job tokens.  The loop of a run hands them out, and waits here for changes.

    fifo: the path of the named pipe, if make uses one; inherited: the descriptors that make uses otherwise; makeflags: the MAKEFLAGS
    with either.
    """

    jobs: int
    fifo: Optional[Path]
    inherited: tuple[int, ...]
    makeflags: str

    def try_acquire(self) -> bool:
        """Take a token if one is free, and return whether that succeeded."""

    def release(self) -> None:
        """Return a token to the pool."""

    def refill(self) -> None:
        """Restore the full number of tokens; call this only while no step runs."""

    def wait(self, seconds: Optional[float], for_token: bool) -> None:
        """Wait until `wake` is called, the time is over, or, with `for_token`, a token may be free."""

    def wake(self) -> None:
        """End the wait.  Any thread can call this."""

    def close(self) -> None:
        """Release all resources."""


def job_tokens(jobs: int, folder: Path, protocol: JobProtocol) -> JobTokens:
    """Return the tokens for a number of jobs.  folder: where a pipe is created; protocol: how make learns about the pipe."""
    return LocalJobs(jobs) if protocol == "none" else JobServer(jobs, folder, protocol)


class LocalJobs:
    """Tokens within this process, without make."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.fifo: Optional[Path] = None
        self.inherited: tuple[int, ...] = ()
        self.makeflags = ""
        self._free = jobs
        self._woken = False
        self._changed = threading.Condition()

    def try_acquire(self) -> bool:
        """Take a token if one is free, and return whether that succeeded."""
        with self._changed:
            if not self._free:
                return False
            self._free -= 1
            return True

    def release(self) -> None:
        """Return a token to the pool."""
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def refill(self) -> None:
        """Restore the full number of tokens."""
        with self._changed:
            self._free = self.jobs

    def wait(self, seconds: Optional[float], for_token: bool) -> None:
        """Wait until `wake` is called, the time is over, or, with `for_token`, a token is free."""
        deadline = None if seconds is None else time.monotonic() + seconds
        with self._changed:
            # In slices, because a wait without a limit blocks Ctrl-C on Windows.
            while not (self._woken or (for_token and self._free) or (deadline and time.monotonic() > deadline)):
                self._changed.wait(_SLICE)
            self._woken = False

    def wake(self) -> None:
        """End the wait."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def close(self) -> None:
        """Do nothing: there are no resources."""


class JobServer:
    """Tokens in the pipe of a GNU make job server."""

    def __init__(self, jobs: int, folder: Path, protocol: JobProtocol) -> None:
        self.jobs = jobs
        pipe = folder / f"jobserver-{os.getpid()}"
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe, 0o600)
        # Opening the pipe by name gives this process its own file description, so that non-blocking reads here do not affect
        # how make reads.
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
            # GNU make before 4.2 would start its own job server if -j had a number.
            start = f" -j{jobs} --jobserver-auth" if protocol == "auth" else " -j --jobserver-fds"
            self.makeflags = f"{start}={reader},{self._writer}"
        self._wake_reader, self._wake_writer = os.pipe()
        self.refill()

    def try_acquire(self) -> bool:
        """Take a token if one is free, and return whether that succeeded."""
        try:
            return len(os.read(self._reader, 1)) == 1
        except BlockingIOError:
            return False

    def release(self) -> None:
        """Return a token to the pool."""
        os.write(self._writer, b"+")

    def refill(self) -> None:
        """Restore the full number of tokens, because a killed make does not return its own; call this only while no step runs."""
        while select.select([self._reader], [], [], 0)[0]:
            self.try_acquire()
        os.write(self._writer, b"+" * self.jobs)

    def wait(self, seconds: Optional[float], for_token: bool) -> None:
        """Wait until `wake` is called, the time is over, or, with `for_token`, a token may be free."""
        watched = [self._wake_reader, self._reader] if for_token else [self._wake_reader]
        readable, _, _ = select.select(watched, [], [], seconds)
        if self._wake_reader in readable:
            os.read(self._wake_reader, 4096)

    def wake(self) -> None:
        """End the wait."""
        os.write(self._wake_writer, b".")

    def close(self) -> None:
        """Close the pipes, and delete the named one."""
        for descriptor in {self._reader, self._writer, self._wake_reader, self._wake_writer, *self.inherited}:
            os.close(descriptor)
        if self.fifo:
            self.fifo.unlink(missing_ok=True)
