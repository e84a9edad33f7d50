"""Reads untrusted tar archives in one pass.

An archive that is damaged or endless raises BadArchive.  A member that is merely wrong, such as one with a path that leads outside,
is passed on: rules can report it, and `unpack` refuses it (see `unsafe`).
"""

from __future__ import annotations

import errno
import gzip
import os
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

import zstandard

from pythonbuild.errors import BadArchive

__all__ = ["Member", "members", "unpack", "unsafe"]

# A full archive has about 6000 members and 400 MB.
_MOST_MEMBERS = 200_000
_MOST_BYTES = 8 << 30
_LARGEST = 1 << 30


@dataclass(frozen=True)
class Member:
    """A member of an archive.  `data` is the content of a file, b"" for other members."""

    info: tarfile.TarInfo
    data: bytes

    @property
    def name(self) -> str:
        """The path in the archive, as it is written there."""
        return self.info.name

    @property
    def link(self) -> str:
        """The target of a symbolic or hard link, "" for other members."""
        return self.info.linkname if self.info.issym() or self.info.islnk() else ""


def members(path: Path) -> Iterator[Member]:
    """Yield every member of a .tar.gz or .tar.zst in order.  Raises BadArchive if it is not one, is damaged, or is a bomb."""
    total = 0
    with _stream(path) as stream:
        try:
            with tarfile.open(fileobj=stream, mode="r|", errorlevel=2) as tar:
                for count, info in enumerate(tar):
                    total += max(info.size, 0)
                    if count >= _MOST_MEMBERS or total > _MOST_BYTES or info.size > _LARGEST:
                        raise BadArchive(
                            f"{path.name} unpacks to more than any distribution contains (at {info.name!r})"
                        )
                    yield Member(info, _content(tar, info, path))
        except (
            tarfile.TarError,
            zstandard.ZstdError,
            EOFError,
            OSError,
            zlib.error,
            ValueError,
            OverflowError,
        ) as error:
            raise BadArchive(f"{path.name} is damaged, or not an archive of a known kind: {error}") from error


def _content(tar: tarfile.TarFile, info: tarfile.TarInfo, path: Path) -> bytes:
    file = tar.extractfile(info) if info.isreg() else None
    data = file.read() if file else b""
    if info.isreg() and len(data) != info.size:
        raise BadArchive(f"{path.name} ends in the middle of {info.name!r}")
    return data


def unpack(path: Path, folder: Path) -> None:
    """Unpack an archive into an empty folder.  Raises BadArchive before it would write a member that must not be unpacked."""
    top = folder.resolve()
    for member in members(path):
        info = member.info
        name = info.name.rstrip("/")
        reason = unsafe(info) or _write(member, folder / name, top)
        if reason:
            raise BadArchive(f"{path.name}: {name!r} is not unpacked: {reason}")


def _write(member: Member, target: Path, top: Path) -> str:
    """Write a member; return why that is impossible, or "".  No link leads outside alone, but several together may."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to(top):
            return "it is below a link that leads outside the archive"
        if member.info.isdir():
            target.mkdir(exist_ok=True)
        elif member.info.issym():
            target.symlink_to(member.info.linkname)
        else:
            mode = 0o755 if member.info.mode & 0o111 else 0o644
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
            with open(descriptor, "wb") as file:
                file.write(member.data)
    except (FileExistsError, NotADirectoryError):
        return "something with its path exists already"
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL):
            return str(error.strerror)
        raise
    return ""


def unsafe(info: tarfile.TarInfo) -> str:
    """Return why a member must not be unpacked, or "" if it may: a path or link that leads outside, a device, set-user-ID."""
    name = PurePosixPath(info.name)
    if name.is_absolute() or ".." in name.parts or "\0" in info.name or not name.parts:
        return "its path leads outside"
    if not (info.isreg() or info.isdir() or info.issym()):
        return "it is neither a file nor a directory nor a symbolic link"
    if info.issym():
        depth = len(name.parts) - 1
        for part in PurePosixPath(info.linkname).parts:
            depth += -1 if part == ".." else 1
            # The first part of every path is the archive's top directory.  A link must stay inside it.
            if part == "/" or depth < 1:
                return f"it is a link to {info.linkname}, outside the archive"
    if info.mode & 0o6000:
        return "it runs as another user (set-user-ID or set-group-ID)"
    return ""


@contextmanager
def _stream(path: Path) -> Iterator[IO[bytes]]:
    try:
        with open(path, "rb") as file:
            magic = file.read(4)
            file.seek(0)
            if magic[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=file) as stream:
                    yield cast("IO[bytes]", stream)
            elif magic == b"\x28\xb5\x2f\xfd":
                with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as stream:
                    yield cast("IO[bytes]", stream)
            else:
                raise BadArchive(f"{path.name} is neither gzip nor Zstandard", "give a .tar.gz or .tar.zst of a Python")
    except IsADirectoryError:
        raise BadArchive(f"{path} is a directory", "give a .tar.gz or .tar.zst of a Python") from None
    except FileNotFoundError:
        raise BadArchive(f"{path} does not exist") from None
