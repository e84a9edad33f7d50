"""All errors that a user can cause or fix.  `cli` prints them and exits with their status.

Exit statuses: 1 the work failed, 2 the request or the catalog is wrong, 3 the machine lacks something, 130 interrupted.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

__all__ = [
    "INTERRUPTED",
    "BadArchive",
    "BadCatalog",
    "BadRequest",
    "DamagedArtifact",
    "DiskFull",
    "EngineLost",
    "EngineUnavailable",
    "MissingPrerequisite",
    "PythonBuildError",
    "SourceUnavailable",
    "StepError",
    "StepsFailed",
    "UnknownName",
    "UploadFailed",
    "listed",
    "nearest",
]


# Lists of names are wrapped at this column.
_WIDTH = 100
# The exit status after Ctrl-C or a TERM signal.
INTERRUPTED = 130
# A name that differs in more characters, or in more than a third of them, is a different name and not a typing error.
_MOST_EDITS = 2


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return up to `count` known names that are equally close to `name`: at most two edits away, apart from capitals."""
    found = sorted((_edits(name.casefold(), other.casefold()), other) for other in set(known))
    least = min(_MOST_EDITS, max(1, len(name) // 3), found[0][0] if found else 0)
    return [other for edits, other in found if edits <= least][:count]


def listed(start: str, names: Iterable[str]) -> str:
    """Return a text and a list of names as wrapped lines."""
    return textwrap.fill(
        f"{start}{', '.join(names)}", _WIDTH, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
    )


def _edits(one: str, other: str) -> int:
    """Return the optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, mine in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, theirs in enumerate(other, 1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (mine != theirs))
            if i > 1 and j > 1 and mine == other[j - 2] and one[i - 2] == theirs:
                least = min(least, last[j - 2] + 1)
            row.append(least)
    return row[-1]


class PythonBuildError(Exception):
    """The base of all errors: `message` is what went wrong, `hint` what the user can do about it (may be empty)."""

    exit_status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def report(self) -> str:
        """Return the message, followed by the hint on indented lines."""
        return "\n".join([self.message, *(f"  {line}" for line in self.hint.splitlines())])


class BadRequest(PythonBuildError):
    """The command asks for something that is impossible or contradictory."""

    exit_status = 2


class UnknownName(BadRequest):
    """No target, option, Python or step has this name."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = list(known)
        near = nearest(name, names)
        hint = f"did you mean {' or '.join(near)}?" if near else ""
        listing = listed("choose one of: ", names)
        super().__init__(f"unknown {kind} {name!r}", f"{hint}\n{listing}" if hint else listing)


class BadArchive(BadRequest):
    """A given file cannot be read as the archive of a Python."""


class BadCatalog(PythonBuildError):
    """A YAML file, template or patch of the project itself is wrong."""

    exit_status = 2


class MissingPrerequisite(PythonBuildError):
    """The machine lacks something that the command needs."""

    exit_status = 3


class SourceUnavailable(PythonBuildError):
    """No origin delivered a source archive."""

    exit_status = 3


class DamagedArtifact(PythonBuildError):
    """The files of a stored result differ from what was stored."""


class DiskFull(PythonBuildError):
    """The disk of the cache or of the output folder is full."""

    exit_status = 3


class EngineUnavailable(PythonBuildError):
    """The container daemon, the container image or the cluster cannot be used."""

    exit_status = 3


class EngineLost(PythonBuildError):
    """The container daemon or the cluster failed while steps needed it."""


class UploadFailed(PythonBuildError):
    """A bucket rejected or did not answer a request."""


class StepError(PythonBuildError):
    """A step failed: its script or handler, or the transfer of its inputs or result."""


class StepsFailed(PythonBuildError):
    """One or more steps of the plan failed.  Each failure has been printed already."""
