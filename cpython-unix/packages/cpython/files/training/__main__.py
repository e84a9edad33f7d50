"""Train a profile: run CPython's own task, and beside it programs as people write them.

    ./python training JOBS [FLAG]...

CPython's task, a part of its test suite, reaches all corners, most of them once, and what it repeats is not what programs
repeat: the compiler then believes that lists are short and that hardly anything is sorted by floats.  So the ways that programs
spend their time in are walked as well, for about as many instructions; the files beside this one have them, by what they are
about.  Only the standard library is used, of CPython 3.11 and newer.

JOBS processes run at once; flags are for CPython's test program.  The exit status is that of CPython's task, or 1 if a workload
failed.
"""

from __future__ import annotations

import subprocess
import sys
import time

import containers
import functions
import numeric
import objects
import octets
import parsing
import prose
import protocols
import records

WORKLOADS = [
    workload
    for room in (objects, functions, numeric, prose, parsing, containers, records, protocols, octets)
    for workload in room.WORKLOADS
]
# For how long each of them is repeated.  All together then count about as much as CPython's task.
SECONDS = 0.7


def work(part, parts):
    """Run each PARTSth workload, from PART on."""
    for workload in WORKLOADS[part::parts]:
        end = time.monotonic() + SECONDS
        while True:
            workload()
            if time.monotonic() >= end:
                break


def main():
    """Train; see above."""
    if sys.argv[1] == "work":
        work(int(sys.argv[2]), int(sys.argv[3]))
        return
    jobs, *flags = sys.argv[1:]
    suite = subprocess.run([sys.executable, "-m", "test", "--pgo", "--timeout=1200", f"-j{jobs}", *flags])
    workers = [subprocess.Popen([sys.executable, sys.argv[0], "work", str(part), jobs]) for part in range(int(jobs))]
    failed = [worker.wait() for worker in workers]
    sys.exit(suite.returncode or int(any(failed)))


if __name__ == "__main__":
    main()
