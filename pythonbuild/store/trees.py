"""Directory trees as values: a manifest that names every file with its hash, and copies that are checked on the way."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pythonbuild.errors import DamagedArtifact

__all__ = [
    "TreeEntry",
    "content_of",
    "copy_tree",
    "damage",
    "digest_of",
    "manifest_of",
    "read_manifest",
    "write_manifest",
]


@dataclass(frozen=True)
class TreeEntry:
    """A file, symbolic link or directory of a tree; `content` is a SHA-256, a link's target, or empty."""

    path: str
    kind: str  # "file", "program" (executable file), "link", "directory"
    content: str
    size: int = 0
    mtime_ns: int = 0


def manifest_of(tree: Path) -> tuple[TreeEntry, ...]:
    """Return the entries of a tree in the order of their paths, every file hashed."""
    return tuple(_entry(tree, path) for path in _walk(tree))


def _walk(tree: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(tree):
        folders.sort()
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        for name in sorted([*folders, *files]):
            yield here / name
        for name in links:
            folders.remove(name)


def _entry(tree: Path, path: Path) -> TreeEntry:
    name = path.relative_to(tree).as_posix()
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return TreeEntry(name, "link", os.readlink(path))
    if stat.S_ISDIR(status.st_mode):
        return TreeEntry(name, "directory", "")
    kind = "program" if status.st_mode & 0o111 else "file"
    return TreeEntry(name, kind, hashlib.sha256(path.read_bytes()).hexdigest(), status.st_size, status.st_mtime_ns)


def digest_of(manifest: tuple[TreeEntry, ...]) -> str:
    """Return the SHA-256 that identifies a tree's content: paths, kinds and bytes, not times."""
    lines = sorted(f"{entry.kind} {entry.content} {entry.path}" for entry in manifest)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def write_manifest(manifest: tuple[TreeEntry, ...], path: Path) -> None:
    """Write a manifest as JSON."""
    rows = [[entry.path, entry.kind, entry.content, entry.size, entry.mtime_ns] for entry in manifest]
    path.write_text(json.dumps(rows))


def read_manifest(path: Path) -> tuple[TreeEntry, ...]:
    """Read what `write_manifest` wrote; raises DamagedArtifact if it is not that."""
    try:
        return tuple(TreeEntry(*row) for row in json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise DamagedArtifact(f"{path} cannot be read: {error}") from error


def damage(tree: Path, manifest: tuple[TreeEntry, ...], *, thorough: bool) -> str:
    """Return the path of the first entry that is not as the manifest says, "" if all are.

    thorough: hash every file, otherwise compare size and modification time only.
    """
    for entry in manifest:
        try:
            status = (tree / entry.path).lstat()
            if entry.kind == "link":
                wrong = os.readlink(tree / entry.path) != entry.content
            elif entry.kind == "directory":
                wrong = not stat.S_ISDIR(status.st_mode)
            else:
                wrong = (status.st_size, status.st_mtime_ns) != (entry.size, entry.mtime_ns)
                if thorough and not wrong:
                    wrong = hashlib.sha256((tree / entry.path).read_bytes()).hexdigest() != entry.content
        except OSError:
            wrong = True
        if wrong:
            return entry.path
    return ""


def content_of(tree: Path, entry: TreeEntry) -> bytes:
    """Return the bytes of a file of a tree.  Raises DamagedArtifact if they are not what the entry says."""
    try:
        content = (tree / entry.path).read_bytes()
    except OSError as error:
        raise DamagedArtifact(f"{tree / entry.path}: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != entry.content:
        raise DamagedArtifact(f"{tree / entry.path} is not what was stored")
    return content


def copy_tree(tree: Path, manifest: tuple[TreeEntry, ...], destination: Path) -> None:
    """Copy a tree into `destination`, which may hold other trees' files already.  Raises DamagedArtifact on a wrong byte.

    The copies are writable and share nothing with the store: a build script can't spoil it.
    """
    destination.mkdir(parents=True, exist_ok=True)
    for entry in manifest:
        target = destination / entry.path
        if entry.kind == "directory":
            target.mkdir(parents=True, exist_ok=True)
        elif entry.kind == "link":
            if not target.is_symlink():
                target.symlink_to(entry.content)
        else:
            content = content_of(tree, entry)
            target.write_bytes(content)
            target.chmod(0o755 if entry.kind == "program" else 0o644)
