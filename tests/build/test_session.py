"""Runs of pytest for proofs: skipped tests, accepted results and notes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.ledger.session import Session, Verdict, run_session

CONFTEST = """\
import pytest
def pytest_addoption(parser):
    parser.addoption("--engine")
"""
TESTS = """\
from pathlib import Path
import pytest
from tests.tested import note_tested
def test_passes(tmp_path):
    (tmp_path / "archive").write_text("bytes")
    note_tested(tmp_path)
def test_also_passes():
    pass
@pytest.mark.skip("there is no moon")
def test_is_skipped():
    pass
"""
SEEN = hashlib.sha256(b"bytes").hexdigest()
BROKEN = """\
import pytest
@pytest.fixture
def broken():
    raise ValueError
@pytest.fixture
def breaks_later():
    yield
    raise ValueError
def test_passes():
    pass
def test_fails():
    assert False
def test_breaks(broken):
    pass
class TestLater:
    def test_breaks_later(self, breaks_later):
        pass
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with three tests."""
    made = tmp_path / "checkout"
    (made / "tests").mkdir(parents=True)
    ours = Path(__file__).parent.parent
    (made / "tests" / "__init__.py").touch()
    (made / "tests" / "tested.py").write_text((ours / "tested.py").read_text())
    (made / "tests" / "conftest.py").write_text(CONFTEST)
    (made / "tests" / "test_it.py").write_text(TESTS)
    return made


def run(root: Path, flags: str = "") -> Session:
    folder = root.parent / "session"
    folder.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return run_session(["tests/test_it.py"], flags, "host", root, folder, {**kept, "PYTHONPATH": str(root)})


def test_results_and_tested_files_come_back(root: Path) -> None:
    session = run(root)
    assert session.tally
    assert (session.tally.passed, session.tally.skipped) == (2, {"there is no moon": 1})
    assert session.verdict(["there is no moon"], {"full": SEEN}) == Verdict("passed", [])


def test_a_skip_needs_an_allowed_reason(root: Path) -> None:
    assert run(root).verdict(["there is no sun"], {}) == Verdict("failed", ["skipped: there is no moon"])


def test_files_that_no_test_saw_are_a_problem(root: Path) -> None:
    verdict = run(root).verdict(["there is no moon"], {"full": SEEN, "install_only": "0" * 64})
    assert verdict == Verdict("failed", ["not tested: install_only"])


def test_a_conftest_outside_of_the_tests_decides_nothing(root: Path) -> None:
    (root / "conftest.py").write_text("def pytest_collection_modifyitems(items):\n    del items[1:]\n")
    session = run(root)
    assert session.tally
    assert session.tally.passed == 2


def test_a_run_without_a_test_has_no_tally(root: Path) -> None:
    assert run(root, "-k nothing").tally is None


def test_tests_that_fail_and_fixtures_that_break_are_not_passed(root: Path) -> None:
    (root / "tests" / "test_it.py").write_text(BROKEN)
    session = run(root)
    assert session.tally
    assert session.tally.failed == [
        "tests.test_it.TestLater.test_breaks_later",
        "tests.test_it.test_breaks",
        "tests.test_it.test_fails",
    ]
    assert (session.tally.passed, session.tally.good) == (1, False)
    assert (session.status, session.verdict([], {}).failed) == (1, session.tally.failed)


def test_a_bad_end_that_no_test_explains_is_a_problem(root: Path) -> None:
    with open(root / "tests" / "conftest.py", "a") as file:
        file.write("def pytest_sessionfinish(session):\n    session.exitstatus = 7\n")
    session = run(root)
    assert session.tally
    assert (session.tally.passed, session.tally.failed) == (2, [])
    assert session.verdict(["there is no moon"], {"full": SEEN}).failed == ["pytest ended with 7"]
