"""Find in a step's log what a person wants to see: the first error line, with what stands around it."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["first_error"]

_ERROR = re.compile(
    r"(^|[\s:])(fatal error|error)(:|\[)|: undefined reference|undefined symbol:|No rule to make target|command not found"
    r"|: not found$|configure: error|Permission denied|No space left on device|^Hunk #\d+ FAILED|Traceback \(most recent",
    re.IGNORECASE,
)
# configure tries things that are meant to fail, and says so on lines that look like errors.
_HARMLESS = re.compile(r"checking|conftest|warning:|\(ignored\)|-Werror|no error|0 errors", re.IGNORECASE)
_BEFORE, _AFTER, _TAIL = 3, 4, 12


def first_error(lines: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return (the first line that names an error, the lines around it); ("", the last lines) if none does."""
    for number, line in enumerate(lines):
        if _ERROR.search(line) and not _HARMLESS.search(line):
            return line.strip(), tuple(lines[max(0, number - _BEFORE) : number + _AFTER])
    return "", tuple(lines[-_TAIL:])
