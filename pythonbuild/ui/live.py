"""A live board for terminals: one bar for all steps, one line for each running step, one bar for each download."""

from __future__ import annotations

import threading
import time
from typing import Any, Optional, TextIO, cast

from tqdm import tqdm

from pythonbuild import events
from pythonbuild.ui.plain import PlainObserver
from pythonbuild.ui.text import Style
from pythonbuild.units import seconds

__all__ = ["LiveObserver"]

_TICK = 0.5  # seconds between refreshes of the elapsed times


class LiveObserver:
    """Draws bars with tqdm, and writes the lines of PlainObserver above them."""

    def __init__(self, stream: TextIO, style: Style, verbose: bool) -> None:
        self._stream = stream
        self._plain = PlainObserver(cast("TextIO", _Above(stream)), style, verbose)
        self._lock = threading.RLock()
        self._overall: Optional[tqdm[Any]] = None
        self._running: dict[str, tuple[tqdm[Any], float, str]] = {}
        self._downloads: dict[str, tqdm[Any]] = {}
        self._stop = threading.Event()
        threading.Thread(target=self._tick, daemon=True).start()

    def __call__(self, event: events.Event) -> None:
        with self._lock:
            self._draw(event)

    def close(self) -> None:
        """Remove the bars from the screen."""
        self._stop.set()
        with self._lock:
            bars = [bar for bar, _, _ in self._running.values()] + list(self._downloads.values())
            for bar in [*bars, *([self._overall] if self._overall else [])]:
                bar.close()
            self._running.clear()
            self._downloads.clear()
            self._overall = None

    def _draw(self, event: events.Event) -> None:
        if isinstance(event, events.Download):
            self._download(event)
        elif isinstance(event, events.StepOutput) and event.step in self._running:
            bar, started, _ = self._running[event.step]
            self._running[event.step] = (bar, started, event.line.strip())
        elif isinstance(event, events.StepStarted):
            self._running[event.step] = (self._bar(total=0, bar_format="{desc}"), time.monotonic(), "")
        if isinstance(event, events.PlanReady):
            self._overall = self._bar(total=event.steps, initial=event.cached, desc="build", unit="step")
        elif isinstance(event, events.DownloadFinished) and event.name in self._downloads:
            self._downloads.pop(event.name).close()
        elif isinstance(event, events.StepFinished):
            self._finish(event.step)
        elif isinstance(event, events.StepFailed):
            self._finish(event.failure.step)
        elif isinstance(event, events.StepCached) and event.step in self._running:
            self._finish(event.step)  # the shared store delivered it after the step had started
        if not isinstance(event, (events.Download, events.StepStarted)):
            self._plain(event)

    def _bar(self, **options: Any) -> tqdm[Any]:
        return tqdm(leave=False, file=self._stream, dynamic_ncols=True, **options)

    def _download(self, event: events.Download) -> None:
        if event.name not in self._downloads:
            bar = self._bar(total=event.total, desc=event.name, unit="B", unit_scale=True)
            self._downloads[event.name] = bar
        bar = self._downloads[event.name]
        bar.total = event.total
        bar.update(event.done - bar.n)

    def _finish(self, step: str) -> None:
        if step in self._running:
            self._running.pop(step)[0].close()
        if self._overall is not None:
            self._overall.update(1)

    def _tick(self) -> None:
        while not self._stop.wait(_TICK):
            with self._lock:
                for name, (bar, started, last) in self._running.items():
                    width = max(20, (bar.ncols or 100) - len(name) - 14)
                    bar.set_description_str(f"  {name} {seconds(time.monotonic() - started)}  {last[:width]}")
                if self._overall is not None:
                    self._overall.refresh()


class _Above:
    """A stream that writes its lines above the bars."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        tqdm.write(text, file=self._stream, end="")
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return True
