"""What CI builds: jobs out of ci-targets.yml and ci-runners.yml, which of them a pull request gets, and how they are parted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pythonbuild.catalog.load import Catalog, CiTables
from pythonbuild.catalog.schema import CiRunner, CiTarget, Target
from pythonbuild.errors import BadCatalog, BadRequest, UnknownName
from pythonbuild.model.options import BuildOptions
from pythonbuild.model.version import PythonVersion
from pythonbuild.request.build import check_runs_on
from pythonbuild.request.matrix import KINDS, Combination, Wanted, matrix, platform_of, read_wanted, select

__all__ = ["SHARD", "DependencyJob", "Job", "PullRequest", "ci_jobs", "dependency_jobs", "read_labels", "shards"]

# Jobs of one shard at most: GitHub takes 256 of a matrix, and 1024 files for one attestation, of which each job leaves five.
SHARD = 200
# Labels of a pull request that choose jobs are a kind, a colon, and what the flag of that name takes.
_LABEL_KINDS = tuple(kind for kind in KINDS if kind != "target")
_SKIP, _ALL_TARGETS = "ci:skip", "ci:all-targets"
# PEP 397's launcher finds a Python on Windows.
_SCRIPTS = {"linux": "./build-linux.py", "macos": "./build-macos.py", "windows": "py.exe build-windows.py"}
_T = TypeVar("_T")


@dataclass(frozen=True)
class Job:
    """One Python that CI builds, and where; pull_request: also for every pull request."""

    combination: Combination
    runner: CiRunner
    pull_request: bool

    def values(self, kind: str) -> tuple[str, ...]:
        """Return what it is called by, of a kind of the matrix."""
        return self.combination.values(kind)

    @property
    def command(self) -> str:
        """What builds it: words without spaces, of an entry script that is called in the checkout."""
        target, python, options = self.combination
        return f"{_start(target)} --python cpython-{python} --options {options}"


@dataclass(frozen=True)
class DependencyJob:
    """What several jobs of one target have in common, by the toolchain that makes it."""

    target: Target
    pythons: tuple[PythonVersion, ...]
    runner: CiRunner
    toolchain: str

    @property
    def command(self) -> str:
        """What builds it, and puts it into the store."""
        # Libraries are the same for all options, and there are some that every Python can be built with.
        pythons = "".join(f" --python cpython-{python}" for python in self.pythons)
        return f"{_start(self.target)}{pythons} --options noopt --only dependencies"


@dataclass(frozen=True)
class PullRequest:
    """What a pull request asks for by its labels; fork: its code comes from another repository."""

    wanted: Wanted = field(default_factory=dict)
    skip: bool = False
    all_targets: bool = False
    fork: bool = False

    def select(self, jobs: Iterable[Job]) -> tuple[Job, ...]:
        """Return the jobs that it gets, in their order."""
        return tuple(
            job
            for job in select(jobs, self.wanted)
            if not self.skip and (self.all_targets or job.pull_request) and (job.runner.forks or not self.fork)
        )


def ci_jobs(catalog: Catalog, tables: CiTables) -> tuple[Job, ...]:
    """Return all jobs of CI, in the order of ci-targets.yml.

    Raises BadCatalog that names the row if it has what there is not, what cannot be built there, or what another row has, too.
    """
    possible = set(matrix(catalog))
    jobs: dict[Combination, Job] = {}
    for number, row in enumerate(tables.targets, 1):
        try:
            for job in _row_jobs(row, catalog, tables):
                if job.combination not in possible:
                    raise BadRequest(f"this Python cannot be built: {_name(job.combination)}", "see `matrix`")
                if job.combination in jobs:
                    raise BadRequest(f"{_name(job.combination)} is listed twice", "drop it from one of the rows")
                jobs[job.combination] = job
        except BadRequest as error:
            raise BadCatalog(f"ci-targets.yml, row {number}: {error.message}", error.hint) from None
    return tuple(jobs.values())


def _row_jobs(row: CiTarget, catalog: Catalog, tables: CiTables) -> Iterator[Job]:
    """Yield a row's jobs; raises BadRequest (also UnknownName) for what is wrong with them."""
    if row.runner not in tables.runners:
        raise UnknownName("runner", row.runner, tables.runners)
    runner = tables.runners[row.runner]
    if row.pull_request and runner.expensive:
        raise BadRequest(
            f"the runner {runner.label} is expensive, and every pull request would use it",
            "drop pull_request, or choose another runner",
        )
    for triple in row.targets:
        target = catalog.target(triple)
        if runner.machine not in target.build_machines:
            raise BadRequest(
                f"{triple} is not built on {runner.machine}, which {runner.label} is",
                f"choose a runner that is one of: {', '.join(target.build_machines)}",
            )
        check_runs_on(target, runner.machine)
        for python in row.pythons:
            for options in row.options:
                combination = Combination(target, catalog.python(python), BuildOptions.parse(options))
                yield Job(combination, runner, row.pull_request)


def dependency_jobs(jobs: Sequence[Job], catalog: Catalog) -> tuple[DependencyJob, ...]:
    """Return what is built before `jobs`, and once: the libraries of each target that several of them are for."""
    groups: dict[tuple[Target, str], list[Job]] = {}
    for job in jobs:
        groups.setdefault((job.combination.target, job.runner.label), []).append(job)
    return tuple(
        DependencyJob(
            target=target,
            pythons=tuple(sorted({job.combination.python for job in group})),
            runner=group[0].runner,
            toolchain=catalog.toolchains_for(target, group[0].runner.machine)[0],
        )
        for (target, _), group in groups.items()
        if len(group) > 1
    )


def read_labels(labels: Iterable[str], among: Sequence[Job], fork: bool = False) -> PullRequest:
    """Return what a pull request's labels ask for; those that are of no kind of ours mean nothing here.

    Labels of one kind are alternatives.  Raises UnknownName for a value that no job in `among` has.
    """
    texts: dict[str, list[str]] = {}
    for label in labels:
        kind, colon, value = label.partition(":")
        if colon and kind in (*_LABEL_KINDS, "ci"):
            texts.setdefault(kind, []).append(value.strip())
    flags = {f"ci:{value}" for value in texts.pop("ci", ())}
    for unknown in sorted(flags - {_SKIP, _ALL_TARGETS}):
        raise UnknownName("label", unknown, (_SKIP, _ALL_TARGETS))
    wanted: dict[str, frozenset[str]] = {}
    for kind, values in texts.items():
        wanted.update(read_wanted(kind, values, among))
    return PullRequest(wanted=wanted, skip=_SKIP in flags, all_targets=_ALL_TARGETS in flags, fork=fork)


def shards(jobs: Sequence[_T], size: int = SHARD) -> tuple[Sequence[_T], ...]:
    """Return the jobs in as few parts as can be, none larger than `size`, all about as large, in their order."""
    count = -(-len(jobs) // size)
    return tuple(jobs[len(jobs) * part // count : len(jobs) * (part + 1) // count] for part in range(count))


def _start(target: Target) -> str:
    return f"{_SCRIPTS[platform_of(target)]} --target-triple {target.triple}"


def _name(combination: Combination) -> str:
    target, python, options = combination
    return f"{target.triple} cpython-{python} {options}"
