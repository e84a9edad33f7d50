"""The command `prove`: exit statuses, and changes during a run.  Builds and checks are stand-ins."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest

from pythonbuild.catalog.load import Catalog
from pythonbuild.errors import PythonBuildError
from pythonbuild.plan.step import Plan
from tests.build.made_up_proofs import COMMIT, made_up_proof, result
from tests.build.test_prove import StandIn
from tests.ledger import __main__ as command
from tests.ledger import history, prove, states
from tests.ledger.plans import plan_of, subject_key
from tests.ledger.proofs import Given, Proof, Result, read_proof, write_proof
from tests.ledger.states import FOLDER, Ledger
from tests.ledger.subjects import Subject

FIRST = "cpython-3.13.15-x86_64-unknown-linux-gnu-noopt-host"
SECOND = "cpython-3.13.15-x86_64-unknown-linux-gnu-debug-host"


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger without a proof.  The command uses it, and takes the checkout for committed."""
    folder = tmp_path / "proofs"
    folder.mkdir()
    for name in ("subjects.yml", "checks.yml"):
        (folder / name).write_text((FOLDER / name).read_text())
    monkeypatch.setenv("PYTHONBUILD_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(command, "Ledger", lambda: Ledger(folder))
    monkeypatch.setattr(command, "check_repository", lambda: None)
    monkeypatch.setattr(command, "changed_files", lambda: iter(()))
    monkeypatch.setattr(command, "git", lambda *_: COMMIT)
    monkeypatch.setattr(command, "write_tables", lambda _: [])
    return Ledger(folder)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    return StandIn(monkeypatch)


def subject_of(ledger: Ledger, name: str) -> Subject:
    return next(subject for subject in ledger.subjects if subject.name == name)


def proof_of(ledger: Ledger, name: str) -> Optional[Proof]:
    return read_proof(ledger.path(subject_of(ledger, name)))


def write_current_proof(ledger: Ledger, name: str) -> None:
    subject = subject_of(ledger, name)
    made = made_up_proof(
        name,
        {check: result(ledger.digest(check, subject)) for check in subject.checks},
        subject_key(plan_of(subject, ledger.catalog, Given())),
    )
    write_proof(ledger.path(subject), made)


def test_a_check_that_fails_fails_the_command(ledger: Ledger, stand_in: StandIn) -> None:
    stand_in.failed = ["test_it"]
    assert command.main([FIRST]) == 1
    stand_in.failed = []
    assert command.main([FIRST]) == 0


def test_a_later_proof_does_not_make_up_for_a_failed_one(
    ledger: Ledger, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_check(name: str, check: object, subject: Subject, *rest: object) -> Result:
        stand_in.failed = ["test_it"] if subject.name == FIRST else []
        return stand_in._run_check(name, check, subject, *rest)

    monkeypatch.setattr(prove, "run_check", run_check)
    assert command.main([FIRST, SECOND]) == 1
    proofs = [proof_of(ledger, name) for name in (FIRST, SECOND)]
    assert [proof.checks["smoke"].result for proof in proofs if proof] == ["failed", "passed"]


def test_a_subject_without_a_plan_fails_the_command(
    ledger: Ledger, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def plan(subject: Subject, catalog: Catalog, given: Given) -> Plan:
        if subject.name == FIRST:
            raise PythonBuildError("there is no recipe", "write one")
        return plan_of(subject, catalog, given)

    monkeypatch.setattr(states, "plan_of", plan)
    assert command.main([FIRST, SECOND]) == 1
    assert f"FAILED  {FIRST}: there is no recipe\n" in capsys.readouterr().out
    assert proof_of(ledger, FIRST) is None
    assert proof_of(ledger, SECOND) is not None


@pytest.mark.parametrize(("differing", "status"), [("", 0), (FIRST, 1), (SECOND, 1)])
def test_one_repetition_that_differs_fails_the_command(
    ledger: Ledger, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, differing: str, status: int
) -> None:
    def run_check(name: str, check: object, subject: Subject, *rest: object) -> Result:
        stand_in.passed = 4 if subject.name == differing else 5
        return stand_in._run_check(name, check, subject, *rest)

    write_current_proof(ledger, FIRST)
    write_current_proof(ledger, SECOND)
    monkeypatch.setattr(prove, "run_check", run_check)
    assert command.main(["--again", "2", FIRST, SECOND]) == status
    assert len(stand_in.ran) == sum(len(subject_of(ledger, name).checks) for name in (FIRST, SECOND))


def test_only_proofs_and_their_tables_may_differ_from_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ["README.md", "docs/supported.md", "proofs/cpython-3.13.15.yml", "proofs/deb-3.13.15.yml"]
    others = [
        "build-linux.py",
        "cpython-unix/packages/xz/build.sh.j2",
        "cpython-unix/targets.yml",
        "docs/features.md",
        "proofs/checks.yml",
        "proofs/subjects.yml",
        "pythonbuild/home.py",
        "requirements-dev.txt",
        "tests/conftest.py",
        "tests/ledger/tally.py",
    ]
    new = ["cpython-unix/new.yml", "proofs/new.yml", "tests/build/new.py"]
    monkeypatch.setattr(history, "checkout", lambda: tmp_path)

    def write(names: list[str], text: str) -> None:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)

    write([*made, *others], "before")
    history.git("init", "--quiet")
    history.git("add", "--all")
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    history.git(*who, "commit", "--quiet", "--message", "everything")
    assert list(prove.changed_files()) == []
    write([*made, "proofs/deb-new.yml"], "after")
    assert list(prove.changed_files()) == []
    write([*others, *new], "after")
    assert sorted(prove.changed_files()) == sorted([*others, *new])
