#!/usr/bin/env python3
"""Run the checks and tests: ``python3 tests/run.py [GROUP]... [-- pytest's own flags]``, or ``... prove``, see ``prove --help``.

Without groups: all but the last three.  Makes its own virtual environment, so that nothing has to be installed before.
  lint          ruff, mypy --strict, and that nothing needs a newer Python than is promised
  unit          planner, names, schedules: no disk, no network, seconds
  build         small builds with the real compiler, and every fault a user can meet; releases sent to a bucket on loopback
  windows       what can be checked of the build for Windows without it: the edits of CPython's real project files
  workflows     what CI does on GitHub: permissions, pins, its scripts, and what linters say of it
  docker        small builds in containers, where a daemon answers
  distribution  builds the default Python (from the cache, if it is there) and tests it as its users would use it
  foreign       builds Pythons for other CPUs and for musl, and runs them by qemu-user and musl's loader
  macos         builds Pythons for macOS on Linux, and looks at all that is in them
  packages      builds Debian packages in containers, and installs them in others
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT))

from pythonbuild import bootstrap  # noqa: E402  (the path is set just above)

GROUPS = ("lint", "unit", "build", "windows", "workflows", "docker", "distribution", "foreign", "macos", "packages")

# The oldest Pythons that files have to run on: the machine's own, and, of the files below, those that are built or that are
# in the distributions that packages are made for.
OLDEST = "3.9"
OLDEST_BUILT = "3.11"
BUILT = [
    "cpython-unix/debian",
    "cpython-unix/packages/cpython/files/run_tests.py",
    "cpython-unix/packages/cpython/files/training",
    "pythonbuild/distribution/describe.py",
    "pythonbuild/validation/smoke",
]


def commands(programs: Path, groups: list[str], flags: list[str]) -> list[list[str]]:
    """Return the commands of the groups, in order."""
    run = []
    if "lint" in groups:
        run += [[str(programs / "ruff"), "check", "."], [str(programs / "ruff"), "format", "--check", "."]]
        # mypy's newest releases know Python 3.10 and newer only; those that run on 3.9 know that.
        run += [[str(programs / "mypy"), *(["--python-version=3.9"] if sys.version_info < (3, 10) else [])]]
        vermin = [str(programs / "vermin"), "--violations", "--quiet"]
        apart = ["--exclude-regex", "|".join(f"^{re.escape(str(ROOT / path))}(/|$)" for path in BUILT)]
        run += [[*vermin, f"--target={OLDEST}-", *apart, "."]]
        if sys.version_info >= (3, 11):  # it reads files by the syntax of the Python that it runs on
            run += [[*vermin, f"--target={OLDEST_BUILT}-", *BUILT]]
    folders = [f"tests/{name}" for name in groups if name != "lint"]
    if folders:
        run.append([str(programs / "python"), "-m", "pytest", "-p", "no:cacheprovider", *folders, *flags])
    return run


def prove(words: list[str]) -> int:
    """Run the ledger of proofs (tests/ledger) in the virtual environment of the tests; returns its exit status."""
    try:
        environment = bootstrap.virtual_environment("requirements-dev.txt")
    except bootstrap.NotReady as problem:
        sys.stderr.write(f"{problem}\n")
        return 3
    command = [str(environment / "bin" / "python"), "-m", "tests.ledger", *words]
    return subprocess.run(command, cwd=ROOT).returncode


def main() -> int:
    """Run everything asked for; returns the status of the first that fails."""
    words = sys.argv[1:]
    if words[:1] == ["prove"]:
        return prove(words[1:])
    flags = words[words.index("--") + 1 :] if "--" in words else []
    names = words[: words.index("--")] if "--" in words else words
    if {"-h", "--help"} & set(names) or set(names) - set(GROUPS):
        sys.stdout.write(__doc__ or "")
        return 0 if {"-h", "--help"} & set(names) else 2
    try:
        environment = bootstrap.virtual_environment("requirements-dev.txt")
    except bootstrap.NotReady as problem:
        sys.stderr.write(f"{problem}\n")
        return 3
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON") or name.startswith("PYTHONBUILD_")
    }
    for command in commands(environment / "bin", names or list(GROUPS[:-3]), flags):
        sys.stdout.write(f"$ {' '.join(command)}\n")
        sys.stdout.flush()
        status = subprocess.run(command, cwd=ROOT, env=variables).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
