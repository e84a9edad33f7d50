"""Lines and colours that all text displays share."""

from __future__ import annotations

import os
from typing import TextIO

from pythonbuild.events import Failure, Note
from pythonbuild.units import seconds

__all__ = ["Style", "failure_block", "headed", "note_line"]


class Style:
    """Colours, or none.  choice: auto, always or never; auto means colours on a terminal, unless NO_COLOR is set."""

    def __init__(self, choice: str, stream: TextIO) -> None:
        self.on = choice == "always" or (choice == "auto" and stream.isatty() and not os.environ.get("NO_COLOR"))

    def _wrap(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.on else text

    def bad(self, text: str) -> str:
        """Red and bold."""
        return self._wrap("1;31", text)

    def good(self, text: str) -> str:
        """Green."""
        return self._wrap("32", text)

    def dim(self, text: str) -> str:
        """Grey."""
        return self._wrap("2", text)

    def strong(self, text: str) -> str:
        """Bold."""
        return self._wrap("1", text)


def headed(word: str, text: str) -> str:
    """Return a line whose first column is `word`; texts below each other are aligned."""
    return f"{word:<8} {text}"


def note_line(note: Note) -> str:
    """Return the line that shows a note: its topic is the first column, unless it is a warning or has none."""
    if note.level == "warning":
        return f"warning: {note.text}"
    return headed(note.topic, note.text) if note.topic else note.text


def failure_block(failure: Failure, style: Style, retry: str, enter: str) -> str:
    """Return the block of lines about a failed step, which ends the output of a run.

    retry, enter: commands; `enter` is "" if no command opens a shell in the step's build root.
    """
    lines = [style.bad(f"FAILED {failure.step}") + f" after {seconds(failure.seconds)}: {failure.reason}"]
    if failure.first_error:
        lines.append(f"  first error   {failure.first_error}")
    for line in failure.context:
        marker = ">" if line.strip() == failure.first_error and failure.first_error else " "
        lines.append(style.dim(f"    {marker} {line}"))
    if failure.log:
        lines.append(f"  log       {failure.log}")
    if failure.root and enter:
        lines.append(f"  enter     {enter}")
        if failure.silent:
            lines.append(
                "  trace     the script printed no error; in that shell, `sh -eux build.sh` prints each command"
            )
    lines.append(f"  retry     {retry}")
    if failure.skipped:
        lines.append(f"  skipped   {', '.join(failure.skipped)}")
    return "\n".join(lines)
