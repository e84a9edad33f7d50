"""One run of pytest for a check.  Every proof's digest includes this file, because it decides which tests run and how."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Optional

from tests.ledger.tally import Tally, tally
from tests.tested import NOTES, noted

__all__ = ["Session", "Verdict", "run_session"]


@dataclass(frozen=True)
class Verdict:
    """The result of a check.  failed: the reasons why it failed, including the names of failed tests; empty if it passed."""

    result: Literal["passed", "failed"]
    failed: list[str]


@dataclass(frozen=True)
class Session:
    """The outcome of a run of pytest.

    tally: None if no test ran; tested: SHA-256 of the files that the tests built and examined.
    """

    status: int
    output: str
    tally: Optional[Tally]
    tested: frozenset[str]

    def verdict(self, skips: Sequence[str], wanted: Mapping[str, str]) -> Verdict:
        """Judge the run; at least one test must have run.

        skips: reasons for which tests may be skipped; wanted: kind of file -> SHA-256 that the tests must have examined.
        """
        assert self.tally
        found = [*self.tally.failed]
        found += [f"skipped: {reason}" for reason in self.tally.skipped if reason not in skips]
        found += [f"not tested: {kind}" for kind, digest in wanted.items() if digest not in self.tested]
        if not self.tally.passed:
            found.append("no test passed")
        if self.status and not self.tally.failed:
            found.append(f"pytest ended with {self.status}")
        return Verdict("failed" if found else "passed", found)


def run_session(
    tests: Sequence[str], flags: str, engine: str, root: Path, folder: Path, environment: Mapping[str, str]
) -> Session:
    """Run tests of the checkout `root`.  The report and the tests' files go to `folder`, which must be empty."""
    junit, notes = folder / "junit.xml", folder / "notes"
    # Plugins that happen to be installed must not change the results.
    variables = {**environment, NOTES: str(notes), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "xdist.plugin", "-p", "no:cacheprovider"]
    command += [f"--confcutdir={root / 'tests'}"]
    command += ["--numprocesses", str(len(os.sched_getaffinity(0))), "--dist", "loadgroup"]
    command += [*tests, f"--engine={engine}", *shlex.split(flags)]
    command += [f"--junit-xml={junit}", f"--basetemp={folder / 'tests'}"]
    done = subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True)
    found = tally(junit) if junit.exists() else None
    if found and not (found.passed or found.skipped or found.failed):
        found = None
    return Session(done.returncode, done.stdout + done.stderr, found, frozenset(noted(notes)))
