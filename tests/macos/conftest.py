"""Pythons for macOS, built here on Linux: no Mac is at hand, so that they are looked at and not run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pythonbuild.home import checkout

_DEFAULT = ("aarch64-apple-darwin", "x86_64-apple-darwin")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--macos",
        action="append",
        metavar="TARGET",
        help=f"test a Python for this target; may be repeated (default: {' '.join(_DEFAULT)})",
    )
    parser.addoption("--macos-options", default="noopt", help="its build options (default: noopt)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "triple" in metafunc.fixturenames:
        metafunc.parametrize("triple", metafunc.config.getoption("--macos") or _DEFAULT, scope="session")


@pytest.fixture(scope="session")
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the archives of all targets, as build-macos.py makes them on Linux."""
    output = tmp_path_factory.mktemp("macos")
    targets = request.config.getoption("--macos") or _DEFAULT
    words = [word for target in targets for word in ("--target-triple", target)]
    words += ["--engine", request.config.getoption("--engine")]
    words += ["--options", request.config.getoption("--macos-options"), "--output", str(output)]
    command = [sys.executable, str(checkout() / "build-macos.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "without the module _tkinter" in done.stderr
    return output


@pytest.fixture(scope="session")
def full(built: Path, triple: str) -> Path:
    """The full archive of one target."""
    (path,) = built.glob(f"*-{triple}-*.tar.zst")
    return path
