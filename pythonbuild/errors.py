"""Every error that a user can cause or cure, one family with a code each.  `cli` turns them into text and exit status.

Exit statuses: 1 a step failed, 2 a bad request, 3 something needed is missing, 130 interrupted.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "BadArchive",
    "BadCatalog",
    "BadRequest",
    "DamagedArtifact",
    "DiskFull",
    "EngineLost",
    "EngineUnavailable",
    "Interrupted",
    "MissingPrerequisite",
    "PythonBuildError",
    "SourceUnavailable",
    "StepsFailed",
    "UnknownName",
    "UploadFailed",
    "nearest",
]


# A name that differs in more characters, or in more than a third of them, was not mistyped; it is another one.
_MOST_EDITS = 2


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return up to `count` of the known names that are one or two edits away from `name`, best first."""
    found = sorted((_edits(name, other), other) for other in set(known))
    return [other for edits, other in found if edits <= min(_MOST_EDITS, max(1, len(name) // 3))][:count]


def _edits(one: str, other: str) -> int:
    """Return how many characters must be inserted, deleted, replaced or swapped with the next one (optimal string alignment)."""
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
    """What went wrong (`message`) and what the user can do (`hint`, may be empty)."""

    code = "error"
    exit_status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def report(self) -> str:
        """Return the message, and the hint on lines of its own below."""
        return "\n".join([self.message, *(f"  {line}" for line in self.hint.splitlines())])


class BadRequest(PythonBuildError):
    """The command asks for something that makes no sense."""

    code = "bad-request"
    exit_status = 2


class UnknownName(BadRequest):
    """A target, option, Python or step of that name does not exist."""

    code = "unknown-name"

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = list(known)
        near = nearest(name, names)
        hint = f"did you mean {' or '.join(near)}?" if near else ""
        listing = f"there is: {', '.join(names)}"
        super().__init__(f"unknown {kind} {name!r}", f"{hint}\n{listing}" if hint else listing)


class BadArchive(BadRequest):
    """A file that was given as a Python's archive cannot be read as one."""

    code = "bad-archive"


class BadCatalog(PythonBuildError):
    """A YAML file, template or patch of the project itself is wrong."""

    code = "bad-catalog"
    exit_status = 2


class MissingPrerequisite(PythonBuildError):
    """The machine lacks something that this build needs."""

    code = "missing-prerequisite"
    exit_status = 3


class SourceUnavailable(PythonBuildError):
    """Archives could not be had from any of their origins."""

    code = "source-unavailable"
    exit_status = 3


class DamagedArtifact(PythonBuildError):
    """A tree of the store is not what was put there."""

    code = "damaged-artifact"


class DiskFull(PythonBuildError):
    """No space is left on the disk of the cache or the output."""

    code = "disk-full"
    exit_status = 3


class EngineUnavailable(PythonBuildError):
    """The container daemon, or the image that steps run in, cannot be had."""

    code = "engine-unavailable"
    exit_status = 3


class EngineLost(PythonBuildError):
    """The container daemon failed or went away while it was needed."""

    code = "engine-lost"


class UploadFailed(PythonBuildError):
    """A bucket does not take, or does not tell, what it was asked for."""

    code = "upload-failed"


class StepsFailed(PythonBuildError):
    """One or more steps of the plan failed; the failure block has been shown already."""

    code = "step-failed"


class Interrupted(PythonBuildError):
    """The user pressed Ctrl-C (or a TERM signal came)."""

    code = "interrupted"
    exit_status = 130
