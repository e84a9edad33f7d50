#!/usr/bin/env python3
"""Measures how close a build comes to the ideal: all processors busy with steps, all the time.

    python3 benchmarks/build_time.py [--jobs N] [flags of build-linux.py]

Builds with an empty store and the sources in the user's own cache.  Then runs the same command again, and once more after
changing one recipe in a copy of the checkout.  Prints the ratio of wall time to the steps' CPU seconds / N, and the critical
path.  It also prints the time of the second run, the steps that the change rebuilt, and the orchestrator's peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
CHANGED = "zlib"


class Measured(NamedTuple):
    """A build: its wall seconds, its events, and the peak of the orchestrator's resident memory in bytes."""

    seconds: float
    events: list[dict[str, Any]]
    memory: int


def run(checkout: Path, cache: Path, flags: list[str]) -> Measured:
    """Run a build to its end."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [sys.executable, str(checkout / "build-linux.py"), "--json", "--output", str(cache / "dist"), *flags]
    started = time.monotonic()
    memory = 0
    events = []
    process = subprocess.Popen(command, env={**kept, "PYTHONBUILD_HOME": str(cache)}, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith('{"event'):
            events.append(json.loads(line))
            # The peak after the last event is close to that of the whole run.
            memory = max(memory, peak_memory(process.pid))
    if process.wait():
        sys.exit(f"the build failed with {process.returncode}")
    return Measured(time.monotonic() - started, events, memory)


def peak_memory(pid: int) -> int:
    """Return the peak resident memory of a process in bytes, 0 if it has ended (Linux: VmHWM in /proc)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return max((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), default=0)


def finished(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the StepFinished events by step."""
    return {event["step"]: event for event in events if event["event"] == "StepFinished"}


def critical_path(rows: list[dict[str, Any]], steps: dict[str, dict[str, Any]]) -> list[str]:
    """Return the chain of steps that took longest from start to end."""
    longest: dict[str, tuple[float, list[str]]] = {}
    for row in rows:
        before = max((longest[need] for need in row["needs"] if need in longest), default=(0.0, []))
        own = steps[row["step"]]["seconds"] if row["step"] in steps else 0.0
        longest[row["step"]] = (before[0] + own, [*before[1], row["step"]])
    return max(longest.values())[1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    arguments, flags = parser.parse_known_args()
    flags += ["--jobs", str(arguments.jobs)]
    own = Path(os.environ.get("PYTHONBUILD_HOME", Path.home() / ".cache" / "pythonbuild"))
    with tempfile.TemporaryDirectory(prefix="pythonbuild-benchmark-") as folder:
        cache, checkout = Path(folder) / "cache", Path(folder) / "checkout"
        shutil.copytree(own / "sources", cache / "sources", ignore=shutil.ignore_patterns("partial", "rejected"))
        shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(".git", "dist", "__pycache__", ".*_cache"))
        # Create the virtual environment before the clock starts.
        run(checkout, cache, ["--plan"])
        report(cache, checkout, arguments.jobs, flags)


def report(cache: Path, checkout: Path, jobs: int, flags: list[str]) -> None:
    """Run the three builds and print their times."""
    wall, events, memory = run(checkout, cache, flags)
    steps = finished(events)
    cpu = sum(step["cpu_seconds"] for step in steps.values())
    print(f"whole build     {wall:.0f} s for {cpu:.0f} CPU s on {jobs} jobs: {wall / (cpu / jobs):.2f} times the ideal")
    plan = [sys.executable, "-m", "pythonbuild", "plan", "--json"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    planned = subprocess.run(
        plan, cwd=checkout, env={**kept, "PYTHONBUILD_HOME": str(cache)}, stdout=subprocess.PIPE, text=True
    )
    path = critical_path(json.loads(planned.stdout), steps)
    taken = sum(steps[name]["seconds"] for name in path if name in steps)
    print(
        f"critical path   {taken:.0f} s: "
        + " > ".join(f"{name} {steps[name]['seconds']:.0f}" for name in path if name in steps)
    )
    print(f"own memory      {memory / 1e6:.0f} MB at its peak")
    again = sorted(run(checkout, cache, flags).seconds for _ in range(5))
    print(f"second run      {again[2]:.2f} s (median of 5; {again[0]:.2f} to {again[4]:.2f})")
    script = checkout / "cpython-unix" / "packages" / CHANGED / "build.sh.j2"
    script.write_text(script.read_text() + "# changed\n")
    changed, events, _ = run(checkout, cache, flags)
    print(f"after a change  {changed:.0f} s; rebuilt {', '.join(finished(events))}")


if __name__ == "__main__":
    main()
