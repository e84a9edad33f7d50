"""The ledger of proofs, in a copy of the checkout with made-up proofs: which changes make a proof stale, and planted faults."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pythonbuild.home import checkout
from tests.ledger.states import Ledger
from tests.ledger.table import outdated_tables
from tests.once import once

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
# Prints the state of subjects, without the reasons, which take longer to find.
STATES = """\
import sys
from tests.ledger.states import Ledger
ledger = Ledger()
for subject in ledger.subjects:
    if subject.name in sys.argv:
        print(subject.name, ledger.status(subject).state.value)
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


@pytest.fixture(scope="session")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy of the tracked files, with proofs of three subjects; a test must not change it."""
    return Copy(once(tmp_path_factory, "ledger", _make_copy) / "checkout")


@pytest.fixture
def copy(unchanged: Copy, tmp_path: Path) -> Copy:
    """A copy that a test may change."""
    shutil.copytree(unchanged.root, tmp_path / "checkout", symlinks=True)
    return Copy(tmp_path / "checkout")


def _make_copy(folder: Path) -> None:
    made = Copy(folder / "checkout")
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


def current(copy: Copy) -> dict[str, bool]:
    """Return which of the three subjects are current."""
    done = copy.run(sys.executable, "-c", STATES, SUBJECT, MACOS, PACKAGES)
    assert done.returncode == 0, done.stderr
    return {name: state == "current" for name, state in (line.split() for line in done.stdout.splitlines())}


def test_docs_and_the_command_line_make_nothing_stale(copy: Copy) -> None:
    assert all(current(copy).values())
    copy.edit("docs/supported.md", "# What", "# All that")
    copy.edit("pythonbuild/cli/report.py", '"""', '"""Changed.  ')
    copy.edit("pythonbuild/cli/archives.py", '"""', '"""Changed.  ')
    copy.edit("CONTRIBUTING.md", "#", "##")
    assert all(current(copy).values())


def test_a_recipe_makes_exactly_its_dependants_stale(copy: Copy) -> None:
    """X11 is for Linux alone; packages use the distribution's libraries."""
    changed = copy.edit("cpython-unix/packages/libX11/build.sh.j2", "#!/bin/sh\n", "#!/bin/sh\n# changed\n")
    copy.edit("README.md", "#", "##")
    assert current(copy) == {SUBJECT: False, MACOS: True, PACKAGES: True}
    assert f"stale since {changed} (libX11: " in copy.listed(SUBJECT)[0]


def test_code_for_packages_makes_only_proofs_of_packages_stale(copy: Copy) -> None:
    changed = copy.edit("cpython-unix/debian/packaging/control.j2", "Source:", "# changed\nSource:")
    assert current(copy) == {SUBJECT: True, MACOS: True, PACKAGES: False}
    assert f"stale since {changed} (deb-3.13.15-fast" in copy.listed(PACKAGES)[0]


def test_a_weakened_test_makes_its_results_stale(copy: Copy) -> None:
    changed = copy.edit("tests/distribution/test_clients.py", "assert ", "assert True or ")
    rows = {line.split()[-0 if line.startswith(" ") else 1]: line for line in copy.listed(SUBJECT)[:-1]}
    assert {name for name, line in rows.items() if "stale" in line} == {"clients"}
    assert f"stale since {changed} (tests/distribution/test_clients.py); passed 2026-11-30" in rows["clients"]


def test_the_commit_named_is_the_first_after_the_last_that_was_current(copy: Copy) -> None:
    name = "tests/distribution/test_clients.py"
    copy.edit(name, "assert ", "assert True or ")
    copy.edit(name, "assert True or ", "assert ")
    changed = copy.edit(name, "assert ", "assert 1 or ")
    copy.edit(name, "assert 1 or ", "assert 2 or ")
    (row,) = [line for line in copy.listed(SUBJECT) if "stale since" in line]
    assert f"stale since {changed} ({name})" in row


def test_files_that_are_new_or_gone_are_named(copy: Copy) -> None:
    folder = copy.root / "pythonbuild" / "validation"
    (folder / "new_rules.py").write_text("")
    rows = [line for line in copy.listed(SUBJECT) if "stale since" in line]
    assert rows
    assert all("since uncommitted changes (pythonbuild/validation/new_rules.py)" in row for row in rows)
    (folder / "new_rules.py").unlink()
    (folder / "smoke" / "screens.py").unlink()
    changed = copy.commit()
    rows = [line for line in copy.listed(SUBJECT) if "stale since" in line]
    assert rows
    assert all(f"since {changed} (pythonbuild/validation/smoke/screens.py)" in row for row in rows)


def test_an_edited_recipe_does_not_land_without_a_proof(copy: Copy) -> None:
    copy.edit("cpython-unix/packages/libX11/build.sh.j2", "#!/bin/sh\n", "#!/bin/sh\n# changed\n")
    done = copy.prove(SUBJECT, "--stale", "--budget", "1")
    assert done.returncode == 1
    assert "Not current: 1. Proving takes about " in done.stdout
    assert f"python3 tests/run.py prove {SUBJECT}" in done.stdout


def test_uncommitted_changes_cannot_be_proven(copy: Copy) -> None:
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


# A few lines that stand for 9 ** 9 words.
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--again -1", "'-1' is not a number of subjects"),
        ("--again x", "'x' is not a number of subjects"),
        ("--budget nan", "'nan' is not a number of minutes"),
        ("--budget -5", "'-5' is not a number of minutes"),
        ("--budget abc", "'abc' is not a number of minutes"),
        ("--list --again 3", "--list and --again cannot be combined"),
        ("--table s390x", "drop the patterns and --rank"),
        ("--list --stale", "--stale has no effect with --list; drop one of them"),
        ("--again 1 --budget 5", "--budget has no effect with --again; drop one of them"),
        ("--list --budget 0", "--budget has no effect with --list; drop one of them"),
        ("--again 1 s390x", "only 0 of the selected subjects can be repeated: they must be current"),
        ("ubuntu", "cannot be proven: our build machines cannot download an image of Ubuntu"),
        ("--rank landing s390x", "no subject of rank landing matches 's390x'"),
    ],
)
def test_an_impossible_command_gives_one_clear_error(unchanged: Copy, words: str, said: str) -> None:
    done = unchanged.prove(*words.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_pattern_is_refused(unchanged: Copy) -> None:
    assert "no subject matches ''" in unchanged.prove("").stderr


def test_a_pattern_may_fit_subjects_that_cannot_be_proven_too(copy: Copy) -> None:
    done = copy.prove("x86_64_v", "--budget", "0")
    assert done.returncode == 1
    assert (
        "left out: cpython-3.13.15-x86_64_v4-unknown-linux-gnu-noopt-host: not all of our build machines" in done.stdout
    )
    assert "Not current: 2." in done.stdout


@pytest.mark.parametrize("words", ["--table", "s390x"])
def test_a_readme_that_is_not_text_gives_one_clear_error(copy: Copy, words: str) -> None:
    with open(copy.root / "README.md", "ab") as readme:
        readme.write(b"\xff")
    copy.commit()
    done = copy.prove(words)
    assert (done.returncode, done.stderr) == (2, "prove: README.md is not UTF-8 text\n")


def test_subjects_that_the_flags_leave_out_are_counted(copy: Copy) -> None:
    done = copy.prove("s390x", "--stale")
    assert (done.returncode, done.stdout) == (0, "1 more are not current; --stale or --missing leaves them out\n")


def test_without_the_program_git_there_is_one_clear_error(copy: Copy) -> None:
    copy.edit("tests/distribution/test_clients.py", "assert ", "assert True or ")
    done = copy.run("env", "PATH=/nowhere", sys.executable, "-m", "tests.ledger", "--list", SUBJECT)
    assert done.returncode == 2
    assert done.stderr.startswith("prove: git is missing")


def test_a_checkout_inside_another_repository_is_refused(copy: Copy) -> None:
    shutil.rmtree(copy.root / ".git")
    subprocess.run(["git", "init", "--quiet", str(copy.root.parent)], check=True)
    done = copy.prove(SUBJECT)
    assert (done.returncode, done.stdout) == (2, "")
    assert "the checkout is inside another git repository" in done.stderr


def test_a_half_written_proof_of_a_killed_run_is_named(copy: Copy) -> None:
    (copy.root / "proofs" / f".{SUBJECT}.yml.123").touch()
    for words in ([SUBJECT], ["--list", SUBJECT]):
        done = copy.prove(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"proofs/.{SUBJECT}.yml.123 was left by a run that was killed: delete it" in done.stderr


def test_without_git_nothing_can_be_proven(copy: Copy) -> None:
    shutil.rmtree(copy.root / ".git")
    done = copy.prove(SUBJECT)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("prove: git failed, and a proof names a commit: ")


def test_another_version_of_a_program_makes_its_results_stale(copy: Copy) -> None:
    changed = copy.edit("requirements-dev.txt", "\nuv==", "\nuv==9")
    rows = copy.listed(SUBJECT)[:-1]
    assert [row.split()[0] for row in rows if "stale" in row] == ["clients"]
    assert any(f"stale since {changed} (requirements-dev.txt)" in row for row in rows)


def test_another_version_of_pytest_makes_every_proof_stale(copy: Copy) -> None:
    copy.edit("requirements-dev.txt", "\npytest==", "\npytest==9")
    assert not any(current(copy).values())


def test_data_that_a_check_reads_makes_it_stale(copy: Copy) -> None:
    changed = copy.edit(
        "cpython-unix/expected-failures.yml", "- &expat", "- {test: test.test_x, reason: none}\n\n- &expat"
    )
    rows = copy.listed(SUBJECT)[:-1]
    assert [row.split()[0] for row in rows if "stale" in row] == ["stdlib"]
    assert any(f"stale since {changed} (cpython-unix/expected-failures.yml)" in row for row in rows)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("pythonbuild/validation/testing.py", "return self.smoke and", "return True or"),
        ("pythonbuild/catalog/load.py", "found.modules.split()", "()"),
    ],
)
def test_a_change_of_judging_code_makes_its_results_stale(copy: Copy, name: str, old: str, new: str) -> None:
    copy.edit(name, old, new)
    assert current(copy) == {SUBJECT: False, MACOS: False, PACKAGES: True}


@pytest.mark.parametrize(
    "name", ["tests/conftest.py", "pytest.ini", "tests/required.py", "tests/ledger/session.py", "tests/ledger/tally.py"]
)
def test_a_change_of_code_used_by_every_check_makes_every_proof_stale(copy: Copy, name: str) -> None:
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


def test_a_pattern_that_fits_nothing_is_refused(unchanged: Copy) -> None:
    done = unchanged.prove("--list", "cpython-4")
    assert done.returncode == 2
    assert "no subject matches 'cpython-4'" in done.stderr


def test_every_subject_that_can_be_proven_has_a_plan() -> None:
    ledger = Ledger()
    statuses = [ledger.status(subject) for subject in ledger.subjects if not subject.unprovable]
    assert {status.subject.name: status.problem for status in statuses if not status.key} == {}


def test_the_tables_match_the_proofs() -> None:
    """If not: python3 tests/run.py prove --table."""
    assert outdated_tables(Ledger()) == []


def test_every_proof_has_its_subject() -> None:
    assert Ledger().strangers() == []
