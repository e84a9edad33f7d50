"""The build of a subject for its proof.  The entry script is a stand-in, because a real build takes minutes."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from pythonbuild.catalog.load import Catalog
from pythonbuild.plan.step import Plan
from pythonbuild.store.record import Record
from pythonbuild.store.store import Store
from tests.ledger import build as building
from tests.ledger.build import Anew, BuildFailed, build
from tests.ledger.plans import plan_of, subject_key
from tests.ledger.proofs import Archive, Given
from tests.ledger.states import Ledger
from tests.ledger.subjects import Subject

STEM = "cpython-3.13.15-x86_64-unknown-linux-gnu-noopt-20261130T1000"
# Kind -> the file that a build leaves.
FILES = {
    "full": f"{STEM}.tar.zst",
    "install_only": f"{STEM}-install_only.tar.gz",
    "install_only_stripped": f"{STEM}-install_only_stripped.tar.gz",
    "sbom": f"{STEM}-sbom.cdx.json",
}
# Files that record when and where the build ran.
OTHERS = (f"{STEM}.intoto.jsonl", "SHA256SUMS")
# Notes its call, and leaves files whose content is their name.  It builds nothing.
ENTRY = f"""\
import json, os, sys
from pathlib import Path
records = Path(os.environ["PYTHONBUILD_HOME"]) / "store" / "records"
call = {{"words": sys.argv[1:], "variables": dict(os.environ), "keys": [path.stem for path in records.iterdir()]}}
with open(Path(__file__).with_name("calls"), "a") as file:
    file.write(json.dumps(call) + "\\n")
if "--only" not in sys.argv:
    output = Path(sys.argv[sys.argv.index("--output") + 1])
    output.mkdir()
    for name in {[*FILES.values(), *OTHERS]!r}:
        (output / name).write_text(name)
"""


class Call(msgspec.Struct):
    """A call of the entry script; keys: the steps whose results the store had."""

    words: list[str]
    variables: dict[str, str]
    keys: list[str]


@dataclass(frozen=True)
class Stage:
    """A subject, its plan, a store of its own, and a checkout with the stand-in."""

    root: Path
    store: Store
    catalog: Catalog
    subject: Subject
    plan: Plan

    def keep(self, *left_out: str) -> None:
        """Put a result of each step into the store, apart from those named."""
        for step in self.plan:
            if step.name not in left_out:
                tree = self.store.work / "tree"
                tree.mkdir()
                (tree / "file").write_text(step.name)
                record = Record(step.key, step.identity, {}, tree="", seconds=2.0, cpu_seconds=3.0)
                self.store.put(record, tree)

    def file(self, name: str) -> Path:
        """Return the only file of a step's result."""
        record = self.store.find(self.plan.steps[name].key)
        assert record
        return self.store.tree(record) / "file"

    def calls(self) -> list[Call]:
        lines = (self.root / "calls").read_text().splitlines()
        return [msgspec.json.decode(line, type=Call) for line in lines]

    def had(self) -> set[str]:
        """Return the names of the steps whose results the last build found."""
        return {step.name for step in self.plan if step.key in self.calls()[-1].keys}


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    root, home = tmp_path / "checkout", tmp_path / "home"
    for folder in (root, home / "sources", home / "venv"):
        folder.mkdir(parents=True)
    (root / "build-linux.py").write_text(ENTRY)
    monkeypatch.setattr(building, "checkout", lambda: root)
    monkeypatch.setenv("PYTHONBUILD_HOME", str(home))
    ledger = Ledger()
    name = "cpython-3.13.15-x86_64-unknown-linux-gnu-noopt-host"
    subject = next(subject for subject in ledger.subjects if subject.name == name)
    plan = plan_of(subject, ledger.catalog, Given())
    return Stage(root, Store(home / "store"), ledger.catalog, subject, plan)


def enter(stage: Stage, anew: Anew) -> None:
    with build(stage.subject, stage.catalog, Given(), anew):
        pass


def test_every_file_of_a_build_is_recorded_but_those_that_vary(stage: Stage) -> None:
    stage.keep()
    with build(stage.subject, stage.catalog, Given(), Anew.NOTHING) as built:
        assert built.archives == {
            kind: Archive(sha256=hashlib.sha256(name.encode()).hexdigest(), size=len(name))
            for kind, name in FILES.items()
        }
        assert built.key == subject_key(stage.plan)
        assert (built.seconds, built.cpu_seconds) == (2.0 * len(stage.plan.steps), 3.0 * len(stage.plan.steps))


def test_a_build_with_another_key_than_planned_fails(stage: Stage) -> None:
    missing = "archive-sbom.cdx.json-3.13.15-noopt"
    stage.keep(missing)
    with pytest.raises(BuildFailed, match=rf"with another key than planned for {missing};"):
        enter(stage, Anew.NOTHING)


def test_no_build_takes_a_damaged_tree(stage: Stage) -> None:
    """Neither the size nor the time of the damaged file tells."""
    stage.keep()
    file = stage.file("openssl")
    before = file.stat()
    file.chmod(0o644)
    file.write_text("OPENSSL")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert stage.file("openssl") == file  # the store does not notice
    with build(stage.subject, stage.catalog, Given(), Anew.NOTHING):
        assert set(stage.plan.steps) - stage.had() == {"openssl"}


@pytest.mark.parametrize(
    "name",
    [
        "PYTHONPATH",
        "PYTHONBUILD_TESTS_REQUIRE",
        "PYTEST_ADDOPTS",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "PYBUILD_NAME",
        "OS_DISTRO_NAME",
        "GIT_DIR",
        "SCCACHE_DIR",
        "SOURCE_DATE_EPOCH",
    ],
)
def test_a_build_runs_without_variables_that_affect_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    stage.keep()
    monkeypatch.setenv(name, "made up")
    monkeypatch.setenv("ANOTHER", "made up")
    with build(stage.subject, stage.catalog, Given(), Anew.NOTHING) as built:
        variables = stage.calls()[-1].variables
        assert name not in variables
        assert (variables["ANOTHER"], variables["PYTHONBUILD_HOME"]) == ("made up", str(built.home))


def test_a_build_uses_results_in_the_store(stage: Stage) -> None:
    stage.keep()
    with build(stage.subject, stage.catalog, Given(), Anew.NOTHING):
        assert stage.had() == set(stage.plan.steps)


@pytest.mark.parametrize("anew", [Anew.PYTHON, Anew.EVERYTHING])
def test_steps_to_build_anew_are_not_taken_from_the_store(stage: Stage, anew: Anew) -> None:
    """The stand-in builds nothing, so the cache folder that it is given lacks the Python in the end."""
    stage.keep()
    with pytest.raises(BuildFailed, match="another key than planned"):
        enter(stage, anew)
    libraries = {name for name in stage.plan.steps if not name.endswith("-3.13.15-noopt")}
    assert stage.had() == (libraries if anew is Anew.PYTHON else {"toolchain-gcc"})
