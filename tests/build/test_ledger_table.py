"""The tables of what is supported, for subjects whose checks passed, failed or never ran."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.build.made_up_proofs import made_up_proof, result
from tests.ledger import table
from tests.ledger.proofs import Result, write_proof
from tests.ledger.states import FOLDER, Ledger
from tests.ledger.table import write_tables

NAME = "cpython-3.13.15-x86_64-unknown-linux-gnu-noopt-host"


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger without a proof, in a checkout with empty tables."""
    (tmp_path / "proofs").mkdir()
    (tmp_path / "docs").mkdir()
    for name in ("subjects.yml", "checks.yml"):
        (tmp_path / "proofs" / name).write_text((FOLDER / name).read_text())
    for name in ("README.md", "docs/supported.md"):
        (tmp_path / name).write_text("before\n<!-- proofs: begin -->\n<!-- proofs: end -->\nafter\n")
    monkeypatch.setattr(table, "checkout", lambda: tmp_path)
    return Ledger(tmp_path / "proofs")


def proved(ledger: Ledger, changed: Mapping[str, Result]) -> str:
    """Write a proof whose checks passed, apart from those given, and the tables; returns docs/supported.md."""
    subject = next(subject for subject in ledger.subjects if subject.name == NAME)
    made = made_up_proof(NAME, {name: changed.get(name, result("0" * 64)) for name in subject.checks})
    write_proof(ledger.path(subject), made)
    assert write_tables(ledger) == ["README.md", "docs/supported.md"]
    return (ledger.folder.parent / "docs" / "supported.md").read_text()


def test_a_subject_whose_checks_passed_is_shown_as_tested(ledger: Ledger) -> None:
    text = proved(ledger, {})
    assert "| `x86_64-unknown-linux-gnu` | 3.13.15 | `noopt` | tested 2026-11-30 on made up |" in text
    assert "3.13.15: tested 2026-11-30 on made up; " in (ledger.folder.parent / "README.md").read_text()
    assert "failed" not in text


def test_a_subject_with_a_failed_check_is_not_shown_as_tested(ledger: Ledger) -> None:
    text = proved(ledger, {"smoke": result("0" * 64, 4, ["test_it"])})
    assert "| `x86_64-unknown-linux-gnu` | 3.13.15 | `noopt` | failed 2026-11-30: smoke |" in text
    assert f"| `{NAME}` | smoke | 4 passed, 1 failed | 2026-11-30 | `aaaaaaaaaa` |" in text
    readme = (ledger.folder.parent / "README.md").read_text()
    assert "3.13.15: failed 2026-11-30: smoke; " in readme
    assert "tested" not in text + readme
