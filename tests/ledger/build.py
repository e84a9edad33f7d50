"""Builds a subject with its entry script, as a user would, and reads from the store what the build took."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Optional

from pythonbuild.binaries.debian import read_control
from pythonbuild.catalog.load import Catalog
from pythonbuild.home import checkout, home
from pythonbuild.locks import lock
from pythonbuild.model.naming import BuiltFile
from pythonbuild.plan.step import Plan, Step, UnpackAction
from pythonbuild.sources.cache import SourceCache, sha256_of
from pythonbuild.store.record import Record
from pythonbuild.store.store import Store
from tests.ledger.plans import MAINTAINER, debian_image, plan_of, subject_key
from tests.ledger.proofs import Archive, Given
from tests.ledger.subjects import Subject
from tests.leftovers import alive

__all__ = ["Anew", "BuildFailed", "Built", "build", "build_folder", "command_of", "scrubbed"]

# The last characters of a failed build's output, which an error shows.
_SHOWN = 3000


class BuildFailed(Exception):
    """A build failed, or made something else than planned; the text says what to look at."""


class Anew(Enum):
    """Which steps run even if the store has their results: none, the Python's own, or those of its libraries too."""

    NOTHING = "nothing"
    PYTHON = "python"
    EVERYTHING = "everything"


@dataclass(frozen=True)
class Built:
    """The result of a build.

    home: the cache folder that holds it; archives: kind of file -> its digest and size; seconds, cpu_seconds: the sum
    over all steps, including those that an earlier build ran.
    """

    home: Path
    key: str
    given: Given
    archives: Mapping[str, Archive]
    seconds: float
    cpu_seconds: float


def command_of(subject: Subject) -> list[str]:
    """Return the command that builds a subject, without --output, as a person would type it."""
    maintainer = ["--maintainer", MAINTAINER] if subject.packages else []
    return [f"./{subject.script}", *subject.flags, *maintainer]


def scrubbed(**more: str) -> dict[str, str]:
    """Return the environment without variables that affect Pythons, or that say where builds keep files."""
    dropped = ("PYTHON", "PYTEST_", "SSL_CERT", "PYBUILD_", "OS_DISTRO_", "GIT_", "SCCACHE_", "SOURCE_DATE_EPOCH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    # The user's settings file may name a shared store; a proof is about what this machine builds.
    return {**kept, "PYTHONBUILD_HOME": str(home()), "PYTHONBUILD_STORE": "", **more}


@contextmanager
def build(subject: Subject, catalog: Catalog, given: Given, anew: Anew) -> Iterator[Built]:
    """Build a subject; its cache folder exists until the block ends.

    given: the sources and packages of an earlier proof.  Raises BuildFailed.
    """
    _drop_damaged(plan_of(subject, catalog, given), Store(home() / "store"))
    with build_folder() as folder:
        place = home()
        if anew is Anew.PYTHON and not subject.packages:
            _run([*command_of(subject), "--only", "dependencies", "--output", folder], scrubbed())
        if anew is not Anew.NOTHING:
            place = Path(folder) / "home"
            _copy_home(_taken(plan_of(subject, catalog, _given(subject, catalog, given)), anew), place)
        output = Path(folder) / "dist"
        environment = scrubbed(PYTHONBUILD_HOME=str(place))
        _run([*command_of(subject), "--output", str(output)], environment)
        yield _read(subject, catalog, _given(subject, catalog, given, place), place, output)


@contextmanager
def build_folder() -> Iterator[str]:
    """Make a folder on the store's disk, so that a build can link to its trees; removes the folders of killed runs.

    A lock on a file in a folder shows that its run is alive.
    """
    top = home() / "proving"
    top.mkdir(parents=True, exist_ok=True)
    with open(top / "lock", "w") as making:
        lock(making)
        for path in top.glob("run-*"):
            if not alive(path):
                shutil.rmtree(path, ignore_errors=True)
        folder = tempfile.mkdtemp(prefix="run-", dir=top)
        held = open(Path(folder) / "lock", "w")  # noqa: SIM115  (open as long as the block lasts)
        lock(held)
    with held:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], environment: Mapping[str, str]) -> None:
    # Neither results nor compiled objects of other builds, which a settings file of the user may name.
    words = [sys.executable, str(checkout() / command[0]), *command[1:], "--no-sccache"]
    done = subprocess.run(words, env=environment, cwd=checkout(), capture_output=True, text=True)
    if done.returncode:
        raise BuildFailed(
            f"{shlex.join(command)} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-_SHOWN:]}"
        )


def _drop_damaged(plan: Plan, store: Store) -> None:
    """Drop the trees that a build would take from the store and that differ from their manifests."""
    for step in plan:
        record = store.find(step.key)
        if record and store.check(record, thorough=True):
            store.drop(record)


def _taken(plan: Plan, anew: Anew) -> list[Step]:
    """Return the steps whose results a build may take from the store: toolchains, and for PYTHON libraries and tools."""
    shared = plan.closure(list(plan.dependencies())) if plan.dependencies() else Plan({}, ())
    return [step for step in shared if anew is Anew.PYTHON or isinstance(step.action, UnpackAction)]


def _copy_home(taken: list[Step], place: Path) -> None:
    """Make a cache folder that shares sources, and the results of the given steps, with the real one."""
    real = Store(home() / "store")
    made = Store(place / "store")
    for name in ("sources", "venv"):
        (place / name).symlink_to(home() / name)
    for facts in home().glob("image-facts-*"):
        shutil.copy2(facts, place)
    for step in taken:
        record = real.find(step.key)
        if record:
            tree = made.work / "linked"
            shutil.copytree(real.tree(record), tree, symlinks=True, copy_function=os.link)
            made.put(record, tree)


def _given(subject: Subject, catalog: Catalog, before: Given, place: Optional[Path] = None) -> Given:
    """Return what the last build in a cache folder used: sources from the cache, packages from the image."""
    folder = place or home()
    cache = SourceCache(folder / "sources")
    sources = {}
    for step in plan_of(subject, catalog, before):
        for source in step.sources:
            here = [origin for origin in source.origins if cache.find(origin)]
            if here and here[0].sha256 != source.origins[0].sha256:
                sources[source.name] = here[0].sha256
    packages: dict[str, str] = {}
    if subject.packages:
        packages = _image_packages(debian_image(subject, catalog), folder)
    return Given(sources=dict(sorted(sources.items())), packages=packages)


def _image_packages(image: str, folder: Path) -> dict[str, str]:
    """Return the versions of an image's packages, which the last build noted in its cache folder."""
    lines = (folder / f"image-facts-{image}").read_text().splitlines()
    return {name: version for _, name, version in (line.split() for line in lines)}


def _read(subject: Subject, catalog: Catalog, given: Given, place: Path, output: Path) -> Built:
    """Read the result of a build: its steps from the store, by the plan's keys, and its files from the output folder."""
    plan = plan_of(subject, catalog, given)
    store = Store(place / "store")
    records = [store.find(step.key) for step in plan]
    missing = [item.step for item in plan.outputs if not store.find(plan.steps[item.step].key)]
    if missing:
        raise BuildFailed(
            f"{subject.name}: the build succeeded, but with another key than planned for {', '.join(missing)}; "
            "the image has another LLVM version than docker/images.yml pins: pin that version, commit, and prove again"
        )
    made = [record for record in records if isinstance(record, Record)]
    return Built(
        home=place,
        key=subject_key(plan),
        given=given,
        archives=_archives(output),
        seconds=sum(record.seconds for record in made),
        cpu_seconds=sum(record.cpu_seconds for record in made),
    )


def _archives(output: Path) -> dict[str, Archive]:
    """Return the files of a build by kind, without those that record when and where the build ran."""
    found = {}
    for path in sorted(output.iterdir()):
        if path.suffix == ".deb":
            kind = read_control(path)["Package"]
        elif path.name.endswith((".tar.gz", ".tar.zst", ".cdx.json")) and path.name.startswith("cpython-"):
            kind = BuiltFile.parse(path.name).flavour
        else:
            continue
        found[kind] = Archive(sha256=sha256_of(path), size=path.stat().st_size)
    return found
