"""proofs/checks.yml: the tests of each check, the digest of all that a result depends on, and how to run a check."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

import msgspec

from pythonbuild.catalog.load import Catalog
from pythonbuild.home import checkout
from pythonbuild.model.options import BuildOptions
from pythonbuild.model.version import PythonVersion
from tests.display import NoDisplay, virtual_display
from tests.ledger.build import Built, scrubbed
from tests.ledger.proofs import Machine, Result
from tests.ledger.session import run_session
from tests.ledger.subjects import Subject, SubjectError
from tests.ledger.yaml_file import load_yaml
from tests.leftovers import MARK
from tests.required import LACKS

__all__ = ["Check", "check_digest", "files_of", "load_checks", "places_of", "run_check", "today"]

# Files that decide in every check which tests run and what passed.  The conftest.py and __init__.py files above its tests are
# added to them.
_COMMON = (
    "pytest.ini",
    "tests/conftest.py",
    "tests/leftovers.py",
    "tests/once.py",
    "tests/required.py",
    "tests/tested.py",
    "tests/ledger/__init__.py",
    "tests/ledger/session.py",
    "tests/ledger/tally.py",
)
# Packages of requirements-dev.txt that run every check.
_RUNNERS = ("pytest", "pytest-xdist")


class Check(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A check of subjects; proofs/checks.yml describes the fields."""

    description: str
    tests: tuple[str, ...]
    select: str
    needs: tuple[str, ...] = ()
    made_of: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    reads: tuple[Literal["target", "modules", "failures"], ...] = ()
    skips: tuple[str, ...] = ()
    runs: bool = True


def load_checks(path: Path) -> dict[str, Check]:
    """Read checks.yml.  Raises SubjectError if it is wrong."""
    try:
        checks = load_yaml(path, dict[str, Check])
    except ValueError as error:
        raise SubjectError(str(error)) from None
    for name, check in checks.items():
        if not check.tests:
            raise SubjectError(f"{path.name}: {name} has no tests")
        try:
            shlex.split(check.select.format(**dict.fromkeys(Subject.__struct_fields__, "")))
        except (LookupError, ValueError) as error:
            raise SubjectError(f"{path.name}: select of {name} is wrong: {error}") from None
        unknown = set(check.needs) - {*LACKS, "gcc", "clang"}
        if unknown:
            raise SubjectError(
                f"{path.name}: {name} needs {', '.join(sorted(unknown))}, which tests/required.py does not know"
            )
    return checks


def places_of(check: Check, root: Path) -> list[str]:
    """Return the files and folders that make up a check, relative to the checkout `root`."""
    loaded = {str(path.relative_to(root)) for name in check.tests for path in _loaded(root / name, root)}
    return sorted({*_COMMON, *check.tests, *check.made_of, *loaded})


def files_of(check: Check, root: Path) -> list[Path]:
    """Return the files that make up a check, sorted.  Raises SubjectError if one is missing."""
    found: set[Path] = set()
    for name in places_of(check, root):
        path = root / name
        if root not in path.resolve().parents:
            raise SubjectError(f"checks.yml names {name}, which is not in this checkout")
        if path.is_dir():
            found |= {file for file in path.rglob("*") if file.is_file() and file.suffix != ".pyc"}
        elif path.is_file():
            found.add(path)
        else:
            raise SubjectError(f"checks.yml names {name}, which does not exist")
    return sorted(found)


def check_digest(check: Check, subject: Subject, catalog: Catalog, root: Path) -> str:
    """Return a digest (SHA-256, hexadecimal) of everything that a result depends on, besides the subject's bytes."""
    rules = [check.select, list(check.needs), list(check.skips), check.runs, pins(root, (*_RUNNERS, *check.programs))]
    digest = hashlib.sha256(msgspec.json.encode(rules))
    for path in files_of(check, root):
        digest.update(str(path.relative_to(root)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    if "target" in check.reads:
        digest.update(msgspec.json.encode(catalog.target(subject.target), order="sorted"))
    python, options = PythonVersion.parse(subject.python), BuildOptions.parse(subject.options or "noopt")
    if "modules" in check.reads:
        digest.update(msgspec.json.encode(sorted(catalog.modules(subject.target, python, str(options).split("+")))))
    if "failures" in check.reads:
        failures = catalog.expected_failures(subject.target, python, str(options))
        digest.update(msgspec.json.encode(failures, order="sorted"))
    return digest.hexdigest()


def _loaded(test: Path, root: Path) -> list[Path]:
    """Return the files that pytest loads before a test file of the checkout `root`."""
    folders = [folder for folder in test.parents if root / "tests" in (folder, *folder.parents)]
    files = [folder / name for folder in folders for name in ("conftest.py", "__init__.py")]
    return [path for path in files if path.is_file()]


def pins(root: Path, names: Sequence[str]) -> dict[str, str]:
    """Return the pinned versions of each package in requirements-dev.txt; a Python may have one of its own.

    Raises SubjectError if a package is not pinned.
    """
    pinned: dict[str, str] = {}
    for line in (root / "requirements-dev.txt").read_text().splitlines():
        match = re.match(r"([\w.-]+)==([\w.+-]+)", line)
        if match:
            pinned[match[1]] = f"{pinned.get(match[1], '')} {match[2]}".strip()
    missing = [name for name in names if name not in pinned]
    if missing:
        raise SubjectError(f"requirements-dev.txt does not pin {', '.join(missing)}, which checks.yml names")
    return {name: pinned[name] for name in names}


def run_check(name: str, check: Check, subject: Subject, built: Built, catalog: Catalog, commit: str) -> Result:
    """Run a check on a built subject.  Raises SubjectError if no test ran."""
    digest = check_digest(check, subject, catalog, checkout())
    flags = check.select.format(**msgspec.to_builtins(subject))
    before, started = _cpu_seconds(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="prove-", dir=os.environ.get(MARK)) as folder, _display(check) as display:
        variables = scrubbed(
            PYTHONBUILD_HOME=str(built.home), PYTHONBUILD_TESTS_REQUIRE=" ".join(check.needs), **display
        )
        session = run_session(check.tests, flags, subject.engine, checkout(), Path(folder), variables)
    seconds, cpu_seconds = time.monotonic() - started, _cpu_seconds() - before
    found = session.tally
    if not found:
        raise SubjectError(f"check {name} of {subject.name} ran no test:\n{session.output[-3000:]}")
    wanted = {kind: archive.sha256 for kind, archive in built.archives.items()}
    verdict = session.verdict(check.skips, wanted)
    if verdict.failed:
        sys.stdout.write(session.output[-6000:])
    return Result(
        digest=digest,
        result=verdict.result,
        passed=found.passed,
        skipped=found.skipped,
        failed=verdict.failed,
        seconds=round(seconds, 1),
        cpu_seconds=round(cpu_seconds, 1),
        date=today(),
        commit=commit,
        machine=_machine(subject, catalog),
    )


def today() -> str:
    """Return the date (UTC), e.g. 2026-11-30."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%d")


@contextmanager
def _display(check: Check) -> Iterator[dict[str, str]]:
    """Run a display for a check that needs one; gives the variables that lead to it."""
    if "display" not in check.needs:
        yield {}
        return
    try:
        with virtual_display() as variables:
            yield variables
    except NoDisplay as error:
        raise SubjectError(f"this check needs a display, and {error}") from None


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _machine(subject: Subject, catalog: Catalog) -> Machine:
    """Return the kind of this machine, and the emulator of the subject's CPU on it."""
    models = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    target = catalog.target(subject.target)
    program = f"qemu-{target.emulator.cpu}-static" if target.emulator and target.arch != platform.machine() else ""
    emulator = ""
    if program and "-linux-" in subject.target and shutil.which(program):
        said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
        emulator = said.splitlines()[0].partition(" (")[0] if said else program
    return Machine(
        cpu=models[0] if models else platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        kernel=platform.release().partition("-")[0],
        emulator=emulator,
    )


def _lines(path: str) -> Iterator[str]:
    with open(path) as file:
        yield from file
