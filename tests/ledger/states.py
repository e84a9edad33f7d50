"""How each check of each subject stands today: current, stale, failed, never run, or unprovable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Optional

from pythonbuild.catalog.load import Catalog
from pythonbuild.errors import PythonBuildError
from pythonbuild.home import checkout
from tests.ledger.checks import Check, check_digest, load_checks
from tests.ledger.plans import catalog_here, plan_of, subject_key
from tests.ledger.proofs import Given, Proof, read_proof
from tests.ledger.subjects import Subject, SubjectError, load_subjects

__all__ = ["FOLDER", "Ledger", "State", "Status"]

FOLDER = checkout() / "proofs"


class State(Enum):
    """The state of one check of a subject."""

    CURRENT = "current"
    STALE = "stale"
    FAILED = "failed"
    NEVER = "never"
    UNPROVABLE = "unprovable"


@dataclass(frozen=True)
class Status:
    """How a subject stands.

    key: today's key, "" if the checkout cannot plan the subject; problem: why it cannot; checks: check -> its state.
    """

    subject: Subject
    proof: Optional[Proof]
    key: str
    problem: str
    checks: Mapping[str, State]

    @property
    def moved(self) -> bool:
        """Does today's key differ from the proof's?"""
        return self.proof is not None and self.proof.key != self.key

    @property
    def state(self) -> State:
        """The worst state of its checks."""
        order = (State.UNPROVABLE, State.FAILED, State.NEVER, State.STALE)
        return next((state for state in order if state in self.checks.values()), State.CURRENT)


class Ledger:
    """The subjects, the checks, and the proofs in a folder."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Read subjects.yml and checks.yml.  Raises SubjectError if they are wrong."""
        self.folder = folder
        self.subjects = load_subjects(folder / "subjects.yml")
        self.checks = load_checks(folder / "checks.yml")
        for subject in self.subjects:
            unknown = set(subject.checks) - set(self.checks)
            if unknown:
                raise SubjectError(
                    f"subjects.yml: {subject.name} names {', '.join(sorted(unknown))}, not in checks.yml"
                )

    @cached_property
    def catalog(self) -> Catalog:
        """The catalog of this checkout."""
        return catalog_here()

    def path(self, subject: Subject) -> Path:
        """Return the path of a subject's proof."""
        return self.folder / f"{subject.name}.yml"

    def proof(self, subject: Subject) -> Optional[Proof]:
        """Return a subject's proof, None if it has none.  Raises ProofError if it was edited, SubjectError if it is another's."""
        proof = read_proof(self.path(subject))
        if proof and proof.subject != subject.name:
            raise SubjectError(f"{self.path(subject).name} is the proof of {proof.subject}; restore it from git")
        return proof

    def strangers(self) -> list[Path]:
        """Return the files in the folder that belong to no subject."""
        known = {self.path(subject).name for subject in self.subjects} | {"subjects.yml", "checks.yml"}
        return sorted(path for path in self.folder.iterdir() if path.name not in known)

    def digest(self, name: str, subject: Subject) -> str:
        """Return today's digest of everything that a check's result depends on, besides the subject's bytes."""
        return check_digest(self.checks[name], subject, self.catalog, checkout())

    def check(self, name: str) -> Check:
        """Return a check by its name."""
        return self.checks[name]

    def status(self, subject: Subject) -> Status:
        """Return how a subject stands.  Raises ProofError if its proof cannot be used."""
        if subject.unprovable:
            return Status(subject, None, "", subject.unprovable, {"": State.UNPROVABLE})
        proof = self.proof(subject)
        try:
            key = subject_key(plan_of(subject, self.catalog, proof.given if proof else Given()))
            problem = ""
        except PythonBuildError as error:
            key, problem = "", error.message
        return Status(
            subject, proof, key, problem, {name: self._state(name, subject, proof, key) for name in subject.checks}
        )

    def _state(self, name: str, subject: Subject, proof: Optional[Proof], key: str) -> State:
        result = proof.checks.get(name) if proof else None
        if proof is None or result is None:
            return State.NEVER
        if proof.key != key or result.digest != self.digest(name, subject):
            return State.STALE
        return State.CURRENT if result.result == "passed" else State.FAILED
