#!/usr/bin/env python3
"""Run checks and tests: ``python3 tests/run.py [GROUP or TEST]... [-- PYTEST_FLAG...]``, or prove what the project claims:
``python3 tests/run.py prove``, explained by ``prove --help``.

Without arguments, all groups but the last four run.  A TEST is pytest's name of one, such as tests/FILE::FUNCTION.  The command makes
its own virtual environment, so nothing has to be installed first.  It runs one test more at a time than there are processors.
  lint          ruff, mypy --strict, and a check that no code needs a newer Python than the project promises
  docs          builds the documentation in build/site; warnings and broken links are errors
  unit          planner, names, schedules, file formats; these run no program, use no network, and write only small temporary files
  build         small builds with the real compiler, build scripts, and the faults that users can meet; servers on loopback
  windows       the edits of CPython's real project files for Windows, which need no Windows
  workflows     the workflows for GitHub: permissions, pins, scripts, linters
  docker        small builds in containers; needs a Docker daemon
  distribution  builds the default Python, or takes it from the cache, and tests it as users would use it
  images        builds a container image, loads it into the Docker daemon, and runs it
  foreign       builds Pythons for other CPUs and for musl, and runs them with qemu-user and musl's loader
  macos         builds Pythons for macOS on Linux, and inspects them
  packages      builds Debian packages in containers, and installs them in clean ones
"""

from __future__ import annotations

import ctypes
import difflib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import IO, Any, Optional

ROOT = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT))

from pythonbuild import bootstrap  # noqa: E402  (the path is set just above)
from pythonbuild.errors import MissingPrerequisite  # noqa: E402
from tests.leftovers import MARK, RunFolder  # noqa: E402
from tests.lint import lint_commands  # noqa: E402

# How long each group usually takes on two idle processors, with its Pythons in the cache.
GROUPS = {
    "lint": "1 minute",
    "docs": "10 seconds",
    "unit": "30 seconds",
    "build": "6 minutes",
    "windows": "1 minute",
    "workflows": "1 minute",
    "docker": "7 minutes",
    "distribution": "7 minutes; 15 when Python is to be built",
    "images": "1 minute; 10 when a Python is to be built",
    "foreign": "40 minutes; 2 hours when Pythons are to be built",
    "macos": "5 minutes; 30 when Pythons are to be built",
    "packages": "40 minutes",
}
_DEFAULT = list(GROUPS)[:-4]
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_REPORT = 30.0  # seconds that an interrupted pytest has for its report


class Killed(Exception):
    """A signal asked this run to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main() -> int:
    """Run what the command line asks for; returns the first status that is not 0."""
    words = sys.argv[1:]
    flags = words[words.index("--") + 1 :] if "--" in words else []
    names = words[: words.index("--")] if "--" in words else words
    proves = words[:1] == ["prove"]
    if not proves and {"-h", "--help"} & set(names):
        sys.stdout.write(__doc__ or "")
        return 0
    wrong = "" if proves else next(filter(None, map(_wrong_with, names)), "")
    if wrong:
        sys.stderr.write(f"tests/run.py: {wrong}\n")
        return 2
    try:
        environment = bootstrap.virtual_environment("requirements-dev.txt")
        checks = [] if proves else _checks(names or _DEFAULT, environment / "bin")
    except MissingPrerequisite as problem:
        sys.stderr.write(f"tests/run.py: {problem.report()}\n")
        return problem.exit_status
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _raise_killed)
    try:
        folder = RunFolder()
    except Killed as killed:
        return 128 + killed.number
    status = 1
    try:
        _say(_count(folder.removed, "removed after an earlier run that was killed: "))
        if proves:
            command = [str(environment / "bin" / "python"), "-m", "tests.ledger", *words[1:]]
            status = _wait(start(command, {**os.environ, MARK: str(folder.path)}))
        else:
            status = _run(environment / "bin", names or _DEFAULT, checks, flags, folder.path)
    except Killed as killed:
        status = 128 + killed.number
    finally:
        # Cleaning up is not interrupted: the request to end was heard already.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        left = folder.end(keep=status == 1 and not proves)
    _say(_count(left, "tests left these behind, ended now: "))
    if status == 1 and not proves:
        _say(f"the files of tests that failed are in {folder.path} until the next run")
    return status


def _wrong_with(name: str) -> str:
    """Return why a word of the command line is neither a group nor a test; "" if it is one."""
    if name in GROUPS or (name and (ROOT / name.partition("::")[0]).is_file()):
        return ""
    if name == "prove":
        return "`prove` must be the first word"
    if name.startswith("-"):
        return f"there is no flag {name}; pytest's flags go after --"
    near = difflib.get_close_matches(name, [*GROUPS, "prove"], n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; the groups are {', '.join(GROUPS)}"
    return f"there is no group or test file {name!r}{hint}"


def _checks(names: list[str], programs: Path) -> list[list[str]]:
    """Return the commands of groups docs and lint, which run beside the tests."""
    commands = []
    if "docs" in names:
        python = bootstrap.virtual_environment("requirements-docs.txt") / "bin" / "python"
        # With --quiet, mkdocs 1.6 misses the warnings that --strict is for.  Material advertises its successor otherwise.
        quiet = ["env", "NO_MKDOCS_2_WARNING=1"]
        commands.append([*quiet, str(python), "-m", "mkdocs", "build", "--strict"])
    return commands + (lint_commands(programs, ROOT) if "lint" in names else [])


def _run(programs: Path, names: list[str], checks: list[list[str]], flags: list[str], folder: Path) -> int:
    """Run tests, and checks beside them; returns the first status that is not 0."""
    variables = {name: value for name, value in os.environ.items() if not _is_pythons(name)}
    variables[MARK] = str(folder)
    for name in names:
        if name in GROUPS:
            _say(f"{name + ':':13} usually takes {GROUPS[name]}")
    started = [Check(command, variables) for command in checks]
    statuses = []
    tests = [f"tests/{name}" if name in GROUPS else name for name in names if name not in ("lint", "docs")]
    if tests:
        command = [str(programs / "python"), "-m", "pytest", *_pytest_flags(tests, flags, folder), *tests, *flags]
        _say(f"$ {' '.join(command)}")
        statuses.append(_wait(start(command, variables)))
    statuses += [check.finish() for check in started]
    return next((status for status in statuses if status), 0)


def _pytest_flags(tests: list[str], flags: list[str], folder: Path) -> list[str]:
    """Return the flags before the user's own: where files are, how many tests run at once, and that slow ones are listed."""
    own = ["-p", "no:cacheprovider", f"--basetemp={folder / 'base'}", "--override-ini=tmp_path_retention_policy=failed"]
    # A single test needs no workers, and a debugger gets the terminal only without them.
    alone = "--pdb" in flags or (len(tests) == 1 and "::" in tests[0])
    # Many tests wait for something; one more than there are processors keeps these busy.
    workers = 0 if alone else _processors() + 1
    return [*own, f"--numprocesses={workers}", "--dist=loadgroup", "--durations=20", "--durations-min=5"]


def _processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


class Check:
    """A program that checks the code while the tests run; its output is shown after theirs."""

    def __init__(self, command: list[str], variables: dict[str, str]) -> None:
        self._command = command
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115  (read by `finish`)
        self._process = start(command, variables, self._said)

    def finish(self) -> int:
        """Wait until the program ends and show its output; returns its status."""
        status = _wait(self._process)
        self._said.seek(0)
        _say(f"$ {' '.join(self._command)}\n{self._said.read().rstrip()}")
        return status


def start(command: list[str], variables: dict[str, str], output: Optional[IO[Any]] = None) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that Ctrl-C reaches this process alone; it ends if this process is killed."""
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=variables,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        start_new_session=True,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  (this process has one thread)
    )


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for a program; if this run must end, let the program report first.  Returns its status, 1 if it was killed."""
    try:
        status = process.wait()
    except Killed:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_REPORT)
        except subprocess.TimeoutExpired:
            process.kill()
        raise
    return status if status >= 0 else 1


def _raise_killed(number: int, frame: Optional[FrameType]) -> None:
    raise Killed(number)


def _is_pythons(name: str) -> bool:
    return name.startswith("PYTHON") and not name.startswith("PYTHONBUILD_")


def _count(numbers: dict[str, int], before: str) -> str:
    """Return the numbers as text after `before`, e.g. "2 processes, 1 mounts"; "" if all are 0."""
    found = ", ".join(f"{number} {what}" for what, number in numbers.items() if number)
    return f"{before}{found}" if found else ""


def _say(text: str) -> None:
    if text:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
