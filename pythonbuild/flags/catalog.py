"""The flags of verbs about what can be built: list it, and update what is pinned.  Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from pythonbuild.flags.common import FILTERS, JOBS, Fetching, VerbFlags
from pythonbuild.flags.declared import argument, arguments, switch, value, values

__all__ = [
    "ListFlags",
    "MatrixFlags",
    "UpdateFlags",
]


@dataclass(frozen=True)
class ListFlags(VerbFlags):
    """The flags of `list`."""

    what: str = argument(
        "WHAT",
        count="?",
        choices=("targets", "pythons", "options", "packages", "distributions", "toolchains"),
        text="only targets, pythons, options, packages, distributions or toolchains",
    )


@dataclass(frozen=True)
class MatrixFlags(VerbFlags):
    """The flags of `matrix`."""

    json: bool = switch(
        "--json",
        text="print JSON: a list of {target, python, options, build_machines, sources}; with --ci a job matrix of GitHub",
    )
    platforms: tuple[str, ...] = values("--platform", group=FILTERS, metavar="PLATFORM", text="linux, macos or windows")
    archs: tuple[str, ...] = values("--arch", group=FILTERS, metavar="ARCH", text="a target's CPU, e.g. aarch64")
    libcs: tuple[str, ...] = values("--libc", group=FILTERS, metavar="LIBC", text="e.g. gnu or musl")
    pythons: tuple[str, ...] = values("--python", group=FILTERS, metavar="PYTHON", text="3.13, or 3.13.5")
    builds: tuple[str, ...] = values(
        "--build", group=FILTERS, metavar="BUILD", text="exactly these options, e.g. pgo+lto"
    )
    targets: tuple[str, ...] = values("--target", group=FILTERS, metavar="TARGET", text="a target triple")
    ci: bool = switch("--ci", group=JOBS, text="print the jobs of ci-targets.yml on the machines of ci-runners.yml")
    stage: str = value(
        "--stage",
        group=JOBS,
        only="ci",
        choices=("dependencies", "pythons"),
        text="dependencies: the libraries that jobs of one target share; pythons: the Pythons",
        usual="pythons",
    )
    labels: Optional[str] = value(
        "--labels",
        group=JOBS,
        only="ci",
        default=None,
        metavar="A,B",
        text="the jobs of a pull request with these labels ('' for no labels). Without ci:all-targets, only rows marked for "
        "pull requests. platform:linux, arch:aarch64, libc:musl, python:3.13, build:pgo+lto choose among them; ci:skip "
        "means none",
    )
    fork: bool = switch("--fork", group=JOBS, only="ci", text="the pull request comes from a fork")
    shards: bool = switch(
        "--shards", group=JOBS, only="ci", text="print several matrices, each small enough for GitHub"
    )


@dataclass(frozen=True)
class UpdateFlags(Fetching, VerbFlags):
    """The flags of `update`."""

    names: tuple[str, ...] = arguments(
        "NAME", count="*", text="a recipe, or cpython-X.Y", usual="everything with a known upstream"
    )
    check: bool = switch("--check", text="only print what is newer; download and change nothing")
    to: str = value("--to", metavar="VERSION", text="pin this version of the one NAME; it may be older")
    color: str = value(
        "--color", choices=("auto", "always", "never"), default="auto", text="colour the output", usual="on a terminal"
    )
