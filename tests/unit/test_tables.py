"""The short table in README: a target's Pythons, each with the best state of its options."""

from __future__ import annotations

from tests.ledger.table import Claim, summary


def rows(*claims: tuple[str, str, str]) -> list[tuple[str, ...]]:
    return summary([Claim("t", python, options, verified) for python, options, verified in claims])


def test_the_best_that_was_verified_stands_for_a_python() -> None:
    found = rows(
        ("3.13", "debug", "planned only: no machine"),
        ("3.13", "noopt", "tested 2026-11-29 on X"),
        ("3.13", "pgo", "tested 2026-11-30 on X"),
        ("3.13", "lto", "built and validated 2026-12-01, not run"),
        ("3.12", "noopt", "planned only: no sources"),
    )
    assert found == [("`t`", "3.13: tested 2026-11-30 on X; 3.12: planned only")]


def test_a_failed_check_appears_beside_passed_ones() -> None:
    found = rows(("3.13", "noopt", "tested 2026-11-30 on X"), ("3.13", "debug", "failed 2026-11-30: smoke"))
    assert found == [("`t`", "3.13: failed 2026-11-30: smoke; 3.13: tested 2026-11-30 on X")]
    assert rows(("3.13", "debug", "failed 2026-11-30: smoke")) == [("`t`", "3.13: failed 2026-11-30: smoke")]


def test_pythons_of_one_state_share_it() -> None:
    assert rows(("3.13", "noopt", "tested 2026-11-30 on X"), ("3.11", "noopt", "tested 2026-11-30 on X")) == [
        ("`t`", "3.13, 3.11: tested 2026-11-30 on X")
    ]


def test_a_proof_without_a_check_stands_behind_a_whole_one() -> None:
    found = rows(
        ("3.13", "noopt", "tested 2026-11-30 on X"),
        ("3.13", "debug", "tested 2026-12-01 on X, without stdlib"),
    )
    assert found == [("`t`", "3.13: tested 2026-11-30 on X")]
