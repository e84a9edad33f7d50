"""Builds Pythons for platforms other than this machine's, all in one run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pythonbuild.home import checkout
from tests.once import once, python_flags
from tests.tested import note_tested

# Another 64-bit CPU, a big-endian one, another libc, and a static build.
_DEFAULT = (
    "aarch64-unknown-linux-gnu:noopt",
    "s390x-unknown-linux-gnu:noopt",
    "x86_64-unknown-linux-musl:noopt",
    "x86_64-unknown-linux-musl:noopt+static",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--foreign",
        action="append",
        metavar="TARGET:OPTIONS",
        help=f"test this build; may be repeated (default: {' '.join(_DEFAULT)})",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "foreign" in metafunc.fixturenames:
        metafunc.parametrize("foreign", metafunc.config.getoption("--foreign") or _DEFAULT, scope="session")


@pytest.fixture(scope="session")
def archives(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """{TARGET:OPTIONS: folder that holds its archives}."""
    asked = request.config.getoption("--foreign") or _DEFAULT
    flags = ["--engine", request.config.getoption("--engine").replace("auto", "host"), *python_flags(request.config)]
    folder = once(tmp_path_factory, "foreign", lambda folder: _build(asked, flags, folder))
    return {text: folder / text.partition(":")[2] for text in asked}


def _build(asked: Sequence[str], flags: Sequence[str], folder: Path) -> None:
    """Build all targets; the archives of each set of options go to a folder of their own."""
    by_options: dict[str, list[str]] = {}
    for text in asked:
        target, options = text.split(":")
        by_options.setdefault(options, []).append(target)
    for options, targets in by_options.items():
        words = [word for target in targets for word in ("--target", target)]
        command = [sys.executable, str(checkout() / "build-linux.py"), *flags, *words]
        command += ["--options", options, "--output", str(folder / options)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-4000:]
        note_tested(folder / options)


@pytest.fixture
def full(archives: dict[str, Path], foreign: str) -> Path:
    """The full archive of one build."""
    (path,) = archives[foreign].glob(f"*-{foreign.replace(':', '-')}-*.tar.zst")
    return path
