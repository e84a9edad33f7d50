"""Selects the files of a release from those that builds left in a folder, and names them.  Writes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Optional

from pythonbuild.errors import BadArchive, BadRequest
from pythonbuild.model.naming import BuiltFile
from pythonbuild.model.options import BuildOptions
from pythonbuild.model.version import PythonVersion
from pythonbuild.sources.cache import sha256_of

__all__ = ["Build", "Collected", "Item", "collect", "read_statement"]

# Several builds may claim the names of install_only archives; the first of these that exists gets them.  Debug builds are slow, and
# static ones load no wheels with C code, so a client should get neither by accident.
_BEST = ("pgo+lto", "pgo", "lto", "noopt")
# The flavours whose names in a release do not contain the options of the build.
_UNTOLD = ("install_only", "install_only_stripped", "debug_symbols")


class Build(NamedTuple):
    """A build: the Python, its target triple and its options."""

    python: PythonVersion
    triple: str
    options: BuildOptions

    def __str__(self) -> str:
        return f"cpython-{self.python} {self.triple} {self.options}"


@dataclass(frozen=True)
class Item:
    """A file for the release: its present path, its build, its name in the release, and its SHA-256.

    text: its content in the release if that differs from the file, as for a statement, whose subjects get other names.
    """

    source: Path
    build: Build
    flavour: str
    name: str
    sha256: str
    text: Optional[str] = None


@dataclass(frozen=True)
class Collected:
    """A release's tag, its files by name, and notes for the user about the choice of files."""

    tag: str
    items: Mapping[str, Item]
    notes: tuple[str, ...]


def collect(folder: Path, tag: str = "") -> Collected:
    """Return the content of a release of all files in `folder`.

    tag: YYYYMMDD; "" means the day in the names of all files.  Raises BadRequest if the folder has no file for a release, the names do
    not agree on a day, or one build occurs twice; BadArchive if a file does not match its name or its provenance statement.
    """
    found = _files(folder)
    tag = _tag(tag, {file.tag for file in found.values()})
    statements = {
        path: read_statement(path.name, path.read_bytes()) for path in found if found[path].flavour == "provenance"
    }
    chosen, notes = _choose(_once(_items(found, statements, tag)))
    items = [item for item in chosen if item.source not in statements]
    if not items:
        raise BadRequest(
            f"{folder} contains no file for a release",
            "; ".join(notes) or "provenance statements alone are not a release",
        )
    for item in chosen:
        text = _renamed(statements[item.source], item.build, items) if item.source in statements else ""
        items += [replace(item, text=text)] if text else []
    return Collected(tag, {item.name: item for item in sorted(items, key=lambda item: item.name)}, tuple(notes))


def read_statement(name: str, text: bytes) -> dict[str, Any]:
    """Parse a provenance statement.  Raises BadArchive if `text` is not one.  Source: https://in-toto.io/Statement/v1"""
    try:
        statement = json.loads(text)
        subjects = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
        BuildOptions.parse(statement["predicate"]["buildDefinition"]["externalParameters"]["options"])
    except (ValueError, KeyError, TypeError, AttributeError, BadRequest):
        subjects = {}
    if not subjects:
        raise BadArchive(
            f"{name} is not a provenance statement", "repeat the build that it belongs to, or remove the file"
        )
    return dict(statement)


def _files(folder: Path) -> dict[Path, BuiltFile]:
    if not folder.is_dir():
        raise BadRequest(f"{folder} is not a folder", "name the folder with the archives of builds, such as dist")
    # Debian packages may be there too; `release --apt` publishes them.
    paths = sorted(path for path in folder.iterdir() if path.is_file() and path.name.startswith("cpython-"))
    if not paths:
        raise BadRequest(f"{folder} contains no archive", "name the folder with the archives of builds, such as dist")
    return {path: BuiltFile.parse(path.name) for path in paths}


def _tag(given: str, found: set[str]) -> str:
    if given:
        if not re.fullmatch(r"\d{8}", given):
            raise BadRequest(f"{given!r} is not a release tag", "a tag is a day, such as 20261121")
        return given
    days = {match[1] if (match := re.fullmatch(r"(\d{8})(?:T\d{4,6})?", tag)) else "" for tag in found}
    if len(days) != 1 or "" in days:
        raise BadRequest(f"the files' names do not agree on a day: {', '.join(sorted(found))}", "pass --tag YYYYMMDD")
    return days.pop()


def _items(found: Mapping[Path, BuiltFile], statements: Mapping[Path, Mapping[str, Any]], tag: str) -> Iterator[Item]:
    """Yield each file with its build.  A provenance statement that names the file decides its options, and must match it."""
    # Names of a release may lack options.  Builds with different options then write files of the same name, of which one remains, so
    # several statements name it.
    said: dict[str, dict[str, str]] = {}
    for statement in statements.values():
        options = statement["predicate"]["buildDefinition"]["externalParameters"]["options"]
        for subject in statement["subject"]:
            said.setdefault(subject["name"], {})[subject["digest"]["sha256"]] = options
    for path, file in found.items():
        digest = sha256_of(path)
        text = said.get(path.name, {}).get(digest)
        if path.name in said and not text:
            raise BadArchive(
                f"{path.name} does not match its provenance statement",
                "it was changed after the build: build it again",
            )
        parsed = file.options or (BuildOptions.parse(text) if text else None)
        if parsed is None:
            raise BadArchive(
                f"{path.name} does not name the options of its build",
                "put the provenance statement (.intoto.jsonl) of that build beside it",
            )
        build = Build(file.python, file.triple, parsed)
        yield Item(path, build, file.flavour, file.release_name(parsed, tag), digest)


def _once(items: Iterable[Item]) -> list[Item]:
    """Return the items without duplicates.  Raises BadRequest if a build occurs with different files."""
    seen: dict[tuple[str, Build], Item] = {}
    for item in items:
        other = seen.setdefault((item.name, item.build), item)
        if other.sha256 != item.sha256:
            raise BadRequest(
                f"{item.build} was built twice: {other.source.name}, {item.source.name}",
                "a release contains one of them: remove the files of the other from the folder",
            )
    return list(seen.values())


def _choose(items: Iterable[Item]) -> tuple[list[Item], list[str]]:
    """Return the items for the release, and a note for each choice between builds that claim the same name."""
    kept = []
    claims: dict[str, dict[Build, list[Item]]] = {}
    for item in items:
        if item.flavour not in _UNTOLD:
            kept.append(item)
            continue
        kind = "freethreaded " if "freethreaded" in item.build.options else ""
        key = f"{kind}cpython-{item.build.python} for {item.build.triple}"
        claims.setdefault(key, {}).setdefault(item.build, []).append(item)
    notes = []
    for claimed, builds in sorted(claims.items()):
        best = min(builds, key=_rank)
        others = sorted(str(build.options) for build in builds if build != best or _rank(best) == len(_BEST))
        if _rank(best) < len(_BEST):
            kept += builds[best]
        if others:
            chosen = f"of {best.options}" if _rank(best) < len(_BEST) else "none"
            notes.append(f"install_only of {claimed}: {chosen}, not {', '.join(others)}")
    return kept, notes


def _rank(build: Build) -> int:
    """Return the position of a build in _BEST, or len(_BEST) if a release does not offer it."""
    options = "+".join(name for name in str(build.options).split("+") if name != "freethreaded")
    return _BEST.index(options) if options in _BEST else len(_BEST)


def _renamed(statement: Mapping[str, Any], build: Build, items: Iterable[Item]) -> str:
    """Return a statement with the release names of a build's files, or "" if the release contains none of them."""
    names = {item.source.name: item.name for item in items if item.build == build}
    subjects = [
        {**subject, "name": names[subject["name"]]} for subject in statement["subject"] if subject["name"] in names
    ]
    subjects.sort(key=lambda subject: str(subject["name"]))
    return json.dumps({**statement, "subject": subjects}, sort_keys=True) + "\n" if subjects else ""
