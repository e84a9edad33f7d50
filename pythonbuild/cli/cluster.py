"""The verbs `scheduler` and `worker`: the two ends of a Dask cluster for build-all."""

from __future__ import annotations

import sys

from pythonbuild.cli.report import warn
from pythonbuild.driver.worker import serve_scheduler, serve_worker
from pythonbuild.flags.machine import SchedulerFlags, WorkerFlags

__all__ = ["scheduler", "worker"]


def scheduler(flags: SchedulerFlags) -> int:
    """Run a scheduler until it is interrupted, and print its address."""
    serve_scheduler(flags.host, flags.port, _say)
    return 0


def worker(flags: WorkerFlags) -> int:
    """Run a worker until its scheduler ends or a signal interrupts it."""
    serve_worker(flags.scheduler, flags.jobs, _say, warn)
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
