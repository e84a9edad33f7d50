"""The folder of a test run, and the cleanup after it.

A run that ends also ends its processes, mounts and containers.  If a run is killed, the next one cleans up after it.

Everything that a run starts carries the folder's path: processes in their environment, containers in a label, mounts in their
mount point.  A lock on a file in the folder shows that the run is alive.  This module uses only the standard library, because
tests/run.py needs it before anything is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Optional

from pythonbuild.locks import lock

__all__ = ["MARK", "RunFolder", "alive"]

# The environment variable with the folder's path.  Tests drop variables that start with PYTHON, so its name must not.
MARK = "TESTS_OF_PYTHONBUILD"
_SECONDS = 10.0  # the longest wait for killed processes to disappear


class RunFolder:
    """The folder of one run.  This process holds its lock until it ends."""

    def __init__(self) -> None:
        """Create the folder and clean up after killed runs; `removed` counts their leftovers, as {kind: number}."""
        top = _top()
        with open(top / "lock", "w") as making:
            lock(making)
            dead = [folder for folder in sorted(top.glob("run-*")) if not alive(folder)]
            self.removed = _add(_remove(folder) for folder in dead)
            self.path = Path(tempfile.mkdtemp(dir=top, prefix="run-"))
            self._held: IO[str] = open(self.path / "lock", "w")  # noqa: SIM115  (open as long as the run lives)
            lock(self._held)

    def end(self, keep: bool) -> dict[str, int]:
        """End all that the run left running, and delete its files unless `keep`; returns the leftovers as {kind: number}."""
        left = _end_all(self.path)
        if not keep:
            shutil.rmtree(self.path, ignore_errors=True)
        self._held.close()
        return left


def _top() -> Path:
    """Return the folder that holds all runs of this user."""
    top = Path(tempfile.gettempdir()) / f"pythonbuild-tests-{os.getuid()}"
    top.mkdir(mode=0o700, exist_ok=True)
    if top.stat().st_uid != os.getuid():
        raise PermissionError(f"{top} belongs to another user")
    return top


def alive(folder: Path) -> bool:
    """Is the run that locked `lock` in this folder still alive?"""
    try:
        with open(folder / "lock") as file:
            return not lock(file, wait=False)
    except FileNotFoundError:  # the run was killed before it created the file
        return False


def _remove(folder: Path) -> dict[str, int]:
    left = _end_all(folder)
    shutil.rmtree(folder, ignore_errors=True)
    return left


def _end_all(folder: Path) -> dict[str, int]:
    containers = _containers(folder)
    if containers:
        subprocess.run(["docker", "rm", "--force", "--volumes", *containers], capture_output=True)
    ended = _end_processes(folder)
    mounts = _mounts(folder)
    for place in mounts:
        subprocess.run(["umount", "--lazy", place], capture_output=True)
    return {"processes": ended, "mounts": len(mounts), "containers": len(containers)}


def _end_processes(folder: Path) -> int:
    """Kill the processes of a run until none is left: each may have started another just before it was killed."""
    ended: set[int] = set()
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        found = _processes(folder)
        if not found:
            break
        for number in found:
            try:
                os.kill(number, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        ended |= set(found)
        time.sleep(0.02)
    return len(ended)


def _processes(folder: Path) -> list[int]:
    """Return the IDs of other processes whose environment contains the folder's path; none on systems without /proc."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.fsencode(folder) in (process / "environ").read_bytes() and int(process.name) != os.getpid():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def _mounts(folder: Path) -> list[str]:
    """Return the mount points below the folder, deepest first."""
    try:
        lines = Path("/proc/self/mounts").read_text().splitlines()
    except FileNotFoundError:
        return []
    places = [re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), line.split()[1]) for line in lines]
    return sorted((place for place in places if place.startswith(f"{folder}/")), key=len, reverse=True)


def _containers(folder: Path) -> list[str]:
    """Return the IDs of containers whose labels contain the folder's path."""
    said = _answer(["docker", "ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Labels}}"])
    return [line.split()[0] for line in (said or "").splitlines() if str(folder) in line]


def _answer(command: list[str]) -> Optional[str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _add(all_counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for counts in all_counts:
        total = {what: total.get(what, 0) + number for what, number in counts.items()}
    return total
