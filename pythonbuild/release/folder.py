"""A folder of releases, in the layout that clients of python-build-standalone expect:

download/TAG/ (files, SHA256SUMS and its signatures), latest/download/SHA256SUMS, and indexes (see indexes.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Optional

from pythonbuild.errors import BadArchive, BadRequest
from pythonbuild.model.naming import BuiltFile
from pythonbuild.model.options import BuildOptions
from pythonbuild.release.collect import Collected, Item, read_statement
from pythonbuild.release.files import place, write
from pythonbuild.release.sign import SUFFIXES, Signer
from pythonbuild.sources.cache import sha256_of

__all__ = ["SUMS", "Release", "Released", "describe", "fill", "read_releases"]

SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Released:
    """A file of a release.  options: None if neither its name nor a statement contains them; size: in bytes."""

    name: str
    file: BuiltFile
    options: Optional[BuildOptions]
    size: int
    sha256: str


@dataclass(frozen=True)
class Release:
    """The content of download/TAG: its files, and the names of the signatures of its sums."""

    tag: str
    files: tuple[Released, ...]
    signatures: tuple[str, ...]


def fill(collected: Collected, folder: Path, signer: Optional[Signer] = None, replace: bool = False) -> list[str]:
    """Add a release to the folder, and return the paths in it that were created or changed.  Other files stay as they are.

    signer: signs the sums; replace: overwrite files of the same name.  Raises BadRequest if a file of the same name has other bytes
    and `replace` is False, or if the sums cannot be signed.
    """
    top = folder / "download" / collected.tag
    _check(collected.items.values(), top, replace)
    changed = []
    for item in collected.items.values():
        target = top / item.name
        if item.text is not None:
            made = write(target, item.text.encode())
        else:
            made = not target.is_file() or not (target.samefile(item.source) or sha256_of(target) == item.sha256)
            if made:
                place(item.source, target)
        changed += [target] if made else []
    known = {name: item.sha256 for name, item in collected.items.items() if item.text is None}
    changed += _sums(top, known, signer, f"pythonbuild release {collected.tag}")
    changed += _latest(folder)
    return [path.relative_to(folder).as_posix() for path in changed]


def read_releases(folder: Path) -> list[Release]:
    """Return all releases of a folder, newest first, from their sums and statements.  Raises BadArchive as `describe` does."""
    releases = []
    for sums in sorted((folder / "download").glob(f"*/{SUMS}"), reverse=True):
        sizes = {path.name: path.stat().st_size for path in sums.parent.iterdir()}
        releases.append(describe(sums.parent.name, sizes, partial(_read, sums.parent)))
    return releases


def _read(top: Path, name: str) -> bytes:
    return (top / name).read_bytes()


def describe(tag: str, sizes: Mapping[str, int], read: Callable[[str], bytes]) -> Release:
    """Return a release from its file list, its sums and its statements.

    sizes: file name -> bytes; read: returns the content of a file by its name, and is called for SHA256SUMS and statements.
    Raises BadArchive if one of those is wrong.
    """
    lines = [line.split() for line in read(SUMS).decode(errors="replace").splitlines()]
    if not lines or any(len(line) != 2 or line[1] not in sizes for line in lines):
        raise BadArchive(f"{SUMS} of release {tag} does not match its files", "create that release again")
    options: dict[str, BuildOptions] = {}
    for _, name in lines:
        if name.endswith(".intoto.jsonl"):
            statement = read_statement(name, read(name))
            text = statement["predicate"]["buildDefinition"]["externalParameters"]["options"]
            options.update({subject["name"]: BuildOptions.parse(text) for subject in statement["subject"]})
    files = []
    for digest, name in sorted(lines, key=lambda line: line[1]):
        file = BuiltFile.parse(name)
        files.append(Released(name, file, file.options or options.get(name), sizes[name], digest))
    signatures = tuple(SUMS + suffix for suffix in SUFFIXES.values() if SUMS + suffix in sizes)
    return Release(tag, tuple(files), signatures)


def _check(items: Iterable[Item], top: Path, replace: bool) -> None:
    """Raise BadRequest, before anything is written, if a file would be overwritten."""
    if replace:
        return
    for item in items:
        target = top / item.name
        if not target.is_file() or target.samefile(item.source):
            continue
        same = sha256_of(target) == item.sha256 if item.text is None else target.read_bytes() == item.text.encode()
        if not same:
            raise BadRequest(
                f"{target} exists already, and differs from {item.source.name}",
                "a published file must not change: use another --tag, or --replace if nobody has downloaded it yet",
            )


def _sums(top: Path, known: Mapping[str, str], signer: Optional[Signer], comment: str) -> list[Path]:
    """Write the sums of all files in `top`, and sign them; return the paths that changed."""
    names = sorted(path.name for path in top.iterdir() if path.name.startswith("cpython-"))
    text = "".join(f"{known.get(name) or sha256_of(top / name)}  {name}\n" for name in names).encode()
    sums = top / SUMS
    changed = []
    if not sums.is_file() or sums.read_bytes() != text:
        # Delete them first: a signature beside sums that it does not sign is worse than none.
        for suffix in SUFFIXES.values():
            sums.with_name(SUMS + suffix).unlink(missing_ok=True)
        write(sums, text)
        changed.append(sums)
    if signer and signer.sign(sums, comment):
        changed.append(sums.with_name(SUMS + SUFFIXES[signer.program]))
    return changed


def _latest(folder: Path) -> list[Path]:
    """Copy the sums of the newest release and their signatures to latest/download; return the paths that changed."""
    newest = max((folder / "download").glob(f"*/{SUMS}")).parent
    latest = folder / "latest" / "download"
    changed = []
    for name in (*(SUMS + suffix for suffix in SUFFIXES.values()), SUMS):
        if (newest / name).is_file():
            changed += [latest / name] if write(latest / name, (newest / name).read_bytes()) else []
        elif (latest / name).exists():
            (latest / name).unlink()
            changed.append(latest / name)
    return changed
