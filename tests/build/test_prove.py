"""Proving and repeating, with stand-ins for builds and checks, which take minutes; `.ci/run` repeats a real proof."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from pythonbuild.catalog.load import Catalog
from pythonbuild.store.record import Record
from pythonbuild.store.store import Store
from tests.build.made_up_proofs import BYTES, COMMIT, made_up_proof, result
from tests.ledger import prove
from tests.ledger.build import Anew, BuildFailed, Built, build_folder
from tests.ledger.machine import lacking_for
from tests.ledger.plans import plan_of
from tests.ledger.proofs import Archive, Given, Result, read_proof
from tests.ledger.prove import differing_in_store
from tests.ledger.states import FOLDER, Ledger, State, Status
from tests.ledger.subjects import Subject, SubjectError

CHECK_UNCHANGED = prove.check_unchanged


class StandIn:
    """Builds and checks that give what a test wants; `ran`: the checks that were run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.archives: Mapping[str, Archive] = BYTES
        self.key = "k" * 64
        self.passed = 5
        self.failed: list[str] = []
        self.breaks = ""
        self.ran: list[str] = []
        monkeypatch.setattr(prove, "build", self._build)
        monkeypatch.setattr(prove, "run_check", self._run_check)
        monkeypatch.setattr(prove, "lacking_for", lambda *_: [])
        monkeypatch.setattr(prove, "check_unchanged", lambda _: None)

    @contextmanager
    def _build(self, *_: object) -> Iterator[Built]:
        if self.breaks:
            raise BuildFailed(self.breaks)
        yield Built(Path("nowhere"), self.key, Given(), self.archives, 100.0, 200.0)

    def _run_check(self, name: str, check: object, subject: Subject, *_: object) -> Result:
        self.ran.append(name)
        return result(Ledger().digest(name, subject), self.passed, self.failed)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    for name in ("subjects.yml", "checks.yml"):
        (tmp_path / name).write_text((FOLDER / name).read_text())
    return Ledger(tmp_path)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    return StandIn(monkeypatch)


@pytest.fixture
def status(ledger: Ledger) -> Status:
    """A subject that was proven at another key."""
    subject = next(
        subject for subject in ledger.subjects if subject.name.endswith("3.13.15-x86_64-unknown-linux-gnu-noopt-host")
    )
    made = made_up_proof(
        subject.name, {name: result(ledger.digest(name, subject)) for name in subject.checks}, "o" * 64
    )
    return Status(subject, made, "k" * 64, "", dict.fromkeys(subject.checks, State.STALE))


def test_the_same_bytes_at_another_key_renew_a_proof_without_a_check(
    ledger: Ledger, status: Status, stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prove.Prover(ledger, COMMIT).prove(status)
    assert stand_in.ran == []
    proof = read_proof(ledger.path(status.subject))
    assert proof is not None
    assert status.proof is not None
    assert (proof.key, proof.commit, proof.checks) == (stand_in.key, COMMIT, status.proof.checks)
    assert "renewed: another key, the same bytes" in capsys.readouterr().out


def test_other_bytes_are_checked(ledger: Ledger, status: Status, stand_in: StandIn) -> None:
    stand_in.archives = {**BYTES, "full": Archive(sha256="3" * 64, size=1)}
    assert prove.Prover(ledger, COMMIT).prove(status)
    assert stand_in.ran == list(status.subject.checks)


def test_only_checks_with_another_digest_run_again(ledger: Ledger, status: Status, stand_in: StandIn) -> None:
    assert status.proof is not None
    checks = {
        **status.proof.checks,
        "clients": msgspec.structs.replace(status.proof.checks["clients"], digest="0" * 64),
    }
    other = replace(status, proof=msgspec.structs.replace(status.proof, checks=checks))
    assert prove.Prover(ledger, COMMIT).prove(other)
    assert stand_in.ran == ["clients"]


def test_a_failed_check_is_recorded_and_printed(
    ledger: Ledger, status: Status, stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in.archives = {"full": Archive(sha256="3" * 64, size=1)}
    stand_in.failed = ["test_it"]
    assert not prove.Prover(ledger, COMMIT).prove(status)
    proof = read_proof(ledger.path(status.subject))
    assert proof is not None
    assert proof.checks["smoke"].failed == ["test_it"]
    assert f"FAILED  {status.subject.name}: validate, defects, smoke" in capsys.readouterr().out


def test_a_check_that_cannot_run_loses_no_earlier_result(
    ledger: Ledger, status: Status, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_check(name: str, *rest: object) -> Result:
        if name == "clients":
            raise SubjectError("there is no test")
        return stand_in._run_check(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(prove, "run_check", run_check)
    stand_in.archives = {"full": Archive(sha256="3" * 64, size=1)}
    assert not prove.Prover(ledger, COMMIT).prove(status)
    proof = read_proof(ledger.path(status.subject))
    assert proof is not None
    assert list(proof.checks) == ["validate", "defects", "smoke", "contract"]


def test_results_are_not_recorded_if_the_checkout_changed_meanwhile(
    ledger: Ledger,
    status: Status,
    stand_in: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    unchanged: Iterator[list[str]] = iter([[], ["tests/distribution/test_contract.py"]])
    monkeypatch.setattr(prove, "check_unchanged", CHECK_UNCHANGED)
    monkeypatch.setattr(prove, "git", lambda *_: COMMIT)
    monkeypatch.setattr(prove, "changed_files", lambda: iter(next(unchanged)))
    stand_in.archives = {**BYTES, "full": Archive(sha256="3" * 64, size=1)}
    assert not prove.Prover(ledger, COMMIT).prove(replace(status, proof=None))
    said = capsys.readouterr().out
    assert "the checkout changed while a subject was proved (tests/distribution/test_contract.py)" in said
    proof = read_proof(ledger.path(status.subject))
    assert proof is not None
    assert len(proof.checks) == 1, "what was recorded before the change stays"


def test_requirements_of_checks_are_looked_up_before_the_build(
    ledger: Ledger,
    status: Status,
    stand_in: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(prove, "lacking_for", lambda *_: ["Xvfb is not installed: apt-get install xvfb"])
    stand_in.breaks = "the build started"
    assert not prove.Prover(ledger, COMMIT).prove(status)
    assert not prove.Prover(ledger, COMMIT).repeat(status)
    said = capsys.readouterr().out
    assert said == 2 * (
        f"FAILED  {status.subject.name}: this machine cannot check it\n    Xvfb is not installed: apt-get install xvfb\n"
    )
    assert read_proof(ledger.path(status.subject)) is None


def test_an_emulator_and_its_libraries_are_needed_for_another_cpu(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = next(subject for subject in ledger.subjects if "s390x" in subject.name)
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    lacks = "programs for s390x-unknown-linux-gnu do not run here: apt-get install qemu-user-static libc6-s390x-cross"
    assert lacks in lacking_for(ledger, subject, tmp_path)
    (programs / "qemu-s390x-static").touch(mode=0o755)
    assert lacks in lacking_for(ledger, subject, tmp_path)
    loader = tmp_path / "usr/s390x-linux-gnu/lib/ld64.so.1"
    loader.parent.mkdir(parents=True)
    loader.touch()
    assert lacks not in lacking_for(ledger, subject, tmp_path)


def test_a_build_that_fails_leaves_the_proof_alone(ledger: Ledger, status: Status, stand_in: StandIn) -> None:
    stand_in.breaks = "./build-linux.py ended with 1"
    assert not prove.Prover(ledger, COMMIT).prove(status)
    assert not ledger.path(status.subject).exists()


def test_a_build_removes_the_folders_of_killed_runs_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONBUILD_HOME", str(tmp_path))
    dead = tmp_path / "proving" / "run-dead"
    dead.mkdir(parents=True)
    (dead / "lock").touch()
    with build_folder() as first, build_folder() as second:
        assert sorted(path.name for path in (tmp_path / "proving").glob("run-*")) == sorted(
            Path(folder).name for folder in (first, second)
        )
    assert not list((tmp_path / "proving").glob("run-*"))


def test_a_repeated_proof_gives_the_same(ledger: Ledger, status: Status, stand_in: StandIn) -> None:
    assert prove.Prover(ledger, COMMIT).repeat(status)
    assert stand_in.ran == list(status.subject.checks)
    assert not ledger.path(status.subject).exists()


def test_archives_that_differ_from_the_recorded_bytes_are_found(
    ledger: Ledger, status: Status, stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in.archives = {**BYTES, "install_only": Archive(sha256="3" * 64, size=2)}
    assert not prove.Prover(ledger, COMMIT).repeat(status)
    assert "other bytes than proved at aaaaaaaaaa: install_only" in capsys.readouterr().out
    assert stand_in.ran == []


def test_a_file_that_the_proof_does_not_have_is_found(ledger: Ledger, status: Status, stand_in: StandIn) -> None:
    stand_in.archives = {**BYTES, "debug": Archive(sha256="3" * 64, size=2)}
    assert not prove.Prover(ledger, COMMIT).repeat(status)


def test_results_that_differ_from_the_recorded_ones_are_found(
    ledger: Ledger, status: Status, stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in.passed = 4
    assert not prove.Prover(ledger, COMMIT).repeat(status)
    assert "smoke gave ('passed', 4, 0, []), its proof has ('passed', 5, 0, [])" in capsys.readouterr().out


def test_each_commit_repeats_other_subjects_but_never_one_with_a_profile(ledger: Ledger, status: Status) -> None:
    current = [
        replace(status, subject=subject, checks=dict.fromkeys(subject.checks, State.CURRENT))
        for subject in ledger.subjects
        if not subject.unprovable
    ]
    picked = {found.subject.name for digit in range(100) for found in prove.chosen(current, f"{digit:08x}", 1)}
    assert len(picked) > 20
    assert not [name for name in picked if "pgo" in name or name.startswith("deb-")]
    assert prove.chosen(current, "0" * 8, 1) == prove.chosen(current, "0" * 8, 1)
    assert prove.chosen([status], "0" * 8, 1) == []


def test_bytes_in_the_store_that_differ_from_a_proof_of_the_same_key_are_found(
    ledger: Ledger, status: Status, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proven = status.proof
    assert proven is not None
    monkeypatch.setattr(prove, "home", lambda: tmp_path)
    plan = plan_of(status.subject, ledger.catalog, Given())
    (made,) = [output for output in plan.outputs if str(output.kind) == "full.tar.zst"]
    store = Store(tmp_path / "store")
    (store.work / "tree").mkdir()
    (store.work / "tree" / "full.tar.zst").write_text("these bytes")
    store.put(Record(plan.steps[made.step].key, made.step, {}, tree=""), store.work / "tree")
    same = Archive(sha256=hashlib.sha256(b"these bytes").hexdigest(), size=11)

    def found(archive: Archive, key: str) -> list[str]:
        proof = msgspec.structs.replace(proven, key=key, archives={**BYTES, "full": archive})
        return differing_in_store(ledger, replace(status, proof=proof))

    assert found(same, status.key) == []
    assert found(BYTES["full"], status.key) == ["full"]
    assert found(BYTES["full"], "o" * 64) == [], "a stale proof is not compared"


def test_a_budget_starts_nothing_that_ends_later() -> None:
    assert prove.Budget(60.0).allows(59.0)
    assert not prove.Budget(60.0).allows(61.0)
    assert prove.Budget().allows(1e9)


def note_builds(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Given, Anew]]:
    """Return a list that grows with each build: the subject, what it was given, and what was built anew."""
    noted = []

    def build(subject: Subject, catalog: Catalog, given: Given, anew: Anew) -> AbstractContextManager[Built]:
        noted.append((subject.name, given, anew))
        return stand_in._build()

    monkeypatch.setattr(prove, "build", build)
    return noted


def test_a_failed_result_is_never_reused(ledger: Ledger, status: Status, stand_in: StandIn) -> None:
    """Bytes and digest are the same as when it failed, but the machine may have been at fault."""
    assert status.proof is not None
    failed = result(ledger.digest("smoke", status.subject), 4, ["test_it"])
    proof = msgspec.structs.replace(status.proof, checks={**status.proof.checks, "smoke": failed})
    assert prove.Prover(ledger, COMMIT).prove(replace(status, proof=proof))
    assert stand_in.ran == ["smoke"]
    written = read_proof(ledger.path(status.subject))
    assert written is not None
    assert (written.checks["smoke"].result, written.checks["smoke"].failed) == ("passed", [])


def test_a_repetition_builds_the_python_anew_from_the_same_sources(
    ledger: Ledger, status: Status, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert status.proof is not None
    noted = note_builds(stand_in, monkeypatch)
    given = Given(sources={"xz": "4" * 64})
    other = replace(status, proof=msgspec.structs.replace(status.proof, given=given))
    assert prove.Prover(ledger, COMMIT).repeat(other)
    assert noted == [(status.subject.name, given, Anew.PYTHON)]


@pytest.mark.parametrize(
    ("name", "anew"),
    [
        ("cpython-3.13.15-x86_64-unknown-linux-gnu-noopt-docker", Anew.EVERYTHING),
        ("cpython-3.13.15-x86_64-unknown-linux-gnu-freethreaded+debug-docker", Anew.EVERYTHING),
        ("cpython-3.13.15-x86_64-unknown-linux-gnu-pgo+lto-docker", Anew.NOTHING),
        ("cpython-3.13.15-x86_64-unknown-linux-gnu-noopt-host", Anew.NOTHING),
        ("cpython-3.13.15-aarch64-apple-darwin-noopt-docker", Anew.NOTHING),
        ("deb-3.13.15-x86_64-unknown-linux-gnu-debian-bookworm-fast-docker", Anew.NOTHING),
    ],
)
def test_results_of_gcc_in_containers_never_come_from_the_store(
    ledger: Ledger, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, name: str, anew: Anew
) -> None:
    """The host engine may have filled the store, under the same keys."""
    noted = note_builds(stand_in, monkeypatch)
    subject = next(subject for subject in ledger.subjects if subject.name == name)
    status = Status(subject, None, "k" * 64, "", dict.fromkeys(subject.checks, State.NEVER))
    assert prove.Prover(ledger, COMMIT).prove(status)
    assert noted == [(name, Given(), anew)]
