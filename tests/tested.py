"""Notes which files a run of tests is about, so that a proof can show that its checks saw the files that it records."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

__all__ = ["NOTES", "note_tested", "noted"]

# The variable that names the file for the notes; without it, nothing is noted.
NOTES = "PYTHONBUILD_TESTS_NOTES"


def note_tested(folder: Path) -> None:
    """Note the SHA-256 of each file in a folder that a build has just filled."""
    notes = os.environ.get(NOTES)
    if not notes:
        return
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir()) if path.is_file()]
    with open(notes, "a", encoding="ascii") as file:
        file.write("".join(f"{digest}\n" for digest in digests))


def noted(notes: Path) -> set[str]:
    """Return the digests in a file of notes; none if no test made one."""
    return set(notes.read_text(encoding="ascii").split()) if notes.exists() else set()
