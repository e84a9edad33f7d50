"""Files of a published folder: each is there whole under its name, or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

__all__ = ["place", "write"]


def write(path: Path, content: bytes) -> bool:
    """Give a file this content; returns whether it had another, or was not there."""
    if path.is_file() and path.read_bytes() == content:
        return False
    partial = _partial(path)
    partial.write_bytes(content)
    partial.replace(path)
    return True


def place(source: Path, target: Path) -> None:
    """Make `target` the same file as `source` by a hard link, or a copy of it where that cannot be."""
    partial = _partial(target)
    try:
        os.link(source.resolve(), partial)
    except OSError:
        # Another file system, or one without hard links.
        shutil.copy2(source, partial)
    partial.replace(target)
    # Renaming a link to the file that is there already leaves both names.
    partial.unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    """Return a hidden name beside `path`, free to write to: what an ended run has left there is of no use."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    return partial
