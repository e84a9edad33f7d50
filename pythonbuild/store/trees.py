"""Trees of files: manifests with the hash of every file, and copies that verify each byte."""

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
    """A file, symbolic link or directory of a tree.  content: a file's SHA-256, a link's target, "" for a directory."""

    path: str
    kind: str  # "file", "program" (executable file), "link", "directory"
    content: str
    size: int = 0
    mtime_ns: int = 0


def manifest_of(tree: Path) -> tuple[TreeEntry, ...]:
    """Return the entries of a tree, sorted by path within each folder, with the hash of every file."""
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
    """Return the SHA-256 of a tree's content: its paths, kinds and bytes, but not its times."""
    lines = sorted(f"{entry.kind} {entry.content} {entry.path}" for entry in manifest)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def write_manifest(manifest: tuple[TreeEntry, ...], path: Path) -> None:
    """Write a manifest as JSON."""
    rows = [[entry.path, entry.kind, entry.content, entry.size, entry.mtime_ns] for entry in manifest]
    path.write_text(json.dumps(rows))


def read_manifest(path: Path) -> tuple[TreeEntry, ...]:
    """Read the output of `write_manifest`.  Raises DamagedArtifact if the file is missing or damaged."""
    try:
        return tuple(TreeEntry(*row) for row in json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise DamagedArtifact(f"{path} cannot be read: {error}") from error


def damage(tree: Path, manifest: tuple[TreeEntry, ...], *, thorough: bool) -> str:
    """Return the path of the first entry that differs from the manifest, "" if none does.

    thorough: hash every file, instead of comparing only its size and modification time.
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
    """Return the bytes of a file in a tree.  Raises DamagedArtifact if they do not match the entry."""
    try:
        content = (tree / entry.path).read_bytes()
    except OSError as error:
        raise DamagedArtifact(f"{tree / entry.path}: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != entry.content:
        raise DamagedArtifact(f"{tree / entry.path} differs from what was stored")
    return content


def copy_tree(tree: Path, manifest: tuple[TreeEntry, ...], destination: Path) -> None:
    """Copy a tree into `destination`, which may contain files of other trees.  Raises DamagedArtifact if a file is damaged.

    The copies are writable and share no data with the store, so a build script cannot damage it.
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
