"""Builds Debian packages as a user would, and installs them in a clean container of the release."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pythonbuild.binaries.debian import read_control
from pythonbuild.catalog.load import load_catalog
from pythonbuild.home import checkout
from tests.leftovers import MARK
from tests.once import once
from tests.required import daemon
from tests.tested import note_tested

__all__ = ["MAINTAINER", "Box", "Made", "box", "daemon", "made"]

MAINTAINER = "Ada Lovelace <ada@example.org>"
_DEFAULT = ["debian:trixie --fast"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--package",
        action="append",
        metavar="'DISTRO [FLAG]...'",
        help=f"test the packages of this build; may be repeated (default: {_DEFAULT[0]!r})",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "made" in metafunc.fixturenames:
        packages = metafunc.config.getoption("--package") or _DEFAULT
        metafunc.parametrize("made", packages, indirect=True, scope="session")


@dataclass(frozen=True)
class Made:
    """The packages of one build, and the flags of that build."""

    flags: list[str]
    folder: Path

    @property
    def release(self) -> str:
        """The name of the distribution's release."""
        catalog = load_catalog(checkout() / "cpython-unix")
        assert catalog.debian
        return catalog.debian.release(self.flags[1]).name

    @property
    def fast(self) -> bool:
        """Was it built with --fast?"""
        return "--fast" in self.flags

    @property
    def freethreaded(self) -> bool:
        """Does it include a free-threaded interpreter?"""
        return "--no-freethreaded" not in self.flags

    @property
    def interpreters(self) -> list[str]:
        """The names of the interpreters in the packages."""
        return [f"python{self.series}"] + [f"python{self.series}t"] * self.freethreaded

    @property
    def packages(self) -> list[Path]:
        """The packages to install: all except those with debug symbols."""
        return [path for path in sorted(self.folder.glob("*.deb")) if "-dbgsym_" not in path.name]

    @property
    def main(self) -> Path:
        """The package of the interpreter with the GIL."""
        return self.packages[0]

    @property
    def name(self) -> str:
        """The name of the main package."""
        return read_control(self.main)["Package"]

    @property
    def series(self) -> str:
        """The language version, X.Y."""
        return ".".join(read_control(self.main)["Version"].split(".")[:2])

    @property
    def prefix(self) -> str:
        """The folder that the packages install into."""
        return f"/opt/python/python{self.series}"


@pytest.fixture(scope="session")
def made(daemon: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The packages of one build."""
    flags = ["--distro", *request.param.split()]
    return Made(flags, once(tmp_path_factory, re.sub(r"\W+", "-", request.param), lambda folder: _build(flags, folder)))


def _build(flags: list[str], folder: Path) -> None:
    command = [sys.executable, str(checkout() / "build-linux.py"), "--format", "deb", "--engine", "docker", *flags]
    command += ["--maintainer", MAINTAINER, "--output", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    note_tested(folder)


@dataclass
class Box:
    """A container of the release with access to the release's mirror; `folder` is mounted at /given."""

    name: str
    folder: Path
    timeout: int = 900
    prepared: bool = field(default=False)

    def run(self, command: str, check: bool = True) -> str:
        """Run a shell command as root; returns its output."""
        done = subprocess.run(
            ["docker", "exec", "--env", "DEBIAN_FRONTEND=noninteractive", self.name, "bash", "-ec", command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=self.timeout,
        )
        assert done.returncode == 0 or not check, f"{command}\n{done.stdout[-4000:]}"
        return done.stdout.strip()

    def fails(self, command: str) -> str:
        """Run a shell command that must fail; returns its output."""
        return self.run(f"if {{ {command}\n}}; then echo 'it did not fail'; exit 1; fi")

    def install(self, *what: str) -> None:
        """Install packages with apt, without recommended ones."""
        if not self.prepared:
            self.run("apt-get update -qq")
            self.prepared = True
        self.run(f"apt-get install -qq -y --no-install-recommends {' '.join(what)}")

    def files(self) -> set[str]:
        """Return all files, except those that apt and dpkg manage for themselves."""
        own = r"/(var/(lib/(apt|dpkg)|cache|log)|tmp|given|etc/ld\.so\.cache)(/|$)"
        return {path for path in self.run(f"find / -xdev | grep -vE '^{own}'").splitlines() if path}


@pytest.fixture
def box(made: Made, tmp_path: Path) -> Iterator[Box]:
    """A clean container of the build image's base, with the packages in /given."""
    for path in made.folder.iterdir():
        shutil.copy2(path, tmp_path)
    folder = tmp_path
    image = f"localhost/pythonbuild/base-{made.release}:latest"
    command = ["docker", "run", "--detach", "--rm", "--init", "--label", f"{MARK}={os.environ.get(MARK, '')}"]
    command += ["--volume", f"{folder}:/given", image]
    name = subprocess.run([*command, "sleep", "infinity"], check=True, capture_output=True, text=True).stdout.strip()
    try:
        yield Box(name, folder)
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True)
