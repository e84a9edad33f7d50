"""Writes files of a published folder.  A file appears under its name only when it is complete."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

__all__ = ["place", "write"]


def write(path: Path, content: bytes) -> bool:
    """Write a file, and return True if it was new or had other content."""
    if path.is_file() and path.read_bytes() == content:
        return False
    partial = _partial(path)
    partial.write_bytes(content)
    partial.replace(path)
    return True


def place(source: Path, target: Path) -> None:
    """Make `target` a hard link to `source`, or a copy where that is impossible."""
    partial = _partial(target)
    try:
        os.link(source.resolve(), partial)
    except OSError:
        # Another file system, or one without hard links.
        shutil.copy2(source, partial)
    partial.replace(target)
    # A rename leaves both names if they already are links to the same file.
    partial.unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    """Return an unused hidden path beside `path`, and create its folder.  Deletes what a killed run left there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    return partial
