"""What fetching, building and packaging say while they work.  The user interfaces turn these into text."""

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
    """A run begins: how many steps there are, how many are in the store, seconds the rest usually takes (None: unknown)."""

    steps: int
    cached: int
    usual_seconds: Optional[float] = None


@dataclass(frozen=True)
class Download:
    """`done` of `total` bytes (0: unknown) of a file have come from `origin`."""

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
    """The store has this step's result."""

    step: str


@dataclass(frozen=True)
class StepStarted:
    """A step runs; `usual_seconds` is how long it took before (None: never), `log` where its output goes."""

    step: str
    log: Path
    usual_seconds: Optional[float] = None


@dataclass(frozen=True)
class StepOutput:
    """A line that a running step printed (without its newline)."""

    step: str
    line: str


@dataclass(frozen=True)
class StepFinished:
    """A step is done and its result is in the store; CPU seconds include all its child processes."""

    step: str
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Failure:
    """All that a person needs about a failed step.

    silent: its script failed, and no line of the log names an error.
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
    """A step cannot run, because `because` failed."""

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
    """The run is over: built, cached, failed and skipped steps, wall and CPU seconds."""

    built: int
    cached: int
    failed: int
    skipped: int
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class DeliveredFile:
    """A file of the output folder, with its size in bytes."""

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
    """An observer that shows events until it is closed, so that something else may use the terminal."""

    def __call__(self, event: Event) -> None:
        """Show an event."""

    def close(self) -> None:
        """Stop showing; safe to call again."""
