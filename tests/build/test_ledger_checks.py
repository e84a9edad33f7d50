"""Checks of proofs: the coverage of their digests, and failed runs of pytest."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import ExpectedFailure, ModuleSet
from pythonbuild.home import checkout
from tests.ledger import checks
from tests.ledger.build import Built
from tests.ledger.checks import Check, check_digest, run_check
from tests.ledger.proofs import Archive, Given, Result
from tests.ledger.session import Session
from tests.ledger.states import Ledger
from tests.ledger.subjects import Subject
from tests.ledger.tally import Tally

COMMIT = "b" * 40
FULL = Archive(sha256="1" * 64, size=1)
CHECK = Check(
    description="made up", tests=("tests/test_it.py",), select="", skips=("there is no moon", "there is no gdb")
)
# Files that decide in every check which tests run and what passed.
DECIDING = (
    "pytest.ini",
    "tests/conftest.py",
    "tests/leftovers.py",
    "tests/once.py",
    "tests/required.py",
    "tests/tested.py",
    "tests/ledger/__init__.py",
    "tests/ledger/session.py",
    "tests/ledger/tally.py",
)
TESTS = """\
import pytest
def test_passes():
    pass
@pytest.mark.needs("gdb")
def test_debugger():
    pass
"""


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Ledger().catalog


@pytest.fixture(scope="module")
def subject() -> Subject:
    return next(
        found for found in Ledger().subjects if found.name.endswith("3.13.15-x86_64-unknown-linux-gnu-noopt-host")
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with two tests, and the files that decide in every check."""
    made = tmp_path / "checkout"
    for name in ("requirements-dev.txt", "tests/__init__.py", *DECIDING):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(checkout() / name, made / name)
    (made / "tests" / "test_it.py").write_text(TESTS)
    return made


def built(folder: Path, archives: dict[str, Archive]) -> Built:
    return Built(folder, "k" * 64, Given(), archives, 100.0, 200.0)


# What a digest covers.


@pytest.mark.parametrize(
    "changed",
    [
        msgspec.structs.replace(CHECK, select="-k moon"),
        msgspec.structs.replace(CHECK, needs=("gdb",)),
        msgspec.structs.replace(CHECK, skips=("there is no sun",)),
        msgspec.structs.replace(CHECK, runs=False),
    ],
    ids=["select", "needs", "skips", "runs"],
)
def test_another_rule_of_a_check_gives_another_digest(
    root: Path, catalog: Catalog, subject: Subject, changed: Check
) -> None:
    assert check_digest(changed, subject, catalog, root) != check_digest(CHECK, subject, catalog, root)


def test_another_description_gives_the_same_digest(root: Path, catalog: Catalog, subject: Subject) -> None:
    changed = msgspec.structs.replace(CHECK, description="told in other words")
    assert check_digest(changed, subject, catalog, root) == check_digest(CHECK, subject, catalog, root)


@pytest.mark.parametrize("name", [*DECIDING, "tests/__init__.py", "tests/test_it.py"])
def test_code_that_decides_results_is_in_the_digest(root: Path, catalog: Catalog, subject: Subject, name: str) -> None:
    before = check_digest(CHECK, subject, catalog, root)
    with open(root / name, "a") as file:
        file.write("\n# changed\n")
    assert check_digest(CHECK, subject, catalog, root) != before


def with_another_target(catalog: Catalog) -> Catalog:
    triple = "x86_64-unknown-linux-gnu"
    row = msgspec.structs.replace(catalog.target(triple), glibc="2.99")
    return replace(catalog, targets={**catalog.targets, triple: row})


def with_another_module(catalog: Catalog) -> Catalog:
    return replace(catalog, module_sets=(*catalog.module_sets, ModuleSet(modules="made_up")))


def with_another_failure(catalog: Catalog) -> Catalog:
    return replace(catalog, failures=(*catalog.failures, ExpectedFailure(test="test.made_up", reason="none")))


@pytest.mark.parametrize(
    ("kind", "change"),
    [("target", with_another_target), ("modules", with_another_module), ("failures", with_another_failure)],
)
def test_data_is_in_the_digest_of_a_check_that_reads_it_and_of_no_other(
    root: Path,
    catalog: Catalog,
    subject: Subject,
    kind: Literal["target", "modules", "failures"],
    change: Callable[[Catalog], Catalog],
) -> None:
    changed = change(catalog)
    reading = msgspec.structs.replace(CHECK, reads=(kind,))
    assert check_digest(reading, subject, changed, root) != check_digest(reading, subject, catalog, root)
    assert check_digest(CHECK, subject, changed, root) == check_digest(CHECK, subject, catalog, root)


# What fails a check.


def checked(
    session: Session, monkeypatch: pytest.MonkeyPatch, catalog: Catalog, subject: Subject, root: Path
) -> Result:
    """Run a check whose run of pytest gave `session`."""
    monkeypatch.setattr(checks, "checkout", lambda: root)
    monkeypatch.setattr(checks, "run_session", lambda *_: session)
    return run_check("made up", CHECK, subject, built(root, {"full": FULL}), catalog, COMMIT)


SEEN = frozenset([FULL.sha256])


@pytest.mark.parametrize(
    ("session", "problem"),
    [
        (Session(1, "", Tally(1, {}, ["tests.test_it.test_a"]), SEEN), "tests.test_it.test_a"),
        (Session(0, "", Tally(1, {"there is no sun": 1}, []), SEEN), "skipped: there is no sun"),
        (Session(0, "", Tally(1, {}, []), frozenset()), "not tested: full"),
        (Session(3, "", Tally(1, {}, []), SEEN), "pytest ended with 3"),
    ],
    ids=["failed", "skipped", "not tested", "status"],
)
def test_every_problem_of_the_run_fails_the_check(
    root: Path, catalog: Catalog, subject: Subject, monkeypatch: pytest.MonkeyPatch, session: Session, problem: str
) -> None:
    result = checked(session, monkeypatch, catalog, subject, root)
    assert (result.result, result.passed, result.failed) == ("failed", 1, [problem])


def test_a_run_without_problems_passes_the_check(
    root: Path, catalog: Catalog, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(0, "", Tally(2, {"there is no moon": 1}, []), SEEN)
    result = checked(session, monkeypatch, catalog, subject, root)
    assert (result.result, result.passed, result.failed) == ("passed", 2, [])
    assert (result.skipped, result.commit) == ({"there is no moon": 1}, COMMIT)


def test_a_run_that_only_skips_fails_the_check(
    root: Path, catalog: Catalog, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(0, "", Tally(0, {"there is no moon": 1}, []), SEEN)
    assert checked(session, monkeypatch, catalog, subject, root).result == "failed"


def test_a_test_without_the_requirements_of_its_check_fails(
    root: Path, catalog: Catalog, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere it would be skipped, and the check allows that."""
    monkeypatch.setenv("PATH", str(root / "nowhere"))
    monkeypatch.setattr(checks, "checkout", lambda: root)
    needing = msgspec.structs.replace(CHECK, needs=("gdb",))
    result = run_check("made up", needing, subject, built(root, {}), catalog, COMMIT)
    assert (result.result, result.passed, result.failed) == ("failed", 1, ["tests.test_it.test_debugger"])
