"""Builds Pythons for macOS on Linux.  The tests only inspect them; running them would require a Mac."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pythonbuild.home import checkout
from tests.once import once, python_flags
from tests.tested import note_tested

_DEFAULT = ("aarch64-apple-darwin", "x86_64-apple-darwin")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--macos",
        action="append",
        metavar="TARGET",
        help=f"test a Python for this target; may be repeated (default: {' '.join(_DEFAULT)})",
    )
    parser.addoption("--macos-options", default="noopt", help="build options of these Pythons (default: noopt)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "triple" in metafunc.fixturenames:
        triples = metafunc.config.getoption("--macos") or _DEFAULT
        # Reading an archive takes longer than judging it, so one worker runs all tests of a target.
        grouped = [pytest.param(triple, marks=pytest.mark.xdist_group(triple)) for triple in triples]
        metafunc.parametrize("triple", grouped, scope="session")


@pytest.fixture(scope="session")
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the archives of all targets, built with build-macos.py on Linux."""
    targets = request.config.getoption("--macos") or _DEFAULT
    flags = ["--options", request.config.getoption("--macos-options"), "--engine", request.config.getoption("--engine")]
    flags += python_flags(request.config)
    return once(tmp_path_factory, "macos", lambda folder: _build(targets, flags, folder))


def _build(targets: Sequence[str], flags: Sequence[str], folder: Path) -> None:
    words = [word for target in targets for word in ("--target-triple", target)]
    words += [*flags, "--output", str(folder)]
    command = [sys.executable, str(checkout() / "build-macos.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "without the module _tkinter" in done.stderr
    note_tested(folder)


@pytest.fixture(scope="session")
def full(built: Path, triple: str) -> Path:
    """The full archive of one target."""
    (path,) = built.glob(f"*-{triple}-*.tar.zst")
    return path
