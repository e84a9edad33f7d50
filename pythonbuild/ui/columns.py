"""Tables that fit the terminal."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Optional

__all__ = ["table", "width_of_output"]

_LEAST = 12  # minimum width of a table's last column, even if the terminal is narrower


def width_of_output() -> Optional[int]:
    """Return the width of the terminal of standard output, or COLUMNS; None if there is no limit."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return shutil.get_terminal_size().columns
    return None


def table(rows: Sequence[Sequence[str]], width: Optional[int], indent: str = "  ") -> list[str]:
    """Return the lines of a table, at most `width` characters wide; None means no limit.

    The last column is wrapped.  If the other columns are too wide for the terminal, the first one gets its own line.
    """
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    fixed = len(indent) + sum(widths) + 2 * len(widths)
    if width and fixed + _LEAST > width and len(widths) > 1:
        return [
            line
            for row in rows
            for line in (f"{indent}{row[0]}", *table([row[1:]], max(width, len(indent) + 2 * _LEAST), indent * 2))
        ]
    lines = []
    for row in rows:
        start = indent + "".join(f"{cell:<{size}}  " for cell, size in zip(row, widths))
        room = max(width - fixed, _LEAST) if width else 0
        parts = textwrap.wrap(row[-1], room, break_on_hyphens=False) if room and row[-1] else [row[-1]]
        lines += [f"{start if number == 0 else ' ' * fixed}{part}".rstrip() for number, part in enumerate(parts)]
    return lines
