"""Builds subjects, runs their checks and writes proofs; or repeats a proof, which must give the same bytes and results."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Optional

from pythonbuild.home import home
from pythonbuild.sources.cache import sha256_of
from pythonbuild.store.store import Store
from tests.ledger.build import Anew, BuildFailed, Built, build
from tests.ledger.checks import run_check, today
from tests.ledger.history import git
from tests.ledger.machine import lacking_for
from tests.ledger.plans import plan_of
from tests.ledger.proofs import Given, Proof, Result, write_proof
from tests.ledger.states import Ledger, State, Status
from tests.ledger.subjects import Subject, SubjectError

__all__ = ["Budget", "Prover", "changed_files", "check_unchanged", "chosen", "differing_in_store", "estimate"]

# The estimate, in seconds, for a subject without a proof.
_UNKNOWN = 1200.0


@dataclass
class Budget:
    """Seconds that proving may take; infinite by default."""

    seconds: float = float("inf")
    started: float = field(default_factory=monotonic, init=False)

    def allows(self, seconds: float) -> bool:
        """Is there time left for a task of this length?"""
        return monotonic() - self.started + seconds <= self.seconds


def estimate(ledger: Ledger, status: Status) -> float:
    """Estimate how many seconds it takes on this machine to build what the store lacks, and to run what is not current."""
    proof = status.proof
    if proof is None:
        return _UNKNOWN
    redone = [name for name, state in status.checks.items() if state is not State.CURRENT]
    seconds = sum(proof.checks[name].seconds if name in proof.checks else _UNKNOWN / 4 for name in redone)
    if not _in_store(ledger, status):
        seconds += proof.build_cpu_seconds / len(os.sched_getaffinity(0))
    return seconds


def _in_store(ledger: Ledger, status: Status) -> bool:
    if not status.key:
        return False
    plan = plan_of(status.subject, ledger.catalog, status.proof.given if status.proof else Given())
    store = Store(home() / "store")
    return all(store.find(plan.steps[output.step].key) for output in plan.outputs)


def differing_in_store(ledger: Ledger, status: Status) -> list[str]:
    """Return the kinds of archives of which the store has other bytes than the proof, at the proof's own key.

    A key does not cover the program's engines, so such a difference is a fault that no key shows.  Builds with a profile
    and packages differ each time, and are left out.
    """
    proof = status.proof
    if proof is None or status.moved or _varies(status.subject):
        return []
    plan = plan_of(status.subject, ledger.catalog, proof.given)
    store = Store(home() / "store")
    found = []
    for output in plan.outputs:
        record = store.find(plan.steps[output.step].key)
        if record and output.kind:
            archive = proof.archives.get(output.kind.flavour)
            if archive and sha256_of(store.tree(record) / str(output.kind)) != archive.sha256:
                found.append(output.kind.flavour)
    return found


def chosen(statuses: Sequence[Status], commit: str, count: int) -> list[Status]:
    """Return `count` current subjects, chosen by the commit's hash, so that different commits repeat different subjects.

    Subjects with a profile are left out, because training never gives the same bytes twice; so are packages, whose
    bytes change with the distribution's updates.
    """
    able = [status for status in statuses if status.state is State.CURRENT and not _varies(status.subject)]
    start = int(commit[:8], 16) % len(able) if able else 0
    return (able[start:] + able[:start])[:count]


def _varies(subject: Subject) -> bool:
    return bool(subject.packages) or "pgo" in subject.options


@dataclass(frozen=True)
class Prover:
    """Proves subjects at a commit of the checkout."""

    ledger: Ledger
    commit: str

    def prove(self, status: Status) -> bool:
        """Build a subject, run the checks that are not current, and write the proof; returns whether all passed."""
        subject, before = status.subject, status.proof
        given = before.given if before else Given()
        if not self._able(subject):
            return False
        known = f", about {estimate(self.ledger, status) / 60:.0f} minutes" if before else ""
        _say(f"{subject.name}: building and checking{known} ...")
        try:
            with build(subject, self.ledger.catalog, given, _anew(subject)) as built:
                old = before.checks if before and before.archives == built.archives else {}
                checks = self._checked(subject, built, old)
        except (BuildFailed, SubjectError) as error:
            _say(f"FAILED  {subject.name}: {error}")
            return False
        bad = [name for name, result in checks.items() if result.result == "failed"]
        fresh = [name for name, result in checks.items() if result is not old.get(name)]
        how = f"proved now: {', '.join(fresh)}" if fresh else "renewed: another key, the same bytes"
        _say(f"FAILED  {subject.name}: {', '.join(bad)}" if bad else f"{subject.name}: {how}")
        return not bad

    def repeat(self, status: Status) -> bool:
        """Build a current subject's own steps and check it again; returns whether bytes and results equal the proof's."""
        subject, proof = status.subject, status.proof
        assert proof is not None
        if not self._able(subject):
            return False
        try:
            with build(subject, self.ledger.catalog, proof.given, Anew.PYTHON) as built:
                kinds = sorted({*proof.archives, *built.archives})
                differing = [kind for kind in kinds if built.archives.get(kind) != proof.archives.get(kind)]
                if differing:
                    _say(
                        f"FAILED  {subject.name}: other bytes than proved at {proof.commit[:10]}: {', '.join(differing)}"
                    )
                    return False
                results = {name: self._result(name, subject, built, None) for name in subject.checks}
        except (BuildFailed, SubjectError) as error:
            _say(f"FAILED  {subject.name}: {error}")
            return False
        other = [name for name, result in results.items() if _compared(result) != _compared(proof.checks[name])]
        for name in other:
            _say(
                f"FAILED  {subject.name}: {name} gave {_compared(results[name])}, its proof has {_compared(proof.checks[name])}"
            )
        if not other:
            _say(f"{subject.name}: built and checked again, with the bytes and results of {proof.commit[:10]}")
        return not other

    def _able(self, subject: Subject) -> bool:
        """Has this machine everything that the subject's checks need?  Tells what is missing."""
        missing = lacking_for(self.ledger, subject)
        if missing:
            _say("\n    ".join([f"FAILED  {subject.name}: this machine cannot check it", *missing]))
        return not missing

    def _checked(self, subject: Subject, built: Built, old: Mapping[str, Result]) -> dict[str, Result]:
        """Return the result of each check, after writing the proof anew with each result, so that none is lost.

        old: earlier results for the same bytes.
        """
        checks = {name: old[name] for name in subject.checks if name in old}
        for name in subject.checks:
            checks[name] = self._result(name, subject, built, old.get(name))
            ordered = {known: checks[known] for known in subject.checks if known in checks}
            check_unchanged(self.commit)
            write_proof(self.ledger.path(subject), _proof(subject, built, ordered, self.commit))
        return checks

    def _result(self, name: str, subject: Subject, built: Built, old: Optional[Result]) -> Result:
        """Return a check's result for these bytes: the earlier one if it is still valid, else a new one."""
        if old and old.result == "passed" and old.digest == self.ledger.digest(name, subject):
            return old
        return run_check(name, self.ledger.check(name), subject, built, self.ledger.catalog, self.commit)


def _anew(subject: Subject) -> Anew:
    """Return which steps of a subject must run even if the store has their results.

    The pinned GCC gives the same step keys in containers and on the machine.  A store filled by the host engine would
    therefore prove nothing about containers.
    """
    gcc_in_containers = subject.engine == "docker" and not {"lto", "pgo"} & set(subject.options.split("+"))
    return (
        Anew.EVERYTHING if gcc_in_containers and "-linux-" in subject.target and not subject.packages else Anew.NOTHING
    )


def _proof(subject: Subject, built: Built, checks: dict[str, Result], commit: str) -> Proof:
    return Proof(
        subject=subject.name,
        key=built.key,
        given=built.given,
        archives=dict(built.archives),
        build_seconds=round(built.seconds, 1),
        build_cpu_seconds=round(built.cpu_seconds, 1),
        commit=commit,
        date=today(),
        checks=checks,
    )


def _compared(result: Result) -> tuple[str, int, int, list[str]]:
    """Return the parts of a result that a repetition must give again: outcome, and what passed, was skipped and failed."""
    return result.result, result.passed, sum(result.skipped.values()), result.failed


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def check_unchanged(commit: str) -> None:
    """Raise SubjectError unless the checkout is still what the commit has, so that a proof names what was checked."""
    changed = list(changed_files())
    if changed or git("rev-parse", "HEAD") != commit:
        what = ", ".join(changed[:5]) if changed else "another commit is checked out"
        raise SubjectError(
            f"the checkout changed while a subject was proved ({what}), so its results are not recorded; "
            "prove in a work tree of its own: git worktree add"
        )


def changed_files() -> Iterator[str]:
    """Yield files that differ from the last commit, apart from proofs and the texts generated from them."""
    made = ("proofs/cpython-*", "proofs/deb-*", "README.md", "docs/supported.md")
    left_out = [f":(exclude){name}" for name in made]
    rows = git("status", "--porcelain", "--no-renames", "-z", "--untracked-files=all", "--", ".", *left_out)
    yield from (row[3:] for row in rows.split("\0") if row)
