"""The checks of group lint, and the oldest Pythons that files have to run on.  Standard library only."""

from __future__ import annotations

import re
import sys
from pathlib import Path

__all__ = ["lint_commands"]

# The machine's own Python, and that of the files below, which run on Pythons that are built or that distributions have.
_OLDEST = "3.9"
_OLDEST_BUILT = "3.11"
_BUILT = [
    "cpython-unix/debian",
    "cpython-unix/packages/cpython/files/run_tests.py",
    "cpython-unix/packages/cpython/files/training",
    "pythonbuild/distribution/describe.py",
    "pythonbuild/validation/smoke",
]


def lint_commands(programs: Path, root: Path) -> list[list[str]]:
    """Return the commands that look at the code in `root`; their programs are in the folder `programs`."""
    # mypy's newest releases know Python 3.10 and newer only; those that run on 3.9 know that.
    mypy = [str(programs / "mypy"), *(["--python-version=3.9"] if sys.version_info < (3, 10) else [])]
    vermin = [str(programs / "vermin"), "--violations", "--quiet"]
    apart = ["--exclude-regex", "|".join(f"^{re.escape(str(root / path))}(/|$)" for path in _BUILT)]
    commands = [
        [str(programs / "ruff"), "check", "."],
        [str(programs / "ruff"), "format", "--check", "."],
        mypy,
        [*vermin, f"--target={_OLDEST}-", *apart, "."],
    ]
    if sys.version_info >= (3, 11):  # it reads files by the syntax of the Python that it runs on
        commands.append([*vermin, f"--target={_OLDEST_BUILT}-", *_BUILT])
    return commands
