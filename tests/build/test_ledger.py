"""The ledger of proofs: what makes a proof stale and what does not, and planted faults.  In a copy of the checkout, with proofs made up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pythonbuild.home import checkout
from tests.ledger.proofs import Archive, Given, Machine, Proof, ProofError, Result, read_proof, write_proof
from tests.ledger.states import Ledger
from tests.ledger.subjects import SubjectError, load_subjects
from tests.ledger.table import outdated_tables

SUBJECT = "cpython-3.13.15-x86_64-unknown-linux-gnu-noopt-host"
MACOS = "cpython-3.13.15-aarch64-apple-darwin-noopt-docker"
PACKAGES = "deb-3.13.15-x86_64-unknown-linux-gnu-debian-trixie-fast-docker"
# Writes proofs as a run would that found everything in order.
PROVE = """\
import subprocess, sys
from tests.ledger.plans import plan_of, subject_key
from tests.ledger.proofs import Archive, Given, Machine, Proof, Result, write_proof
from tests.ledger.states import Ledger
ledger = Ledger()
commit = subprocess.check_output(["git", "rev-parse", "HEAD"], text=True).strip()
kind = dict(date="2026-11-30", commit=commit, machine=Machine(cpu="made up", cores=2, kernel="6.1"))
told = dict(result="passed", passed=3, skipped={}, failed=[], seconds=60.0, cpu_seconds=60.0)
for subject in ledger.subjects:
    if subject.name in sys.argv:
        checks = {name: Result(digest=ledger.digest(name, subject), **told, **kind) for name in subject.checks}
        key = subject_key(plan_of(subject, ledger.catalog, Given()))
        archives = {"full": Archive(sha256="0" * 64, size=1)}
        del kind["machine"]
        proof = Proof(subject=subject.name, key=key, given=Given(), archives=archives, checks=checks,
                      build_seconds=600.0, build_cpu_seconds=600.0, **kind)
        kind["machine"] = Machine(cpu="made up", cores=2, kernel="6.1")
        write_proof(ledger.path(subject), proof)
"""


@dataclass(frozen=True)
class Copy:
    """A copy of the checkout, with a history of its own."""

    root: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GIT_"))}
        kept["PYTHONBUILD_HOME"] = str(self.root.parent / "cache")
        return subprocess.run(list(words), cwd=self.root, env=kept, capture_output=True, text=True)

    def prove(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "tests.ledger", *words)

    def commit(self) -> str:
        """Commit everything; returns the commit as it is shown."""
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        assert self.run("git", "add", "--all").returncode == 0
        assert self.run("git", *who, "commit", "--quiet", "--message", "a change").returncode == 0
        return self.run("git", "rev-parse", "HEAD").stdout[:10]

    def edit(self, name: str, old: str, new: str) -> str:
        """Change a file; returns the commit that did."""
        path = self.root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        return self.commit()

    def listed(self, *words: str) -> list[str]:
        done = self.prove("--list", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """A copy of what is tracked, in which three subjects are proven."""
    made = Copy(tmp_path / "checkout")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=checkout(), capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (
            (checkout() / name).is_file()
            and not name.startswith("proofs/cpython")
            and not name.startswith("proofs/deb")
        ):
            (made.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(checkout() / name, made.root / name)
    made.run("git", "init", "--quiet")
    made.commit()
    done = made.run(sys.executable, "-c", PROVE, SUBJECT, MACOS, PACKAGES)
    assert done.returncode == 0, done.stderr
    made.commit()
    return made


def current(copy: Copy) -> dict[str, bool]:
    """Return which of the three subjects are current."""
    return {name: all(" current" in line for line in copy.listed(name)[:-1]) for name in (SUBJECT, MACOS, PACKAGES)}


def test_docs_and_the_command_line_make_nothing_stale(copy: Copy) -> None:
    assert all(current(copy).values())
    copy.edit("docs/supported.md", "# What", "# All that")
    copy.edit("pythonbuild/cli/report.py", '"""', '"""Changed.  ')
    copy.edit("CONTRIBUTING.md", "#", "##")
    assert all(current(copy).values())


def test_a_recipe_makes_exactly_its_dependants_stale(copy: Copy) -> None:
    """X11 is for Linux alone; packages use the distribution's libraries."""
    changed = copy.edit("cpython-unix/packages/libX11/build.sh.j2", "#!/bin/sh\n", "#!/bin/sh\n# changed\n")
    copy.edit("README.md", "#", "##")
    assert current(copy) == {SUBJECT: False, MACOS: True, PACKAGES: True}
    assert f"stale since {changed} (libX11: " in copy.listed(SUBJECT)[0]


def test_what_makes_packages_makes_packages_stale(copy: Copy) -> None:
    changed = copy.edit("cpython-unix/debian/packaging/control.j2", "Source:", "# changed\nSource:")
    assert current(copy) == {SUBJECT: True, MACOS: True, PACKAGES: False}
    assert f"stale since {changed} (deb-3.13.15-fast" in copy.listed(PACKAGES)[0]


def test_a_weakened_test_makes_what_it_checked_stale(copy: Copy) -> None:
    changed = copy.edit("tests/distribution/test_clients.py", "assert ", "assert True or ")
    rows = {line.split()[-0 if line.startswith(" ") else 1]: line for line in copy.listed(SUBJECT)[:-1]}
    assert {name for name, line in rows.items() if "stale" in line} == {"clients"}
    assert f"stale since {changed} (tests/distribution/test_clients.py); passed 2026-11-30" in rows["clients"]


def test_an_edited_recipe_does_not_land_without_a_proof(copy: Copy) -> None:
    copy.edit("cpython-unix/packages/libX11/build.sh.j2", "#!/bin/sh\n", "#!/bin/sh\n# changed\n")
    done = copy.prove(SUBJECT, "--stale", "--budget", "1")
    assert done.returncode == 1
    assert "Not current: 1. Proving takes about " in done.stdout
    assert f"python3 tests/run.py prove {SUBJECT}" in done.stdout


def test_what_is_not_committed_cannot_be_proven(copy: Copy) -> None:
    (copy.root / "new-file").write_text("")
    done = copy.prove(SUBJECT)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "prove: commit new-file first: a proof records the commit that it was made from\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("passed: 3", "passed: 4"),
        ("result: passed", "result: failed"),
        ("size: 1", "size: 2"),
        ("digest: ", "digest: 0"),
    ],
)
def test_a_proof_changed_by_hand_is_refused(copy: Copy, old: str, new: str) -> None:
    copy.edit(f"proofs/{SUBJECT}.yml", old, new)
    done = copy.prove("--list", SUBJECT)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"prove: {SUBJECT}.yml was edited by hand: restore it from git")


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"a: &a [*a]", b"[" * 100_000, b"date: 2026-11-30\ndigest: 0", b"!!set {a}"]
)
def test_what_no_program_wrote_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.yml").write_bytes(content)
    with pytest.raises(ProofError, match=r"x\.yml was edited by hand"):
        read_proof(tmp_path / "x.yml")


def test_a_folder_in_place_of_a_proof_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yml").mkdir()
    with pytest.raises(ProofError, match=r"x\.yml cannot be read: Is a directory"):
        read_proof(tmp_path / "x.yml")


@pytest.mark.parametrize("words", [("--again", "-1"), ("--budget", "nan"), ("--budget", "-5"), ("ubuntu",), ("",)])
def test_what_cannot_be_done_is_one_clear_error(copy: Copy, words: tuple[str, ...]) -> None:
    done = copy.prove(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_without_git_nothing_can_be_proven(copy: Copy) -> None:
    shutil.rmtree(copy.root / ".git")
    done = copy.prove(SUBJECT)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("prove: git failed, and a proof names a commit: ")


@pytest.mark.parametrize("name", ["tests/conftest.py", "pytest.ini", "tests/ledger/tally.py"])
def test_what_decides_in_every_check_makes_every_proof_stale(copy: Copy, name: str) -> None:
    with open(copy.root / name, "a") as file:
        file.write("\n# changed\n")
    copy.commit()
    assert not any(current(copy).values())


def test_a_proof_of_another_subject_is_refused(copy: Copy) -> None:
    shutil.copy(copy.root / "proofs" / f"{MACOS}.yml", copy.root / "proofs" / f"{SUBJECT}.yml")
    done = copy.prove("--list", SUBJECT)
    assert done.returncode == 2
    assert f"is the proof of {MACOS}" in done.stderr


def test_a_proof_without_a_subject_is_refused(copy: Copy) -> None:
    shutil.copy(copy.root / "proofs" / f"{MACOS}.yml", copy.root / "proofs" / "cpython-2.7.yml")
    copy.commit()
    done = copy.prove(SUBJECT)
    assert done.returncode == 2
    assert "proofs/cpython-2.7.yml belongs to no subject" in done.stderr


def test_a_pattern_that_fits_nothing_is_refused(copy: Copy) -> None:
    done = copy.prove("--list", "cpython-4")
    assert done.returncode == 2
    assert "no subject matches 'cpython-4'" in done.stderr


def test_a_proof_keeps_what_was_written(tmp_path: Path) -> None:
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
        ("landing: [", "while parsing"),
    ],
)
def test_a_wrong_row_is_one_clear_error(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "subjects.yml").write_text(text)
    with pytest.raises(SubjectError, match=said):
        load_subjects(tmp_path / "subjects.yml")


def test_every_subject_has_a_plan_or_a_reason() -> None:
    ledger = Ledger()
    assert {
        subject.name: status.problem for subject in ledger.subjects if (status := ledger.status(subject)).problem
    } == {subject.name: subject.unprovable for subject in ledger.subjects if subject.unprovable}


def test_the_tables_say_what_the_proofs_say() -> None:
    """If not: python3 tests/run.py prove --table."""
    assert outdated_tables(Ledger()) == []


def test_every_proof_has_its_subject() -> None:
    assert Ledger().strangers() == []
