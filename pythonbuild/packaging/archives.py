"""Tar archives that do not depend on this machine: sorted, owned by root, with one time and plain permissions."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import zstandard

from pythonbuild.packaging.members import install_only_members, paths_below

__all__ = ["Compression", "full_archive", "install_only_archive", "symbols_archive"]

# 2024-01-01 00:00 UTC, as in the SOURCE_DATE_EPOCH of build scripts.
_TIME = 1704067200


@dataclass(frozen=True)
class Compression:
    """How to compress an archive.

    suffix: .tar.gz or .tar.zst; hard: as small as possible, for a release; threads: of the compressor.  Any number of them but zero
    gives the same bytes.
    """

    suffix: str
    hard: bool
    threads: int

    @property
    def gzip_level(self) -> int:
        """The level for gzip.  A local build should not spend longer on packing than on testing; a release is downloaded often."""
        return 9 if self.hard else 4

    @property
    def zstd(self) -> zstandard.ZstdCompressionParameters:
        """The parameters for Zstandard.  Level 22 is the highest; its window is the largest that readers accept by default."""
        if not self.hard:
            return zstandard.ZstdCompressionParameters.from_level(9, threads=self.threads)
        return zstandard.ZstdCompressionParameters.from_level(22, threads=self.threads, window_log=27)


def full_archive(tree: Path, target: Path, how: Compression) -> None:
    """Pack all of `tree`, which contains python/.  PYTHON.json comes first, so that it can be read quickly."""
    members = sorted(paths_below(tree), key=lambda path: (path.name != "PYTHON.json", path.as_posix()))
    with _compressed(target, how) as stream:
        _write(stream, ((path, path.relative_to(tree).as_posix()) for path in members))


def install_only_archive(install: Path, target: Path, how: Compression) -> None:
    """Pack an installation under python/, without the files that only developers of CPython need."""
    with _compressed(target, how) as stream:
        _write(stream, install_only_members(install))


def symbols_archive(symbols: Path, target: Path, how: Compression) -> None:
    """Pack debug symbols under python/, so that they can be unpacked over an installation."""
    members = sorted(paths_below(symbols))
    with _compressed(target, how) as stream:
        _write(stream, ((path, f"python/{path.relative_to(symbols).as_posix()}") for path in members))


@contextmanager
def _compressed(target: Path, how: Compression) -> Iterator[IO[bytes]]:
    with open(target, "wb") as file:
        if how.suffix == ".tar.gz":
            with gzip.GzipFile(filename="", mode="wb", compresslevel=how.gzip_level, fileobj=file, mtime=0) as stream:
                yield cast("IO[bytes]", stream)
        else:
            compressor = zstandard.ZstdCompressor(compression_params=how.zstd)
            with compressor.stream_writer(file, closefd=False) as stream:
                yield cast("IO[bytes]", stream)


def _write(stream: IO[bytes], members: Iterable[tuple[Path, str]]) -> None:
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for path, name in members:
            entry = archive.gettarinfo(str(path), arcname=name)
            # A hard link becomes a file, because it is an accident whether two files share an inode.
            if entry.islnk():
                entry.type, entry.size = tarfile.REGTYPE, path.stat().st_size
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = "root"
            entry.mtime = _TIME
            entry.mode = 0o777 if entry.issym() else 0o755 if entry.mode & 0o111 else 0o644
            if entry.isreg():
                with open(path, "rb") as content:
                    archive.addfile(entry, content)
            else:
                archive.addfile(entry)
