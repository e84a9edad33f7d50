"""What the flags of several verbs have in common: the headings of --help, and groups of flags.  Standard library only."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pythonbuild.flags import read
from pythonbuild.flags.declared import switch, value
from pythonbuild.program import Program

__all__ = [
    "ARCHIVES",
    "CONTAINERS",
    "FILTERS",
    "GROUPS",
    "HOW",
    "INSTEAD",
    "JOBS",
    "MANY",
    "PACKAGES",
    "WHAT",
    "WINDOWS",
    "Fetching",
    "Jobs",
    "Shown",
    "VerbFlags",
    "processors",
]

WHAT, HOW, MANY = "what to build", "how", "many builds"
PACKAGES, CONTAINERS = "Debian packages (with --format deb)", "containers (for engine docker)"
WINDOWS = "Windows"
INSTEAD, FILTERS = "instead of building", "filters (each may be repeated; a row must match all kinds that are given)"
JOBS, ARCHIVES = "jobs of CI", "archives"
# The order of the headings in --help.
GROUPS = (WHAT, HOW, MANY, PACKAGES, CONTAINERS, WINDOWS, INSTEAD, FILTERS, JOBS, ARCHIVES)


_INSTALLED = Program.named("pythonbuild")


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class VerbFlags:
    """The flags of a verb.

    program: what the user started; verb: e.g. build-all.
    """

    program: Program = _INSTALLED
    verb: str = ""


@dataclass(frozen=True)
class Shown(VerbFlags):
    """How output looks."""

    verbose: bool = switch(
        "-v", "--verbose", text="print the output of the steps, and tracebacks of errors in pythonbuild"
    )
    color: str = value(
        "--color", choices=("auto", "always", "never"), default="auto", text="colour the output", usual="on a terminal"
    )


@dataclass(frozen=True)
class Fetching:
    """Whether sources may be fetched."""

    offline: bool = switch("--offline", group=HOW, text="do not use the network; all sources must be in the cache")


@dataclass(frozen=True)
class Jobs:
    """How many jobs there may be."""

    jobs: int = value(
        "--jobs",
        group=HOW,
        only="this machine",
        read=read.jobs,
        default=processors(),
        metavar="N",
        text="the most jobs at a time, over all steps",
        usual="one for each processor",
    )
