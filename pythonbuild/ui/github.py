"""Output for a job of GitHub Actions: a foldable group for each step, and annotations for errors and warnings.

Source: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import threading
from typing import TextIO

from pythonbuild import events
from pythonbuild.ui.plain import PlainObserver
from pythonbuild.ui.text import Style

__all__ = ["GithubObserver", "annotation"]

_MOST = 2000  # a group shows this many lines at the end of a step's output


def annotation(level: str, title: str, text: str) -> str:
    """Return the line that creates an annotation; level: error, warning or notice."""
    return f"::{level} title={_escaped(title).replace(':', '%3A').replace(',', '%2C')}::{_escaped(text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


class GithubObserver:
    """Writes plain lines, and the output of each step as a group when the step ends.

    Steps run at the same time, so their lines would be mixed if they were written at once.
    """

    def __init__(self, stream: TextIO, style: Style) -> None:
        self._stream = stream
        self._plain = PlainObserver(stream, style, verbose=False)
        self._lines: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def __call__(self, event: events.Event) -> None:
        with self._lock:
            if isinstance(event, events.StepOutput):
                lines = self._lines.setdefault(event.step, [])
                lines.append(event.line)
                del lines[:-_MOST]
            elif isinstance(event, (events.StepFinished, events.StepFailed)):
                step = event.step if isinstance(event, events.StepFinished) else event.failure.step
                self._write("\n".join([f"::group::output of {step}", *self._lines.pop(step, []), "::endgroup::"]))
            if isinstance(event, events.StepFailed):
                failure = event.failure
                self._write(annotation("error", f"{failure.step} failed", failure.first_error or failure.reason))
            elif isinstance(event, events.Note) and event.level == "warning":
                self._write(annotation("warning", "pythonbuild", event.text))
            else:
                self._plain(event)

    def close(self) -> None:
        """Do nothing: only the output of unfinished steps is buffered, and it is dropped."""

    def _write(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()
