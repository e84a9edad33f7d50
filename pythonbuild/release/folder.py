"""A folder of releases, laid out as the clients of python-build-standalone expect its releases:

download/TAG/ (files, SHA256SUMS, its signature), latest/download/SHA256SUMS, and indexes (see indexes.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from pythonbuild.errors import BadRequest
from pythonbuild.model.naming import BuiltFile
from pythonbuild.model.options import BuildOptions
from pythonbuild.release.collect import Collected, Item, read_statement
from pythonbuild.release.files import place, write
from pythonbuild.release.sign import SUFFIXES, Signer
from pythonbuild.sources.cache import sha256_of

__all__ = ["SUMS", "Release", "Released", "fill", "read_releases"]

SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Released:
    """A file of a release; options: None if nothing there tells them."""

    path: Path
    file: BuiltFile
    options: Optional[BuildOptions]
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name


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
    tops = sorted((folder / "download").glob(f"*/{SUMS}"), reverse=True)
    return [_read_release(sums.parent) for sums in tops]


def _check(items: Iterable[Item], top: Path, replace: bool) -> None:
    """Find what would be overwritten before anything is written."""
    if replace:
        return
    for item in items:
        target = top / item.name
        if not target.is_file() or target.samefile(item.source):
            continue
        same = target.read_text() == item.text if item.text is not None else sha256_of(target) == item.sha256
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


def _read_release(top: Path) -> Release:
    digests = {name: digest for digest, name in (line.split() for line in (top / SUMS).read_text().splitlines())}
    options: dict[str, BuildOptions] = {}
    for name in digests:
        if name.endswith(".intoto.jsonl"):
            statement = read_statement(name, (top / name).read_bytes())
            text = statement["predicate"]["buildDefinition"]["externalParameters"]["options"]
            options.update({subject["name"]: BuildOptions.parse(text) for subject in statement["subject"]})
    files = []
    for name, digest in sorted(digests.items()):
        file = BuiltFile.parse(name)
        path = top / name
        files.append(Released(path, file, file.options or options.get(name), path.stat().st_size, digest))
    signatures = tuple(SUMS + suffix for suffix in SUFFIXES.values() if (top / (SUMS + suffix)).is_file())
    return Release(top.name, tuple(files), signatures)
