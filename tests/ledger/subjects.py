"""proofs/subjects.yml: the builds that the project claims.  A row stands for each combination of its lists."""

from __future__ import annotations

import shlex
from itertools import product
from pathlib import Path
from typing import Literal, Optional

import msgspec

from tests.ledger.yaml_file import load_yaml

__all__ = ["Subject", "SubjectError", "load_subjects"]

Rank = Literal["landing", "release"]
Engine = Literal["host", "docker"]


class SubjectError(Exception):
    """A row of subjects.yml or checks.yml is wrong; the text says which and why."""


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pythons: tuple[str, ...]
    targets: tuple[str, ...] = ("x86_64-unknown-linux-gnu",)
    options: tuple[str, ...] = ("noopt",)
    engines: tuple[Engine, ...] = ("host",)
    # Builds Debian packages instead of archives; the words that follow --distro.
    packages: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    # Why none of our machines can prove these subjects.
    unprovable: str = ""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A build that must be proven.

    python: e.g. 3.13.15; packages: the words after --distro, "" for archives; checks: names in checks.yml;
    unprovable: why it cannot be proven, "" if it can.
    """

    python: str
    target: str
    options: str
    engine: Engine
    packages: str
    rank: Rank
    checks: tuple[str, ...]
    unprovable: str = ""

    @property
    def name(self) -> str:
        """The subject's name, which names its proof too, e.g. cpython-3.13.15-x86_64-unknown-linux-gnu-noopt-host."""
        if not self.packages:
            return f"cpython-{self.python}-{self.target}-{self.options}-{self.engine}"
        words = "-".join(word.lstrip("-").replace(":", "-") for word in self.packages.split())
        return f"deb-{self.python}-{self.target}-{words}-{self.engine}"

    @property
    def flags(self) -> list[str]:
        """The entry script's flags that build it, without --output."""
        words = ["--python", f"cpython-{self.python}", "--target", self.target, "--engine", self.engine]
        if self.packages:
            return [*words, "--format", "deb", "--distro", *shlex.split(self.packages)]
        return [*words, "--options", self.options]

    @property
    def script(self) -> str:
        """The entry script that builds it."""
        return "build-macos.py" if "-apple-" in self.target else "build-linux.py"


class _Rows(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    landing: tuple[_Row, ...]
    release: tuple[_Row, ...]


def load_subjects(path: Path) -> tuple[Subject, ...]:
    """Read subjects.yml.  Raises SubjectError if it is wrong or lists a subject twice."""
    try:
        rows = load_yaml(path, _Rows)
    except ValueError as error:
        raise SubjectError(str(error)) from None
    found: dict[str, Subject] = {}
    for rank, row in [("landing", row) for row in rows.landing] + [("release", row) for row in rows.release]:
        for subject in _subjects(row, msgspec.convert(rank, Rank)):
            if subject.name in found:
                raise SubjectError(f"{path.name}: {subject.name} is listed twice")
            found[subject.name] = subject
    return tuple(found.values())


def _subjects(row: _Row, rank: Rank) -> list[Subject]:
    if not (row.pythons and row.targets and row.options and row.engines):
        raise SubjectError("a row has an empty list, so it stands for no subject")
    strange = {word for text in row.packages for word in text.split()[1:]} - {"--fast", "--no-freethreaded"}
    if strange:
        raise SubjectError(f"a row of packages has {', '.join(sorted(strange))}, which the ledger does not know")
    if row.packages and row.options != ("noopt",):
        raise SubjectError(f"the row of {row.packages} has options, which packages do not take")
    if row.unprovable and (row.checks or rank == "landing"):
        raise SubjectError(
            f"the row of {row.pythons} {row.targets} is unprovable, so it can have neither checks nor rank landing"
        )
    for word in (*row.pythons, *row.targets, *row.options, *row.packages):
        if not word.strip() or set(word) & {"/", "\\"}:
            raise SubjectError(f"a row has {word!r}, which cannot be part of a subject's name")
    if not row.checks and not row.unprovable:
        raise SubjectError(f"the row of {row.pythons} {row.targets} needs checks, or `unprovable` with a reason")
    kinds: list[tuple[str, Optional[str]]] = [(options, None) for options in row.options]
    if row.packages:
        kinds = [("", packages) for packages in row.packages]
    return [
        Subject(
            python=python,
            target=target,
            options=options,
            engine=engine,
            packages=packages or "",
            rank=rank,
            checks=row.checks,
            unprovable=row.unprovable,
        )
        for python, target, (options, packages), engine in product(row.pythons, row.targets, kinds, row.engines)
    ]
