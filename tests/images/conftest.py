"""Builds container images of Pythons, and loads them into the daemon."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pythonbuild.home import checkout
from tests.once import once, python_flags
from tests.required import daemon
from tests.tested import note_tested

__all__ = ["daemon"]

_DEFAULT = "x86_64-unknown-linux-gnu:noopt"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--image",
        default=_DEFAULT,
        metavar="TARGET:OPTIONS",
        help=f"test the image of this build; a static one has an empty base (default: {_DEFAULT})",
    )


@dataclass(frozen=True)
class Loaded:
    """An image in the daemon.

    archive: the file that was loaded; static: has it an empty base; command: what built it, without --output.
    """

    name: str
    archive: Path
    static: bool
    command: Sequence[str]

    def run(self, program: str) -> str:
        """Run a Python program in a container without network and with a read-only root; returns its output."""
        box = ["docker", "run", "--rm", "--network=none", "--read-only", self.name, "python3", "-c", program]
        done = subprocess.run(box, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout


def build(command: Sequence[str], output: Path) -> None:
    done = subprocess.run([*command, "--output", str(output)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.fixture(scope="session")
def image(daemon: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """The image under test, loaded by `docker load`."""
    target, options = request.config.getoption("--image").split(":")
    engine = request.config.getoption("--engine").replace("auto", "host")
    command = [sys.executable, str(checkout() / "build-linux.py"), "--target", target, "--options", options]
    command += ["--engine", engine, *python_flags(request.config)]
    static = "static" in options
    words = [*command, "--format", "oci", *([] if static else ["--base-image", base()])]
    folder = once(tmp_path_factory, "image", lambda folder: _build(command, words, folder))
    (archive,) = (folder / "image").glob("*-oci*.tar")
    # Docker also tells of an older image that loses its name.
    (line,) = (
        line for line in docker("load", "--input", str(archive)).splitlines() if line.startswith("Loaded image: ")
    )
    return Loaded(line.partition(": ")[2], archive, static, words)


def _build(command: Sequence[str], words: Sequence[str], folder: Path) -> None:
    # The archives have the same Python; a proof is about their bytes.
    build(command, folder / "archives")
    note_tested(folder / "archives")
    build(words, folder / "image")


def base() -> str:
    """Return a Debian that the daemon has: one that packages were built in."""
    names = docker("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines()
    found = [name for name in names if name.startswith("localhost/pythonbuild/base-")]
    assert found, "the daemon has no base image; a build with --engine docker makes one"
    return found[0]
