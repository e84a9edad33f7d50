"""tests/run.py itself, in a small checkout: the commands that it prints work, and runs leave nothing behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pythonbuild.home import checkout
from tests.build.conftest import PATIENCE, wait_for, wait_until

PASSES = "def test_it_passes() -> None:\n    assert True\n"
# Names that a shell, a path or pytest itself could take for something else.
FAILS = """import pytest
@pytest.mark.xdist_group("some")
@pytest.mark.parametrize("name", ["a b", "x::y", "q'uote", "[1]", "é", "a@b", "$HOME", "a/b"])
def test_it_fails(name: str) -> None:
    assert name == "x"
"""
GROUPED = """import os, time
import pytest
@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(6))
def test_it_passes(number: int) -> None:
    time.sleep(0.2)
    print("worker", os.environ["PYTEST_XDIST_WORKER"])
"""
# A stand-in for an X server: a process in a session of its own that ends by no signal but one; and a file system where root may mount one.
LEAVES = """import subprocess, time
from pathlib import Path
def test_it_takes_its_time(tmp_path: Path) -> None:
    (tmp_path / "mounted").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(tmp_path / "mounted")], capture_output=True)
    command = ["sh", "-c", "trap '' TERM INT HUP; echo $$ >{note}; while :; do sleep 1; done"]
    subprocess.Popen(command, start_new_session=True)
    time.sleep(3600)
"""


@dataclass
class Checkout:
    """A checkout with the machinery of tests and one file of tests, and a folder for what they leave."""

    root: Path
    temporary: Path
    runs: list[subprocess.Popen[str]] = field(default_factory=list)

    def tests(self, text: str) -> None:
        (self.root / "tests" / "unit" / "test_some.py").write_text(text)

    def start(self, *words: str) -> subprocess.Popen[str]:
        # Its pytest is not part of the one that runs this.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        variables = {**inherited, "TMPDIR": str(self.temporary)}
        process = subprocess.Popen(
            ["env", "--default-signal=INT,HUP", sys.executable, str(self.root / "tests" / "run.py"), *words],
            cwd=self.root,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.runs.append(process)
        return process

    def run(self, *words: str) -> tuple[int, str]:
        process = self.start(*words)
        said, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, said

    def folders(self) -> list[Path]:
        """Return the folders of runs."""
        return list(self.temporary.glob("pythonbuild-tests-*/run-*"))

    def mounts(self) -> list[str]:
        """Return what is mounted below the folders of runs."""
        return [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(self.temporary) in line]


@pytest.fixture
def some(tmp_path: Path) -> Iterator[Checkout]:
    made = Checkout(tmp_path / "checkout", tmp_path / "tmp")
    made.temporary.mkdir()
    (made.root / "tests" / "unit").mkdir(parents=True)
    for name in ("run", "conftest", "leftovers", "lint", "required", "__init__"):
        shutil.copy(checkout() / "tests" / f"{name}.py", made.root / "tests")
    (made.root / "tests" / "unit" / "__init__.py").touch()
    for name in ("pyproject.toml", "pytest.ini", "requirements-dev.txt"):
        shutil.copy(checkout() / name, made.root)
    shutil.copytree(checkout() / "pythonbuild", made.root / "pythonbuild")
    yield made
    for process in made.runs:
        if process.returncode is None:
            process.kill()
            process.communicate()
    # What a run leaves that is not ended by what is tested here.
    made.tests(PASSES)
    made.run("unit")


def alive(note: Path) -> bool:
    """Does the process live that has left its number there?"""
    try:
        status = Path(f"/proc/{int(note.read_text())}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


def test_the_commands_after_a_failure_run_each_failed_test_alone(some: Checkout) -> None:
    some.tests(FAILS)
    status, said = some.run("unit")
    assert status == 1
    assert "8 failed" in said
    commands = re.findall(r"^python3 (tests/run\.py .*)$", said, re.MULTILINE)
    assert len(commands) == 8
    for command in commands:
        shell = f"{sys.executable} {command}"
        variables = {**os.environ, "TMPDIR": str(some.temporary)}
        done = subprocess.run(
            shell, env=variables, shell=True, cwd=some.root, capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.returncode == 1, done.stdout + done.stderr
        assert "1 failed in" in done.stdout
        assert command in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["untt"], "there is no group or test file 'untt'; did you mean unit?"),
        (["prov"], "there is no group or test file 'prov'; did you mean prove?"),
        (["tests/unit/test_nix.py"], "there is no group or test file 'tests/unit/test_nix.py'"),
        ([""], "there is no group or test file ''; the groups are lint, docs, unit, build"),
        (["unit", "prove"], "`prove` must be the first word"),
        (["unit", "-k", "some"], "there is no flag -k; pytest's flags go after --"),
    ],
)
def test_a_wrong_word_is_one_clear_error(some: Checkout, words: list[str], said: str) -> None:
    some.tests(PASSES)
    status, whole = some.run(*words)
    assert status == 2
    assert whole.startswith(f"tests/run.py: {said}")
    assert whole.count("\n") == 1


def test_broken_links_fail_the_documentation(some: Checkout) -> None:
    for name in ("mkdocs.yml", "requirements-docs.txt", "CONTRIBUTING.md"):
        shutil.copy(checkout() / name, some.root)
    shutil.copytree(checkout() / "docs", some.root / "docs")
    status, said = some.run("docs")
    assert status == 0, said
    assert (some.root / "build" / "site" / "index.html").is_file()
    with open(some.root / "docs" / "index.md", "a") as page:
        page.write("\n[a page](nowhere.md), [a part](options.md#nowhere)\n")
    status, said = some.run("docs")
    assert status == 1
    assert "'nowhere.md'" in said
    assert "'#nowhere'" in said


def test_tests_of_one_group_run_in_one_worker(some: Checkout) -> None:
    some.tests(GROUPED)
    status, said = some.run("unit", "--", "--numprocesses=2", "-rP")
    assert status == 0, said
    assert len(set(re.findall(r"worker gw\d", said))) == 1, said
    assert said.count("worker gw") == 6


def test_missing_programs_are_listed_before_the_tests(some: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere")
    some.tests("import pytest\n" + '@pytest.mark.needs("docker")\n' + PASSES)
    status, said = some.run("unit")
    assert status == 0
    line = "unit: no Docker daemon answers, 1 tests will be skipped; apt-get install docker.io"
    assert said.index("usually takes") < said.index(line) < said.index("1 skipped")
    monkeypatch.setenv("PYTHONBUILD_TESTS_REQUIRE", "docker")
    status, said = some.run("unit")
    assert status == 1
    assert "docker is required: no Docker daemon answers" in said


def begin(some: Checkout, tmp_path: Path) -> tuple[subprocess.Popen[str], Path]:
    """Start a run, and return it and the note of the process that its test has started."""
    note = tmp_path / "note"
    some.tests(LEAVES.replace("{note}", str(note)))
    process = some.start("unit")
    wait_for(note)
    wait_until(lambda: bool(note.read_text().strip()), "the process is there")
    return process, note


def test_the_next_run_removes_leftovers_of_a_killed_one(some: Checkout, tmp_path: Path) -> None:
    process, note = begin(some, tmp_path)
    (folder,) = some.folders()
    mounts = len(some.mounts())
    assert mounts == (os.geteuid() == 0)
    process.kill()
    process.communicate()
    assert alive(note)
    some.tests(PASSES)
    status, said = some.run("unit")
    assert status == 0
    assert re.search(r"^removed after an earlier run that was killed: \d+ processes", said, re.MULTILINE), said
    assert not mounts or "1 mounts" in said
    assert not alive(note)
    assert not folder.exists()
    assert not some.mounts()
    assert not some.folders()
    assert "removed:" not in some.run("unit")[1]


def test_processes_of_a_living_run_are_left_alone(some: Checkout, tmp_path: Path) -> None:
    process, note = begin(some, tmp_path)
    some.tests(PASSES)
    status, said = some.run("unit")
    assert status == 0
    assert "removed:" not in said
    assert alive(note)
    assert process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_asked_to_end_leaves_nothing(some: Checkout, tmp_path: Path, number: signal.Signals) -> None:
    process, note = begin(some, tmp_path)
    process.send_signal(number)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + number
    assert "tests left these behind, ended now: " in said
    assert not alive(note)
    assert not some.folders()
    assert not some.mounts()
