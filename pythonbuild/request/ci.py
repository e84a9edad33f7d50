"""The jobs of CI: those of ci-targets.yml and ci-runners.yml, the selection for a pull request, and the split into shards."""

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
from pythonbuild.request.matrix import KINDS, Combination, Wanted, matrix, read_wanted, select

__all__ = ["SHARD", "DependencyJob", "Job", "PullRequest", "ci_jobs", "dependency_jobs", "read_labels", "shards"]

# Maximum number of jobs in a shard: GitHub allows 256 jobs in a matrix, and 1024 files in an attestation.  A job leaves five files.
SHARD = 200
# A label of a pull request that chooses jobs is a kind, a colon, and a value of the flag with that name.
_LABEL_KINDS = tuple(kind for kind in KINDS if kind != "target")
_SKIP, _ALL_TARGETS = "ci:skip", "ci:all-targets"

_T = TypeVar("_T")


@dataclass(frozen=True)
class Job:
    """A Python that CI builds on a runner; pull_request: pull requests build it as well."""

    combination: Combination
    runner: CiRunner
    pull_request: bool

    def values(self, kind: str) -> tuple[str, ...]:
        """Return the words that select it, of one kind in KINDS."""
        return self.combination.values(kind)

    @property
    def command(self) -> str:
        """The command that builds it, in the checkout.  No word contains a space."""
        target, python, options = self.combination
        return f"{_start(target)} --python cpython-{python} --options {options}"


@dataclass(frozen=True)
class DependencyJob:
    """A job that builds the libraries which several jobs of one target share, with one toolchain."""

    target: Target
    pythons: tuple[PythonVersion, ...]
    runner: CiRunner
    toolchain: str

    @property
    def command(self) -> str:
        """The command that builds the libraries and stores them."""
        # Libraries are the same for all options, and every Python can be built with noopt.
        pythons = "".join(f" --python cpython-{python}" for python in self.pythons)
        return f"{_start(self.target)}{pythons} --options noopt --only dependencies"


@dataclass(frozen=True)
class PullRequest:
    """The selection of a pull request by its labels; fork: its code comes from another repository."""

    wanted: Wanted = field(default_factory=dict)
    skip: bool = False
    all_targets: bool = False
    fork: bool = False

    def select(self, jobs: Iterable[Job]) -> tuple[Job, ...]:
        """Return the selected jobs, in their order."""
        return tuple(
            job
            for job in select(jobs, self.wanted)
            if not self.skip and (self.all_targets or job.pull_request) and (job.runner.forks or not self.fork)
        )


def ci_jobs(catalog: Catalog, tables: CiTables) -> tuple[Job, ...]:
    """Return all jobs of CI, in the order of ci-targets.yml.

    Raises BadCatalog with the number of a row that has an unknown name, an impossible build, or a build of another row.
    """
    possible = set(matrix(catalog))
    jobs: dict[Combination, Job] = {}
    for number, row in enumerate(tables.targets, 1):
        try:
            for job in _row_jobs(row, catalog, tables):
                if job.combination not in possible:
                    raise BadRequest(
                        f"this Python cannot be built: {_name(job.combination)}", "`matrix` lists those that can"
                    )
                if job.combination in jobs:
                    raise BadRequest(f"{_name(job.combination)} is listed twice", "drop it from one of the rows")
                jobs[job.combination] = job
        except BadRequest as error:
            raise BadCatalog(f"ci-targets.yml, row {number}: {error.message}", error.hint) from None
    return tuple(jobs.values())


def _row_jobs(row: CiTarget, catalog: Catalog, tables: CiTables) -> Iterator[Job]:
    """Yield the jobs of a row.  Raises BadRequest (also UnknownName) if the row is wrong."""
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
    """Return jobs that run once before `jobs`: each builds the libraries of a target that has several jobs."""
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
    """Return the selection of a pull request by its labels.  Labels of unknown kinds are ignored.

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
    """Split jobs into as few parts as possible, of nearly equal size and at most `size`, and keep their order."""
    count = -(-len(jobs) // size)
    return tuple(jobs[len(jobs) * part // count : len(jobs) * (part + 1) // count] for part in range(count))


def _start(target: Target) -> str:
    return f"{target.platform.command} --target-triple {target.triple}"


def _name(combination: Combination) -> str:
    target, python, options = combination
    return f"{target.triple} cpython-{python} {options}"
