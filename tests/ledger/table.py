"""Generates the tables of supported Pythons in README.md and docs/supported.md from the proofs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from pythonbuild.home import checkout
from tests.ledger.proofs import Proof, Result, write_atomically
from tests.ledger.states import Ledger
from tests.ledger.subjects import Subject, SubjectError

__all__ = ["Claim", "outdated_tables", "summary", "write_tables"]

# How a subject was verified, from the least to the most; a failure stands apart.
_PLANNED, _BUILT, _TESTED = _KINDS = ("planned only", "built and validated", "tested")
_FAILED = "failed"
_BEGIN, _END = "<!-- proofs: begin -->", "<!-- proofs: end -->"


@dataclass(frozen=True)
class Claim:
    """A row of the table: where a subject runs, its Python and options, and how it was verified."""

    platform: str
    python: str
    options: str
    verified: str

    @property
    def planned(self) -> bool:
        """Was it never built?"""
        return self.verified.startswith(_PLANNED)


def write_tables(ledger: Ledger) -> list[str]:
    """Rewrite the tables; returns the names of the files that changed.  Raises SubjectError if one cannot be written."""
    changed = []
    for name, text in _texts(ledger).items():
        path = checkout() / name
        if path.read_text(encoding="utf-8") != text:
            try:
                write_atomically(path, text)
            except OSError as error:
                raise SubjectError(f"{name} cannot be written: {error.strerror}") from None
            changed.append(name)
    return changed


def outdated_tables(ledger: Ledger) -> list[str]:
    """Return the names of the files whose tables differ from the proofs."""
    return [name for name, text in _texts(ledger).items() if (checkout() / name).read_text(encoding="utf-8") != text]


def _texts(ledger: Ledger) -> dict[str, str]:
    proofs = [(subject, None if subject.unprovable else ledger.proof(subject)) for subject in ledger.subjects]
    claims = [_claim(ledger, subject, proof) for subject, proof in proofs]
    details = [row for subject, proof in proofs if proof for row in _details(subject, proof)]
    short = _rows(["target", "CPython"], summary(claims))
    supported = _rows(["target", "CPython", "options", "verified"], _merged(claims))
    checked = _rows(["subject", "check", "result", "date", "commit", "machine"], details)
    return {
        "README.md": _between(checkout() / "README.md", short),
        "docs/supported.md": _between(
            checkout() / "docs" / "supported.md", f"{supported}\n## Every check\n\n{checked}"
        ),
    }


def _between(path: Path, table: str) -> str:
    """Return a file's text with the table between its two marks.  Raises SubjectError if the file lacks the marks."""
    try:
        before, begin, rest = path.read_text(encoding="utf-8").partition(_BEGIN)
    except OSError as error:
        raise SubjectError(f"{path.name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SubjectError(f"{path.name} is not UTF-8 text") from None
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise SubjectError(f"{path.name} lacks the lines {_BEGIN} and {_END}, between which the table of proofs stands")
    return f"{before}{_BEGIN}\n{table}{_END}{after}"


def _claim(ledger: Ledger, subject: Subject, proof: Optional[Proof]) -> Claim:
    platform = subject.target
    options = subject.options
    if subject.packages:
        distro, *flags = subject.packages.split()
        platform, options = f"{distro} packages ({subject.target.partition('-')[0]})", " ".join(flags) or "full"
    return Claim(platform, subject.python, options, _verified(ledger, subject, proof))


def _verified(ledger: Ledger, subject: Subject, proof: Optional[Proof]) -> str:
    """Return how a subject was verified: tested, built and validated, or planned only."""
    if proof is None:
        return f"{_PLANNED}: {subject.unprovable}" if subject.unprovable else _PLANNED
    results = {name: proof.checks[name] for name in subject.checks if name in proof.checks}
    bad = [name for name, result in results.items() if result.result == "failed"]
    if bad:
        return f"{_FAILED} {proof.date}: {', '.join(bad)}"
    missing = [name for name in subject.checks if name not in results]
    without = f", without {', '.join(missing)}" if missing else ""
    ran = [result for name, result in results.items() if ledger.check(name).runs]
    if ran:
        return f"{_TESTED} {max(result.date for result in ran)} on {_where(ran[0])}{without}"
    return f"{_BUILT} {proof.date}, not run{without}"


def _where(result: Result) -> str:
    return result.machine.emulator or result.machine.cpu


def _merged(claims: Sequence[Claim]) -> list[tuple[str, ...]]:
    """Return the rows of the table; options of a Python that were verified in the same way share a row.

    A subject that only one engine has proved counts as verified.
    """
    known = {(claim.platform, claim.python, claim.options) for claim in claims if not claim.planned}
    rows: dict[tuple[str, str, str], dict[str, None]] = {}
    for claim in claims:
        if not claim.planned or (claim.platform, claim.python, claim.options) not in known:
            rows.setdefault((claim.platform, claim.python, claim.verified), {})[claim.options] = None
    order = list(dict.fromkeys(claim.platform for claim in claims))
    ordered = sorted(rows, key=lambda row: (order.index(row[0]), row[2].startswith(_PLANNED)))
    return [(f"`{row[0]}`", row[1], ", ".join(f"`{name}`" for name in rows[row]), row[2]) for row in ordered]


def summary(claims: Sequence[Claim]) -> list[tuple[str, ...]]:
    """Return a row for each target: its Pythons by the best that was verified for any options, and what failed."""
    verified: dict[tuple[str, str], list[str]] = {}
    for claim in claims:
        verified.setdefault((claim.platform, claim.python), []).append(_PLANNED if claim.planned else claim.verified)
    rows: dict[str, dict[str, list[str]]] = {}
    for (platform, python), texts in verified.items():
        failed = [text for text in texts if text.startswith(_FAILED)]
        best = max((text for text in texts if text not in failed), key=_rank, default=None)
        for text in [*failed, *filter(None, [best])]:
            rows.setdefault(platform, {}).setdefault(text, []).append(python)
    return [
        (f"`{platform}`", "; ".join(f"{', '.join(pythons)}: {text}" for text, pythons in texts.items()))
        for platform, texts in rows.items()
    ]


def _rank(verified: str) -> tuple[int, bool, str]:
    """Return what orders claims: their kind, then whether no check is missing, then their dates, which sort as texts."""
    kind = next(rank for rank, kind in enumerate(_KINDS) if verified.startswith(kind))
    return kind, ", without " not in verified, verified


def _details(subject: Subject, proof: Proof) -> Iterable[tuple[str, ...]]:
    for name, result in proof.checks.items():
        if name not in subject.checks:
            continue
        skipped = sum(result.skipped.values())
        told = f"{result.passed} passed" + (f", {skipped} skipped" if skipped else "")
        told += f", {len(result.failed)} failed" if result.failed else ""
        machine = f"{result.machine.cpu}, {result.machine.cores} cores, Linux {result.machine.kernel}"
        machine += f", {result.machine.emulator}" if result.machine.emulator else ""
        yield f"`{subject.name}`", name, told, result.date, f"`{result.commit[:10]}`", machine


def _rows(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
