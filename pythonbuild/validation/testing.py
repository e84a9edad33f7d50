"""Test the Python in an archive: run the smoke test and CPython's own suite, and compare failures with the expected ones."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional
from xml.etree import ElementTree

from pythonbuild.binaries.archive import unpack
from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import ExpectedFailure
from pythonbuild.errors import BadArchive, BadRequest, PythonBuildError
from pythonbuild.model.target import cpu_flags
from pythonbuild.model.version import PythonVersion
from pythonbuild.request.build import check_cpu
from pythonbuild.validation.emulator import make_it_start

__all__ = [
    "ArchiveReport",
    "Outcome",
    "SuiteReport",
    "failed_files",
    "failed_subtests",
    "find_installation",
    "read_junit",
    "run_archive",
    "run_smoke",
    "run_suite",
    "suite_report",
]

# regrtest's exit status when tests fail.
_TESTS_FAILED = 2
# The only variables that tests keep: others may change where an interpreter finds its files, or slow it down.
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "DISPLAY", "XAUTHORITY", "TMPDIR", "USER", "LOGNAME")


@dataclass(frozen=True)
class Outcome:
    """One test case of CPython's suite: its unittest name, and its result: passed, failed or skipped."""

    name: str
    result: str
    detail: str = ""


@dataclass(frozen=True)
class SuiteReport:
    """The results of CPython's suite: counts by result, unexpected failures, and expected ones with their reasons."""

    counts: Mapping[str, int]
    unexpected: tuple[Outcome, ...]
    expected: tuple[tuple[Outcome, str], ...]


@dataclass(frozen=True)
class ArchiveReport:
    """The results of testing an archive's Python.

    smoke: whether the smoke test passed; suite: None if CPython's suite was not requested; left_out: its tests that did
    not run because they may hang.
    """

    smoke: bool
    suite: Optional[SuiteReport] = None
    left_out: tuple[ExpectedFailure, ...] = ()

    @property
    def good(self) -> bool:
        """Whether the smoke test passed, and CPython's suite had no unexpected failures."""
        return self.smoke and (self.suite is None or not self.suite.unexpected)


def run_archive(
    archive: Path,
    catalog: Catalog,
    *,
    stdlib: bool = False,
    junit: Optional[Path] = None,
    arguments: Sequence[str] = (),
) -> ArchiveReport:
    """Run the smoke test from an archive and, with `stdlib`, CPython's own suite; both print as they run.

    junit: where to write the suite's JUnit report; arguments: follow regrtest's usual ones.
    Raises BadRequest if the suite is requested but not in the archive, or if this CPU cannot run the Python; BadArchive
    if the archive is damaged; and MissingPrerequisite if this machine lacks an emulator.
    """
    target = next((target for triple, target in catalog.targets.items() if f"-{triple}-" in archive.name), None)
    if target and target.arch == platform.machine():
        check_cpu(target, cpu_flags())
    with tempfile.TemporaryDirectory(prefix="pythonbuild-test-") as folder:
        unpack(archive, Path(folder))
        interpreter = find_installation(Path(folder))
        emulated = make_it_start(interpreter, target)
        metadata = Path(folder) / "python" / "PYTHON.json"
        if stdlib and not metadata.is_file():
            raise BadRequest(f"{archive.name} does not contain CPython's tests", "--stdlib needs a full archive")
        smoke = run_smoke(interpreter, full=metadata.is_file(), emulated=emulated) == 0
        if not stdlib:
            return ArchiveReport(smoke)
        script, expected = _suite_of(archive.name, metadata, catalog)
        report = junit.absolute() if junit else Path(folder) / "junit.xml"
        report.unlink(missing_ok=True)
        left_out = tuple(item for item in expected if item.hangs)
        ignored = [word for item in left_out for word in ("--ignore", item.test)]
        return ArchiveReport(smoke, run_suite(interpreter, script, expected, report, [*ignored, *arguments]), left_out)


def _suite_of(name: str, metadata: Path, catalog: Catalog) -> tuple[Path, tuple[ExpectedFailure, ...]]:
    """Return the script that runs an unpacked archive's suite, and the failures that are expected of this Python."""
    try:
        facts = json.loads(metadata.read_text())
        version, script = PythonVersion.parse(facts["python_version"]), metadata.parent / facts["run_tests"]
        triple, options = str(facts["target_triple"]), str(facts["build_options"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadArchive(f"PYTHON.json of {name} is not valid: {error!r}", "run `validate` for details") from None
    return script, catalog.expected_failures(triple, version, options)


def find_installation(unpacked: Path) -> Path:
    """Return the interpreter of an unpacked archive.  Raises BadArchive if it has none."""
    for place in ("python/install", "python"):
        interpreter = unpacked / place / "bin" / "python3"
        if interpreter.exists():
            return interpreter
    raise BadArchive("the archive has no bin/python3, so nothing can run")


def environment() -> dict[str, str]:
    """Return the environment variables for testing a Python."""
    return {"LANG": "C.UTF-8", "TERM": "xterm", **{name: os.environ[name] for name in _KEPT if name in os.environ}}


def run_smoke(interpreter: Path, full: bool, emulated: bool) -> int:
    """Run the smoke test, which prints its own report.  Returns its exit status.

    full: whether the tree is from a full archive; emulated: whether an emulator runs the interpreter.
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
    """Run CPython's suite with the archive's run_tests.py, and write its JUnit report to `junit`.

    arguments: follow regrtest's usual ones.  Raises PythonBuildError if the suite did not run to its end.
    """
    windows = ["-u", "gui"] if "DISPLAY" in os.environ else []
    command = [str(interpreter), str(script), *windows, *arguments, "--junit-xml", str(junit.absolute())]
    printed, status = _echoed(command, junit.parent)
    if not junit.is_file() or status not in (0, _TESTS_FAILED):
        raise PythonBuildError(f"CPython's test suite ended with exit status {status}", "its output above shows why")
    outcomes = {found.name: found for found in (*read_junit(junit), *failed_subtests(printed))}
    return suite_report(list(outcomes.values()), failed_files(printed), expected)


def _echoed(command: list[str], folder: Path) -> tuple[list[str], int]:
    """Run a program and print its output as it comes.  Returns the output's lines and the exit status."""
    lines = []
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            lines.append(line.rstrip("\n"))
    return lines, process.returncode


def failed_files(printed: list[str]) -> list[str]:
    """Return the test files that regrtest's summary lists as failed, e.g. ["test_socket"]."""
    starts = [number for number, line in enumerate(printed) if re.fullmatch(r"\d+ tests? failed:", line)]
    names: list[str] = []
    for line in printed[starts[-1] + 1 :] if starts else ():
        if not line.startswith("    "):
            break
        names += line.split()
    return names


def failed_subtests(printed: list[str]) -> list[Outcome]:
    """Return the tests that failed in a subtest when they were rerun.  regrtest's JUnit report omits these."""
    starts = [number for number, line in enumerate(printed) if line.startswith("Re-running ")]
    found = {}
    for line in printed[starts[0] :] if starts else ():
        match = re.fullmatch(r"(?:FAIL|ERROR): \w+ \(([\w.]+)\) [\[(].*", line)
        if match:
            found[match[1]] = Outcome(match[1], "failed", line)
    return list(found.values())


def read_junit(junit: Path) -> list[Outcome]:
    """Return each test case of a JUnit report once, with its last result."""
    found = {}
    for case in ElementTree.parse(junit).iter("testcase"):  # noqa: S314  (written by the run just before)
        name = case.get("name") or ""
        bad = [child for child in case if child.tag in ("failure", "error")]
        skipped = case.find("skipped") is not None or case.get("result") == "skipped"
        text = (bad[0].text or "").strip().splitlines() if bad else []
        result = "failed" if bad else "skipped" if skipped else "passed"
        outcome = Outcome(name, result, text[-1] if text else "")
        # A test that was rerun appears twice, the later result last.
        found[name] = outcome
    return list(found.values())


def suite_report(outcomes: list[Outcome], files: list[str], expected: tuple[ExpectedFailure, ...]) -> SuiteReport:
    """Sort the failures of a run into expected and unexpected ones.

    files: the test files that regrtest lists as failed.  One without a failed test crashed or hung, which is never expected.
    """
    counts = {result: sum(found.result == result for found in outcomes) for result in ("passed", "failed", "skipped")}
    reasons = {item.test: item.reason for item in expected}
    failed = [found for found in outcomes if found.result == "failed"]
    crashed = [
        Outcome(file, "failed", "crashed or hung: no test in it is reported as failed")
        for file in files
        if not any(f".{file.removeprefix('test.')}." in f".{found.name}." for found in failed)
    ]
    return SuiteReport(
        counts=counts,
        unexpected=(*crashed, *(found for found in failed if found.name not in reasons)),
        expected=tuple((found, reasons[found.name]) for found in failed if found.name in reasons),
    )
