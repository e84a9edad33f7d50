"""A folder of releases, laid out as the clients of python-build-standalone expect its releases:

download/TAG/ (files, SHA256SUMS, its signature), latest/download/SHA256SUMS, and indexes (see indexes.py).
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
    """A file of a release; options: None if nothing there tells them."""

    name: str
    file: BuiltFile
    options: Optional[BuildOptions]
    size: int
    sha256: str


@dataclass(frozen=True)
class Release:
    """What there is in download/TAG: files, and the names of the signatures of its sums."""

    tag: str
    files: tuple[Released, ...]
    signatures: tuple[str, ...]


def fill(collected: Collected, folder: Path, signer: Optional[Signer] = None, replace: bool = False) -> list[str]:
    """Put a release into the folder; returns the paths in it that were made or changed.

    What is there already stays.  Raises BadRequest if a file of the same name is there with other bytes, unless they are to be
    replaced, or if the sums cannot be signed.
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
    """Return all releases of a folder, the newest first, as their sums and statements tell them."""
    releases = []
    for sums in sorted((folder / "download").glob(f"*/{SUMS}"), reverse=True):
        sizes = {path.name: path.stat().st_size for path in sums.parent.iterdir()}
        releases.append(describe(sums.parent.name, sizes, partial(_read, sums.parent)))
    return releases


def _read(top: Path, name: str) -> bytes:
    return (top / name).read_bytes()


def describe(tag: str, sizes: Mapping[str, int], read: Callable[[str], bytes]) -> Release:
    """Return a release by its files' sizes and what `read` returns for SHA256SUMS and statements.  Raises BadArchive if those are wrong."""
    lines = [line.split() for line in read(SUMS).decode(errors="replace").splitlines()]
    if not lines or any(len(line) != 2 or line[1] not in sizes for line in lines):
        raise BadArchive(f"{SUMS} of release {tag} does not name the files that are there", "make that release again")
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
    """Find what would be overwritten before anything is written."""
    if replace:
        return
    for item in items:
        target = top / item.name
        if not target.is_file() or target.samefile(item.source):
            continue
        same = sha256_of(target) == item.sha256 if item.text is None else target.read_bytes() == item.text.encode()
        if not same:
            raise BadRequest(
                f"{target} is there already with other bytes than {item.source.name} gives",
                "a published file does not change: take another --tag, or --replace it if nobody has it yet",
            )


def _sums(top: Path, known: Mapping[str, str], signer: Optional[Signer], comment: str) -> list[Path]:
    """Write the sums of all files in `top`, and sign them; returns what changed."""
    names = sorted(path.name for path in top.iterdir() if path.name.startswith("cpython-"))
    text = "".join(f"{known.get(name) or sha256_of(top / name)}  {name}\n" for name in names).encode()
    sums = top / SUMS
    changed = []
    if not sums.is_file() or sums.read_bytes() != text:
        # First of all: a signature beside other sums than it signs is worse than none.
        for suffix in SUFFIXES.values():
            sums.with_name(SUMS + suffix).unlink(missing_ok=True)
        write(sums, text)
        changed.append(sums)
    if signer and signer.sign(sums, comment):
        changed.append(sums.with_name(SUMS + SUFFIXES[signer.program]))
    return changed


def _latest(folder: Path) -> list[Path]:
    """Copy the newest release's sums and their signatures to where clients look for the latest; returns what changed."""
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
