"""Proofs for the ledger's tests, of builds that never ran."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from tests.ledger.proofs import Archive, Given, Machine, Proof, Result

__all__ = ["BYTES", "COMMIT", "made_up_proof", "result"]

COMMIT = "b" * 40
BYTES = {"full": Archive(sha256="1" * 64, size=1), "install_only": Archive(sha256="2" * 64, size=2)}


def result(digest: str, passed: int = 5, failed: Optional[list[str]] = None) -> Result:
    """Return a check's result; failed: the names of failed tests."""
    return Result(
        digest=digest,
        result="failed" if failed else "passed",
        passed=passed,
        skipped={},
        failed=failed or [],
        seconds=10.0,
        cpu_seconds=10.0,
        date="2026-11-30",
        commit="a" * 40,
        machine=Machine(cpu="made up", cores=2, kernel="6.1"),
    )


def made_up_proof(name: str, checks: Mapping[str, Result], key: str = "k" * 64) -> Proof:
    """Return a proof of the subject `name` with these results."""
    return Proof(
        subject=name,
        key=key,
        given=Given(),
        archives=dict(BYTES),
        build_seconds=100.0,
        build_cpu_seconds=200.0,
        commit="a" * 40,
        date="2026-11-30",
        checks=dict(checks),
    )
