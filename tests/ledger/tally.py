"""Counts the results in pytest's JUnit report.  Every proof's digest includes this file, because it decides what passed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

__all__ = ["Tally", "tally"]


@dataclass(frozen=True)
class Tally:
    """passed: number of tests; skipped: reason -> number of tests; failed: names of tests."""

    passed: int
    skipped: dict[str, int]
    failed: list[str]

    @property
    def good(self) -> bool:
        """Did at least one test pass, and none fail?"""
        return self.passed > 0 and not self.failed


def tally(junit: Path) -> Tally:
    """Count the tests in a JUnit report written by pytest."""
    passed, skipped, failed = 0, Counter[str](), []
    for case in ElementTree.parse(junit).iter("testcase"):
        skip = case.find("skipped")
        if skip is not None:
            skipped[(skip.get("message") or "").removeprefix("Skipped: ")] += 1
        elif case.find("failure") is not None or case.find("error") is not None:
            failed.append(f"{case.get('classname')}.{case.get('name')}")
        else:
            passed += 1
    return Tally(passed, dict(sorted(skipped.items())), sorted(failed))
