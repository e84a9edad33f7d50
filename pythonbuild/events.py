"""Events that report the progress of fetching, building and packaging.  `ui` displays them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Protocol, Union

__all__ = [
    "Delivered",
    "DeliveredFile",
    "Display",
    "Download",
    "DownloadFinished",
    "Event",
    "Failure",
    "Note",
    "Observer",
    "PlanReady",
    "RunFinished",
    "StepCached",
    "StepFailed",
    "StepFinished",
    "StepOutput",
    "StepSkipped",
    "StepStarted",
]


@dataclass(frozen=True)
class PlanReady:
    """A run begins.  cached: steps in the store; usual_seconds: how long the other steps usually take, None if unknown."""

    steps: int
    cached: int
    usual_seconds: Optional[float] = None


@dataclass(frozen=True)
class Download:
    """`done` of `total` bytes of a file have arrived from `origin`; a total of 0 means unknown."""

    name: str
    origin: str
    done: int
    total: int


@dataclass(frozen=True)
class DownloadFinished:
    """A file is complete and verified."""

    name: str
    origin: str
    size: int


@dataclass(frozen=True)
class StepCached:
    """The result of a step is in the store already."""

    step: str


@dataclass(frozen=True)
class StepStarted:
    """A step starts.  log: the file for its output; usual_seconds: how long it took last time, None if it never ran."""

    step: str
    log: Path
    usual_seconds: Optional[float] = None


@dataclass(frozen=True)
class StepOutput:
    """A running step printed a line, given without its newline."""

    step: str
    line: str


@dataclass(frozen=True)
class StepFinished:
    """A step is done and its result is in the store.  CPU seconds include all child processes."""

    step: str
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Failure:
    """Everything that a person needs to know about a failed step.

    silent: the script failed, and no line of its log names an error.
    """

    step: str
    seconds: float
    reason: str
    first_error: str
    context: tuple[str, ...]
    log: Optional[Path]
    root: Optional[Path]
    skipped: tuple[str, ...] = ()
    silent: bool = False


@dataclass(frozen=True)
class StepFailed:
    """A step failed."""

    failure: Failure


@dataclass(frozen=True)
class StepSkipped:
    """A step does not run, because the step `because` failed."""

    step: str
    because: str


@dataclass(frozen=True)
class Note:
    """A message about a run.

    topic: one word such as engine or shared, "" if there is none; level: info or warning.
    """

    topic: str
    text: str
    level: str = "info"


@dataclass(frozen=True)
class RunFinished:
    """A run ended.  The first four fields count steps."""

    built: int
    cached: int
    failed: int
    skipped: int
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class DeliveredFile:
    """A file in the output folder; its size is in bytes."""

    path: Path
    size: int
    sha256: str


@dataclass(frozen=True)
class Delivered:
    """The files of a build are in the output folder."""

    files: tuple[DeliveredFile, ...]


Event = Union[
    Delivered,
    PlanReady,
    Download,
    DownloadFinished,
    StepCached,
    StepStarted,
    StepOutput,
    StepFinished,
    StepFailed,
    StepSkipped,
    Note,
    RunFinished,
]
Observer = Callable[[Event], None]


class Display(Protocol):
    """An observer that displays events.  After `close`, others may use the terminal."""

    def __call__(self, event: Event) -> None:
        """Display an event."""

    def close(self) -> None:
        """Stop displaying.  More calls have no effect."""
