"""Trees packed into one file for transfer between machines: a tar archive, compressed with Zstandard."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO

import zstandard

from pythonbuild.errors import DamagedArtifact
from pythonbuild.store.trees import TreeEntry, content_of

__all__ = ["pack_tree", "unpack_tree"]

# This level is faster than most networks.  `packaging` compresses what people download.
_LEVEL = 3


def pack_tree(tree: Path, manifest: tuple[TreeEntry, ...], target: Path) -> str:
    """Pack a tree into the file `target`, and return its SHA-256.  The same content gives the same bytes.

    Raises DamagedArtifact if the tree differs from its manifest.
    """
    with open(target, "wb") as file:
        compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        with compressor.stream_writer(file, closefd=False) as stream, tarfile.open(fileobj=stream, mode="w|") as tar:
            for entry in manifest:
                _add(tar, tree, entry)
    digest = hashlib.sha256()
    with open(target, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _add(tar: tarfile.TarFile, tree: Path, entry: TreeEntry) -> None:
    member = tarfile.TarInfo(entry.path)
    content = b""
    if entry.kind == "directory":
        member.type, member.mode = tarfile.DIRTYPE, 0o755
    elif entry.kind == "link":
        member.type, member.linkname = tarfile.SYMTYPE, entry.content
    else:
        content = content_of(tree, entry)
        member.size, member.mode = len(content), 0o755 if entry.kind == "program" else 0o644
    tar.addfile(member, io.BytesIO(content))


def unpack_tree(archive: Path, destination: Path) -> None:
    """Unpack the output of `pack_tree` into the new folder `destination`.

    Raises DamagedArtifact if the archive is damaged, or has a path outside the folder, which is not written.
    """
    destination.mkdir(parents=True)
    links: set[PurePosixPath] = set()
    try:
        with open(archive, "rb") as file:
            stream = zstandard.ZstdDecompressor().stream_reader(file)
            with tarfile.open(fileobj=stream, mode="r|") as tar:
                for member in tar:
                    path = PurePosixPath(member.name)
                    inside = not path.is_absolute() and ".." not in path.parts
                    if not inside or path in links or links & set(path.parents):
                        raise DamagedArtifact(f"{member.name!r} leads outside the tree")
                    if member.issym():
                        links.add(path)
                    _extract(tar, member, destination / path)
    except (tarfile.TarError, zstandard.ZstdError, EOFError, ValueError) as error:
        raise DamagedArtifact(f"it cannot be unpacked: {error}") from error


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if member.issym():
        target.symlink_to(member.linkname)
        return
    content: IO[bytes] | None = tar.extractfile(member) if member.isfile() else None
    if content is None:
        raise DamagedArtifact(f"{member.name!r} is neither a file, a folder nor a symbolic link")
    with open(target, "wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)
    target.chmod(0o755 if member.mode & 0o111 else 0o644)
