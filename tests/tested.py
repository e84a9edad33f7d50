"""Notes the files that a test run examines, so that a proof can show that its checks saw the files that it records."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

__all__ = ["NOTES", "note_tested", "noted"]

# The environment variable with the path of the file for the notes; without it, nothing is noted.
NOTES = "PYTHONBUILD_TESTS_NOTES"


def note_tested(folder: Path) -> None:
    """Note the SHA-256 of each file in the output folder of a build."""
    notes = os.environ.get(NOTES)
    if not notes:
        return
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir()) if path.is_file()]
    with open(notes, "a", encoding="ascii") as file:
        file.write("".join(f"{digest}\n" for digest in digests))


def noted(notes: Path) -> set[str]:
    """Return the digests in a file of notes; empty if no test wrote one."""
    return set(notes.read_text(encoding="ascii").split()) if notes.exists() else set()
