"""The source cache: archives by SHA-256, independent of their names and origins."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Optional

from pythonbuild.catalog.schema import Origin

__all__ = ["SourceCache", "sha256_of"]


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


class SourceCache:
    """A folder of verified archives.  Files arrive by rename, so every file is complete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, origin: Origin) -> Path:
        """Return the path of the origin's file, which may not exist."""
        return self._folder / origin.sha256 / origin.file_name

    def find(self, origin: Origin) -> Optional[Path]:
        """Return the origin's file if the cache has it, else None."""
        folder = self._folder / origin.sha256
        exact = self.path(origin)
        if exact.is_file():
            return exact
        # The same bytes may have arrived under another name.
        return next((path for path in sorted(folder.glob("*")) if path.is_file()), None)

    def partial(self, origin: Origin) -> Path:
        """Return the path for an unfinished download, and create its folder.  The file stays there so that the download can resume."""
        folder = self._folder / "partial"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{origin.sha256[:16]}-{origin.file_name}"

    def add(self, origin: Origin, file: Path) -> Path:
        """Move a verified file into the cache, and return its path."""
        path = self.path(origin)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(file, path)
        return path

    def reject(self, file: Path, actual: str, name: str) -> Path:
        """Move a file with a wrong hash aside for inspection, and return its new path."""
        folder = self._folder / "rejected"
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / f"{actual[:16]}-{name}"
        os.replace(file, kept)
        return kept

    def size(self) -> tuple[int, int]:
        """Return the number of archives, and their size in bytes."""
        files = [path for path in self._folder.glob("*/*") if path.is_file()]
        return len(files), sum(path.stat().st_size for path in files)

    def others(self, keep: set[str]) -> list[Path]:
        """Return the archives whose SHA-256 is not in `keep`, and unfinished and rejected downloads."""
        return [path for path in sorted(self._folder.glob("*/*")) if path.parent.name not in keep]
