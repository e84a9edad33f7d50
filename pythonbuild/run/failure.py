"""Find the first error in a step's log, with the lines around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Optional

__all__ = ["first_error"]

_ERROR = re.compile(
    r"(^|[\s:])(fatal error|error)(:|\[)|: undefined reference|undefined symbol:|No rule to make target"
    r"|No space left on device|^Hunk #\d+ FAILED",
    re.IGNORECASE,
)
# A program that make ran has failed.  Its message is on the line before.
_MAKE = re.compile(r"^make(\[\d+\])?: \*\*\* \[.*\] Error \d+$")
# Scripts often continue after lines like these.
_PERHAPS = re.compile(r"command not found|: not found$|Permission denied|Traceback \(most recent", re.IGNORECASE)
# configure tries programs that are meant to fail, and prints lines that look like errors.
_HARMLESS = re.compile(r"checking|conftest|warning:|\(ignored\)|-Werror|no error|0 errors", re.IGNORECASE)
_BEFORE, _AFTER, _TAIL = 3, 4, 12


def first_error(lines: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the first line with an error and the lines around it, or "" and the last lines if there is none."""
    for find in (_named, _before_make, _perhaps):
        number = find(lines)
        if number is not None:
            return lines[number].strip(), tuple(lines[max(0, number - _BEFORE) : number + _AFTER])
    return "", tuple(lines[-_TAIL:])


def _named(lines: Sequence[str]) -> Optional[int]:
    found = (n for n, line in enumerate(lines) if _ERROR.search(line) and not _HARMLESS.search(line))
    return next(found, None)


def _before_make(lines: Sequence[str]) -> Optional[int]:
    return next((n - 1 for n, line in enumerate(lines) if n and _MAKE.match(line) and lines[n - 1].strip()), None)


def _perhaps(lines: Sequence[str]) -> Optional[int]:
    return next((n for n, line in enumerate(lines) if _PERHAPS.search(line)), None)
