"""JSON lines for programs: one object for each event."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from pythonbuild import events

__all__ = ["JsonObserver"]


class JsonObserver:
    """Writes {"event": its class, "time": seconds since 1970, and the fields of the event}; verbose: also what steps print."""

    def __init__(self, stream: TextIO, verbose: bool) -> None:
        self._stream = stream
        self._verbose = verbose
        self._lock = threading.Lock()

    def __call__(self, event: events.Event) -> None:
        if isinstance(event, events.StepOutput) and not self._verbose:
            return
        value = {"event": type(event).__name__, "time": round(time.time(), 3), **asdict(event)}
        with self._lock:
            self._stream.write(json.dumps(value, default=_plain) + "\n")
            self._stream.flush()

    def close(self) -> None:
        """Do nothing: every line is written at once."""


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else repr(value)
