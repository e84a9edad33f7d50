"""Run the Python of an archive: the smoke test, and CPython's own test suite against a list of expected failures."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from pythonbuild.catalog.schema import ExpectedFailure
from pythonbuild.errors import BadArchive, PythonBuildError

__all__ = [
    "Outcome",
    "SuiteReport",
    "failed_files",
    "failed_subtests",
    "find_installation",
    "read_junit",
    "run_smoke",
    "run_suite",
    "suite_report",
]

# regrtest's exit status when tests have failed.
_TESTS_FAILED = 2
# What would help or hinder an interpreter to find its own things, or slow it down.
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "DISPLAY", "XAUTHORITY", "TMPDIR", "USER", "LOGNAME")


@dataclass(frozen=True)
class Outcome:
    """One test case of CPython's suite: its name as unittest has it, and passed, failed or skipped."""

    name: str
    result: str
    detail: str = ""


@dataclass(frozen=True)
class SuiteReport:
    """What CPython's suite said: counts by result, failures that nobody expected, and expected ones with their reasons."""

    counts: Mapping[str, int]
    unexpected: tuple[Outcome, ...]
    expected: tuple[tuple[Outcome, str], ...]


def find_installation(unpacked: Path) -> Path:
    """Return the interpreter of an unpacked archive; raises BadArchive if there is none."""
    for place in ("python/install", "python"):
        interpreter = unpacked / place / "bin" / "python3"
        if interpreter.exists():
            return interpreter
    raise BadArchive("the archive has no bin/python3, so there is nothing to run")


def environment() -> dict[str, str]:
    """Return the environment in which a Python is tested."""
    return {"LANG": "C.UTF-8", "TERM": "xterm", **{name: os.environ[name] for name in _KEPT if name in os.environ}}


def run_smoke(interpreter: Path, full: bool, emulated: bool) -> int:
    """Run the smoke test, which prints its own report; returns its exit status.

    full: is the tree that of a full archive; emulated: is the interpreter run by an emulator.
    """
    flags = [] if full else ["--without-static-library"]
    flags += ["--emulated"] if emulated else []
    flags += ["--require-display"] if "DISPLAY" in os.environ else []
    compilers = ",".join(name for name in ("gcc", "clang") if shutil.which(name))
    smoke = Path(__file__).with_name("smoke")
    command = [str(interpreter), "-B", str(smoke), *flags, "--require-compilers", compilers]
    return subprocess.run(command, cwd="/", env=environment()).returncode


def run_suite(
    interpreter: Path, script: Path, expected: tuple[ExpectedFailure, ...], junit: Path, arguments: list[str]
) -> SuiteReport:
    """Run CPython's suite by the archive's run_tests.py; its JUnit report goes to `junit`.

    arguments: for regrtest, after its usual ones.  Raises PythonBuildError if no test was run.
    """
    windows = ["-u", "gui"] if "DISPLAY" in os.environ else []
    command = [str(interpreter), str(script), *windows, *arguments, "--junit-xml", str(junit.absolute())]
    printed, status = _echoed(command, junit.parent)
    if not junit.is_file() or status not in (0, _TESTS_FAILED):
        raise PythonBuildError(f"CPython's test suite ended with {status}", "what it printed above says why")
    outcomes = {found.name: found for found in (*read_junit(junit), *failed_subtests(printed))}
    return suite_report(list(outcomes.values()), failed_files(printed), expected)


def _echoed(command: list[str], folder: Path) -> tuple[list[str], int]:
    """Run a program whose output is shown as it comes; returns the output's lines and the exit status."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        lines.append(line.rstrip("\n"))
    return lines, process.wait()


def failed_files(printed: list[str]) -> list[str]:
    """Return the test files that regrtest's summary calls failed, e.g. ["test_socket"]."""
    starts = [number for number, line in enumerate(printed) if re.fullmatch(r"\d+ tests? failed:", line)]
    names: list[str] = []
    for line in printed[starts[-1] + 1 :] if starts else ():
        if not line.startswith("    "):
            break
        names += line.split()
    return names


def failed_subtests(printed: list[str]) -> list[Outcome]:
    """Return the tests that failed in a subtest when they were run again: regrtest's JUnit report leaves those out."""
    starts = [number for number, line in enumerate(printed) if line.startswith("Re-running ")]
    found = {}
    for line in printed[starts[0] :] if starts else ():
        match = re.fullmatch(r"(?:FAIL|ERROR): \w+ \(([\w.]+)\) [\[(].*", line)
        if match:
            found[match[1]] = Outcome(match[1], "failed", line)
    return list(found.values())


def read_junit(junit: Path) -> list[Outcome]:
    """Return the test cases of a JUnit report, each once, as it was the last time."""
    found = {}
    for case in ElementTree.parse(junit).iter("testcase"):  # noqa: S314  (written by the run just before)
        name = case.get("name") or ""
        bad = [child for child in case if child.tag in ("failure", "error")]
        skipped = case.find("skipped") is not None or case.get("result") == "skipped"
        text = (bad[0].text or "").strip().splitlines() if bad else []
        result = "failed" if bad else "skipped" if skipped else "passed"
        outcome = Outcome(name, result, text[-1] if text else "")
        # A test that failed and passed when it was run again is there twice, the later one last.
        found[name] = outcome
    return list(found.values())


def suite_report(outcomes: list[Outcome], files: list[str], expected: tuple[ExpectedFailure, ...]) -> SuiteReport:
    """Return what of a run was expected.

    files: those that regrtest calls failed.  One without a failed test case has crashed, or hung, which is never expected.
    """
    counts = {result: sum(found.result == result for found in outcomes) for result in ("passed", "failed", "skipped")}
    reasons = {item.test: item.reason for item in expected}
    failed = [found for found in outcomes if found.result == "failed"]
    crashed = [
        Outcome(file, "failed", "ended without naming a test that failed")
        for file in files
        if not any(f".{file.removeprefix('test.')}." in f".{found.name}." for found in failed)
    ]
    return SuiteReport(
        counts=counts,
        unexpected=(*crashed, *(found for found in failed if found.name not in reasons)),
        expected=tuple((found, reasons[found.name]) for found in failed if found.name in reasons),
    )
