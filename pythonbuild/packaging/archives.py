"""Tar archives with nothing of this machine in them: sorted, owned by root, of one time, with plain permissions."""

from __future__ import annotations

import gzip
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import zstandard

__all__ = ["Compression", "full_archive", "install_only_archive", "symbols_archive"]

# 2024-01-01 00:00 UTC, the time that build scripts are given, too.
_TIME = 1704067200


@dataclass(frozen=True)
class Compression:
    """How hard to compress.  `threads` is how many work at it; the result is the same for any number but zero."""

    suffix: str
    hard: bool
    threads: int

    @property
    def gzip_level(self) -> int:
        """A local build should not spend longer on packing than on testing; a release is downloaded many times."""
        return 9 if self.hard else 4

    @property
    def zstd(self) -> zstandard.ZstdCompressionParameters:
        """Level 22 is the highest; its window is what the format's readers accept without being told."""
        if not self.hard:
            return zstandard.ZstdCompressionParameters.from_level(9, threads=self.threads)
        return zstandard.ZstdCompressionParameters.from_level(22, threads=self.threads, window_log=27)


def full_archive(tree: Path, target: Path, how: Compression) -> None:
    """Pack the whole of `tree` (which holds python/); PYTHON.json comes first, so that it can be read quickly."""
    members = sorted(_paths(tree), key=lambda path: (path.name != "PYTHON.json", path.as_posix()))
    with _compressed(target, how) as stream:
        _write(stream, ((path, path.relative_to(tree).as_posix()) for path in members))


def install_only_archive(install: Path, target: Path, how: Compression) -> None:
    """Pack an installation under python/, without what only developers of CPython need."""
    with _compressed(target, how) as stream:
        _write(stream, install_only_members(install))


def symbols_archive(symbols: Path, target: Path, how: Compression) -> None:
    """Pack debug symbols under python/, so that they can be unpacked over an installation."""
    members = sorted(_paths(symbols))
    with _compressed(target, how) as stream:
        _write(stream, ((path, f"python/{path.relative_to(symbols).as_posix()}") for path in members))


def install_only_members(install: Path) -> Iterator[tuple[Path, str]]:
    """Yield (file, name in the archive) of the install_only flavour: no test suites, no static libpython."""
    for path in sorted(_paths(install)):
        name = path.relative_to(install).as_posix()
        if not _only_for_development(name):
            yield path, f"python/{name}"


def _only_for_development(name: str) -> bool:
    parts = name.split("/")
    if parts[0] == "lib" and len(parts) > 2 and parts[1].startswith("python3"):
        if parts[2] == "test" or parts[2:4] == ["idlelib", "idle_test"]:
            return True
        if parts[2] == "lib-dynload":
            return parts[-1].startswith(("_test", "_ctypes_test", "_xxtestfuzz", "xx"))
    return parts[-1].startswith("libpython") and parts[-1].endswith(".a")


def _paths(tree: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(tree):
        for name in [*files, *(name for name in folders if Path(folder, name).is_symlink())]:
            if not name.endswith(".pyc"):
                yield Path(folder) / name


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
            # Never as a hard link to an earlier member: whether two files share an inode is an accident.
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
