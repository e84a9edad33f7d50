"""Builds Pythons as a user would, and unpacks their archives, one of them in a folder with an unusual name."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import zstandard

from pythonbuild.catalog.load import load_catalog
from pythonbuild.engines.unpack import extract_all
from pythonbuild.home import checkout
from tests.display import NoDisplay, virtual_display
from tests.leftovers import MARK
from tests.once import once
from tests.required import REQUIRED
from tests.tested import note_tested

CATALOG = load_catalog(checkout() / "cpython-unix")
_ODD = "odd place with é and ü"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--build",
        action="append",
        metavar="PYTHON:OPTIONS",
        help="test this build, e.g. cpython-3.13.5:debug; may be repeated (default: the default Python, noopt)",
    )
    parser.addoption("--suite", action="store_true", help="also run CPython's whole test suite, which is slow")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "planted: looks for a defect planted in the default build")


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "planted" in getattr(item, "fixturenames", ()):
            item.add_marker("planted")
    left_out = [] if config.getoption("--suite") else [item for item in items if item.path.name == "test_suite.py"]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "built" in metafunc.fixturenames:
        builds = metafunc.config.getoption("--build") or ["cpython-3.13:noopt"]
        # Some modules test the archives rather than the Python in them; for these, one build is enough.
        builds = builds[:1] if getattr(metafunc.module, "ONE_BUILD", False) else builds
        metafunc.parametrize("built", builds, indirect=True, scope="session")


@dataclass(frozen=True)
class Built:
    """The archives of a build, and the folders that they are unpacked in."""

    python: str
    options: str
    archives: Path
    full: Path  # holds python/
    install_only: Path  # holds python/
    abi: str

    @property
    def full_archive(self) -> Path:
        """The full archive, with PYTHON.json and CPython's tests."""
        (path,) = (path for path in self.archives.glob("*.tar.zst") if "install_only" not in path.name)
        return path

    @property
    def interpreter(self) -> Path:
        """The interpreter of the full archive's installation."""
        return self.full / "python" / "install" / "bin" / "python3"


@pytest.fixture(scope="session")
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The archives of one build: full unpacked in a plain folder, install_only in one with an unusual name.

    All workers share these files: a test must not change them, and programs run from them must not write bytecode.
    """
    python, options = request.param.split(":")
    engine = request.config.getoption("--engine")
    folder = once(tmp_path_factory, f"{python}-{options}", lambda folder: _build(python, options, engine, folder))
    flags = ("t" if "freethreaded" in options else "") + ("d" if "debug" in options else "")
    return Built(python, options, folder / "dist", folder / "full", folder / _ODD, flags)


def _build(python: str, options: str, engine: str, folder: Path) -> None:
    """Build the archives and unpack them."""
    output = folder / "dist"
    command = [sys.executable, str(checkout() / "build-linux.py"), "--python", python, "--options", options]
    command += ["--engine", engine, "--output", str(output)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    note_tested(output)
    (archive,) = output.glob("*.tar.zst")
    decompressor = zstandard.ZstdDecompressor()
    with (
        open(archive, "rb") as file,
        decompressor.stream_reader(file) as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        extract_all(tar, folder / "full")
    (archive,) = output.glob("*install_only.tar.gz")
    with tarfile.open(archive) as tar:
        extract_all(tar, folder / _ODD)


def clean_environment(**more: str) -> dict[str, str]:
    """Return an environment without variables that could hide faults, such as certificate paths and Python's settings."""
    names = ("PATH", "HOME", "LANG", "DISPLAY", "XAUTHORITY", MARK)
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {"LANG": "C.UTF-8", "TERM": "xterm", **kept, **more}


@pytest.fixture(scope="session")
def display() -> Iterator[dict[str, str]]:
    """The variables of a virtual X display; {} on a machine without Xvfb."""
    try:
        with virtual_display() as variables:
            yield variables
    except NoDisplay as error:
        if "display" in REQUIRED:
            pytest.fail(f"a display is required, and {error}")
        yield {}
