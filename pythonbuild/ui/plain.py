"""Plain lines for pipes, logs and CI."""

from __future__ import annotations

import threading
from typing import TextIO

from pythonbuild import events
from pythonbuild.ui.text import Style, headed, note_line
from pythonbuild.units import seconds, size

__all__ = ["PlainObserver"]


class PlainObserver:
    """Writes one line for each event that matters in a log; verbose: also what steps print."""

    def __init__(self, stream: TextIO, style: Style, verbose: bool) -> None:
        self._stream = stream
        self._style = style
        self._verbose = verbose
        self._lock = threading.Lock()
        self._downloads: set[str] = set()

    def __call__(self, event: events.Event) -> None:
        line = self._line(event)
        if line:
            with self._lock:
                self._stream.write(line + "\n")
                self._stream.flush()

    def close(self) -> None:
        """Do nothing: every line is written at once."""

    def _line(self, event: events.Event) -> str:
        style = self._style
        if isinstance(event, events.StepOutput):
            return f"{event.step}| {event.line}" if self._verbose else ""
        if isinstance(event, events.Download):
            if event.done or event.name in self._downloads:
                return ""
            self._downloads.add(event.name)
            return headed("fetch", f"{event.name} ({size(event.total)})") + (
                f" from {event.origin}" if self._verbose else ""
            )
        if isinstance(event, events.DownloadFinished):
            return headed("fetched", f"{event.name} ({size(event.size)}) from {event.origin}")
        if isinstance(event, events.PlanReady):
            usual = f", usually {seconds(event.usual_seconds)} of work" if event.usual_seconds else ""
            counts = f"{event.steps} steps, {event.cached} cached, {event.steps - event.cached} to build"
            return style.strong(headed("plan", counts + usual))
        if isinstance(event, events.StepStarted):
            usual = f" (usually {seconds(event.usual_seconds)})" if event.usual_seconds else ""
            return headed("start", event.step + style.dim(usual))
        if isinstance(event, events.StepFinished):
            times = f"{seconds(event.seconds)} (CPU {seconds(event.cpu_seconds)})"
            return style.good(headed("done", "")) + f"{event.step} in {times}"
        if isinstance(event, events.StepCached):
            return style.dim(headed("cached", event.step)) if self._verbose else ""
        if isinstance(event, events.StepFailed):
            return style.bad(headed("failed", event.failure.step))
        if isinstance(event, events.StepSkipped):
            return headed("skipped", f"{event.step}, because of {event.because}")
        if isinstance(event, events.Note):
            return note_line(event)
        return ""
