#!/usr/bin/env python3
"""Run the checks and tests: ``python3 tests/run.py [GROUP or TEST]... [-- pytest's own flags]``, or
``python3 tests/run.py prove``, whose flags ``prove --help`` explains.

Without groups: all but the last three.  A TEST is one as pytest names it, tests/FILE::FUNCTION; what fails is named so at the end.
Makes its own virtual environment, so nothing has to be installed first.  Runs one test more at a time than there are processors.
  lint          ruff, mypy --strict, and that nothing needs a newer Python than is promised
  unit          planner, names, schedules, formats of files: no program, no network, no more than small temporary files
  build         small builds with the real compiler, scripts that are run, and every fault a user can meet; servers on loopback
  windows       what can be checked of the build for Windows without it: the edits of CPython's real project files
  workflows     what CI does on GitHub: permissions, pins, its scripts, and what linters say of it
  docker        small builds in containers, where a daemon answers
  distribution  builds the default Python (from the cache, if it is there) and tests it as its users would use it
  foreign       builds Pythons for other CPUs and for musl, and runs them by qemu-user and musl's loader
  macos         builds Pythons for macOS on Linux, and looks at all that is in them
  packages      builds Debian packages in containers, and installs them in others
"""

from __future__ import annotations

import ctypes
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
from tests.leftovers import MARK, RunFolder  # noqa: E402
from tests.lint import lint_commands  # noqa: E402

# How long each group usually takes on two processors that have nothing else to do, when what it builds is in the cache.
GROUPS = {
    "lint": "1 minute",
    "unit": "30 seconds",
    "build": "7 minutes",
    "windows": "1 minute",
    "workflows": "1 minute",
    "docker": "7 minutes",
    "distribution": "7 minutes; 15 when Python is to be built",
    "foreign": "40 minutes; 2 hours when Pythons are to be built",
    "macos": "5 minutes; 30 when Pythons are to be built",
    "packages": "40 minutes",
}
_DEFAULT = list(GROUPS)[:-3]
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_REPORT = 30.0  # seconds that pytest may take to report after it was interrupted


class Killed(Exception):
    """This run was asked to end, by that signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main() -> int:
    """Run everything asked for; returns the first status that is not 0."""
    words = sys.argv[1:]
    flags = words[words.index("--") + 1 :] if "--" in words else []
    names = words[: words.index("--")] if "--" in words else words
    unknown = [name for name in names if name not in GROUPS and not (ROOT / name.partition("::")[0]).is_file()]
    proves = words[:1] == ["prove"]
    if not proves and ({"-h", "--help"} & set(names) or unknown):
        sys.stdout.write(__doc__ or "")
        return 0 if {"-h", "--help"} & set(names) else 2
    try:
        environment = bootstrap.virtual_environment("requirements-dev.txt")
    except bootstrap.NotReady as problem:
        sys.stderr.write(f"{problem}\n")
        return 3
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _raise_killed)
    try:
        folder = RunFolder()
    except Killed as killed:
        return 128 + killed.number
    status = 1
    try:
        _say(_count(folder.removed, "of an earlier run that was killed, removed: "))
        if proves:
            command = [str(environment / "bin" / "python"), "-m", "tests.ledger", *words[1:]]
            status = _wait(start(command, {**os.environ, MARK: str(folder.path)}))
        else:
            status = _run(environment / "bin", names or _DEFAULT, flags, folder.path)
    except Killed as killed:
        status = 128 + killed.number
    finally:
        # Whoever wants it to end has said so already.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        left = folder.end(keep=status == 1 and not proves)
    _say(_count(left, "left by tests, ended: "))
    if status == 1 and not proves:
        _say(f"the files of tests that failed are in {folder.path} until the next run")
    return status


def _run(programs: Path, names: list[str], flags: list[str], folder: Path) -> int:
    """Run the checks of group lint beside the tests; returns the first status that is not 0."""
    variables = {name: value for name, value in os.environ.items() if not _is_pythons(name)}
    variables[MARK] = str(folder)
    for name in names:
        if name in GROUPS:
            _say(f"{name + ':':13} usually takes {GROUPS[name]}")
    checks = []
    if "lint" in names:
        checks = [Check(command, variables) for command in lint_commands(programs, ROOT)]
    statuses = []
    tests = [f"tests/{name}" if name in GROUPS else name for name in names if name != "lint"]
    if tests:
        command = [str(programs / "python"), "-m", "pytest", *_pytest_flags(tests, flags, folder), *tests, *flags]
        _say(f"$ {' '.join(command)}")
        statuses.append(_wait(start(command, variables)))
    statuses += [check.finish() for check in checks]
    return next((status for status in statuses if status), 0)


def _pytest_flags(tests: list[str], flags: list[str], folder: Path) -> list[str]:
    """Return the flags before the user's own: where files are, how many tests run at once, and that slow ones are listed."""
    own = ["-p", "no:cacheprovider", f"--basetemp={folder / 'base'}", "--override-ini=tmp_path_retention_policy=failed"]
    # One test needs no workers, and a debugger has a terminal only without them.
    alone = "--pdb" in flags or (len(tests) == 1 and "::" in tests[0])
    # Many tests wait for something; one more than there are processors keeps these busy.
    workers = 0 if alone else _processors() + 1
    return [*own, f"--numprocesses={workers}", "--dist=loadgroup", "--durations=20", "--durations-min=5"]


def _processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


class Check:
    """A program that looks at the code while the tests run; what it says is told when they are done."""

    def __init__(self, command: list[str], variables: dict[str, str]) -> None:
        self._command = command
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115  (read by `finish`)
        self._process = start(command, variables, self._said)

    def finish(self) -> int:
        """Wait until it is done, and tell what it says; returns its status."""
        status = _wait(self._process)
        self._said.seek(0)
        _say(f"$ {' '.join(self._command)}\n{self._said.read().rstrip()}")
        return status


def start(command: list[str], variables: dict[str, str], output: Optional[IO[Any]] = None) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that a Ctrl-C is for this process alone; it ends when this process is killed."""
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
    """Wait for a program; when this run is to end, let it report first.  Returns its status, 1 if it was killed."""
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
    """Return how much there was of what; "" if there was nothing."""
    found = ", ".join(f"{number} {what}" for what, number in numbers.items() if number)
    return f"{before}{found}" if found else ""


def _say(text: str) -> None:
    if text:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
