"""Edited or damaged files of the ledger give one clear error."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pythonbuild.home import checkout
from tests.ledger.checks import load_checks
from tests.ledger.proofs import _HEADER as HEADER
from tests.ledger.proofs import Archive, Given, Machine, Proof, ProofError, Result, read_proof, write_proof
from tests.ledger.subjects import SubjectError, load_subjects

SUBJECT = "cpython-3.13.15-x86_64-unknown-linux-gnu-noopt-host"
BOMB = b"a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (number, number, b",".join([b"*a%d" % (number - 1)] * 9)) for number in range(1, 9)
)


@pytest.mark.parametrize("header", [b"", HEADER.encode()])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"a: &a [*a]",
        b"[" * 100_000,
        b"date: 2026-11-30\ndigest: 0",
        b"!!set {a}",
        b"a: !!int ''",
        b"a: !!float ''",
        b"a: !!bool x",
        b"a: !!timestamp x",
        BOMB,
    ],
)
def test_proofs_that_no_program_wrote_are_refused(tmp_path: Path, header: bytes, content: bytes) -> None:
    (tmp_path / "x.yml").write_bytes(header + content)
    with pytest.raises(ProofError, match=r"x\.yml was edited by hand"):
        read_proof(tmp_path / "x.yml")


def test_a_folder_in_place_of_a_proof_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yml").mkdir()
    with pytest.raises(ProofError, match=r"x\.yml cannot be read: Is a directory"):
        read_proof(tmp_path / "x.yml")


def test_a_proof_reads_back_as_written(tmp_path: Path) -> None:
    machine = Machine(cpu="made up", cores=2, kernel="6.1", emulator="qemu 7.2")
    result = Result(
        digest="0" * 64,
        result="failed",
        passed=1,
        skipped={"no é here": 2},
        failed=["test_a"],
        seconds=1.5,
        cpu_seconds=1.0,
        date="2026-11-30",
        commit="a" * 40,
        machine=machine,
    )
    proof = Proof(
        subject="x",
        key="1" * 64,
        given=Given(sources={"xz": "2" * 64}),
        archives={"full": Archive(sha256="3" * 64, size=7)},
        build_seconds=1.0,
        build_cpu_seconds=2.0,
        commit="a" * 40,
        date="2026-11-30",
        checks={"smoke": result},
    )
    write_proof(tmp_path / "x.yml", proof)
    assert read_proof(tmp_path / "x.yml") == proof
    assert [path.name for path in tmp_path.iterdir()] == ["x.yml"]


@pytest.mark.parametrize("empty", ["archives", "checks"])
def test_a_proof_of_nothing_is_refused(tmp_path: Path, empty: str) -> None:
    proof = read_proof(checkout() / "proofs" / f"{SUBJECT}.yml")
    assert proof is not None
    write_proof(tmp_path / "x.yml", msgspec.structs.replace(proof, **{empty: {}}))
    with pytest.raises(ProofError, match=rf"x\.yml cannot be used: .*{empty}.*; delete it and prove again"):
        read_proof(tmp_path / "x.yml")


def test_a_proof_with_conflict_markers_is_named_so(tmp_path: Path) -> None:
    text = (checkout() / "proofs" / f"{SUBJECT}.yml").read_text()
    (tmp_path / "x.yml").write_text(text.replace("\narchives:", "\n<<<<<<< HEAD\narchives:"))
    with pytest.raises(ProofError, match=r"x\.yml has conflict markers"):
        read_proof(tmp_path / "x.yml")


def test_a_truncated_proof_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text("subject: [")
    with pytest.raises(ProofError, match=r"x\.yml was edited by hand"):
        read_proof(tmp_path / "x.yml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("landing: []", "missing required field `release`"),
        ("landing: []\nrelease: [{pythons: ['3.13'], engine: host}]", "unknown field `engine`"),
        ("landing: []\nrelease: [{pythons: ['3.13']}]", "needs checks, or `unprovable`"),
        ("landing: []\nrelease: [{pythons: ['3.13', '3.13'], checks: [smoke]}]", "is listed twice"),
        ("landing: [{pythons: ['3.13'], unprovable: later}]\nrelease: []", "neither checks nor rank landing"),
        ("landing: []\nrelease: [{pythons: ['3.13'], unprovable: x, checks: [smoke]}]", "neither checks nor rank"),
        ("landing: []\nrelease: [{pythons: ['../x'], checks: [smoke]}]", "'../x', which cannot be part of"),
        ("landing: []\nrelease: [{pythons: ['3.13'], packages: [''], checks: [smoke]}]", "'', which cannot be part of"),
        ("landing: [", "while parsing"),
        ("landing: !!int ''", "subjects.yml: "),
        ("landing: []\nrelease: [{pythons: ['3.13'], packages: ['debian:trixie --typo'], checks: [x]}]", "has --typo"),
        (
            "landing: []\nrelease: [{pythons: ['3.13'], packages: ['debian:trixie'], options: [pgo], checks: [x]}]",
            "has options, which packages do not take",
        ),
    ],
)
def test_a_wrong_row_is_one_clear_error(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "subjects.yml").write_text(text)
    with pytest.raises(SubjectError, match=said):
        load_subjects(tmp_path / "subjects.yml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x: {description: d, tests: [], select: ''}", "x has no tests"),
        ("x: {description: d, tests: [t], select: '{optoins}'}", "select of x is wrong: 'optoins'"),
        ("x: {description: d, tests: [t], select: '', needs: [gold]}", "x needs gold"),
        ("x: !!timestamp x", r"checks\.yml: "),
    ],
)
def test_a_wrong_check_is_one_clear_error(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "checks.yml").write_text(text)
    with pytest.raises(SubjectError, match=said):
        load_checks(tmp_path / "checks.yml")
