"""The real sources of CPython for Windows, as far as they can be fetched without Windows."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pythonbuild.catalog.load import Catalog, load_catalog
from pythonbuild.catalog.schema import Origin
from pythonbuild.home import checkout, home
from pythonbuild.model.version import PythonVersion
from pythonbuild.plan.step import SourceFile
from pythonbuild.sources.cache import SourceCache
from pythonbuild.sources.downloaders import Downloader
from pythonbuild.sources.fetch import fetch_all
from tests.once import once

# Those that Debian carries, and one of each kind of project files.
VERSIONS = ("3.11.2", "3.13.5", "3.13.15")


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog(checkout() / "cpython-unix")


@pytest.fixture(scope="session")
def archive() -> Callable[[str, tuple[Origin, ...]], Path]:
    """A function that fetches an archive, unless it is in the source cache."""

    def fetch(name: str, origins: tuple[Origin, ...]) -> Path:
        cache = SourceCache(home() / "sources")
        mirrors = tuple(os.environ.get("PYTHONBUILD_MIRRORS", "").split())
        fetch_all([SourceFile(name, origins)], cache, Downloader(mirrors), lambda event: None, offline=False)
        return next(filter(None, map(cache.find, origins)))

    return fetch


@pytest.fixture(scope="session")
def projects(
    catalog: Catalog, archive: Callable[[str, tuple[Origin, ...]], Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[PythonVersion, Path]:
    """Folders with PCbuild/ and the table of built-in modules of each CPython, by version."""
    versions = {version: catalog.releases[version].origins for version in map(PythonVersion.parse, VERSIONS)}

    def fill(folder: Path) -> None:
        for version, origins in versions.items():
            _unpack_projects(archive(f"cpython {version}", origins), folder / str(version))

    folder = once(tmp_path_factory, "projects", fill)
    return {version: folder / str(version) for version in versions}


def _unpack_projects(source: Path, folder: Path) -> None:
    with tarfile.open(source) as tar:
        for info in tar:
            name = info.name.partition("/")[2]
            wanted = name == "PC/config.c" or (name.startswith("PCbuild/") and name.count("/") == 1)
            file = tar.extractfile(info) if wanted else None
            if file:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(file.read())


@pytest.fixture(params=VERSIONS)
def source(
    projects: dict[PythonVersion, Path], tmp_path: Path, request: pytest.FixtureRequest
) -> tuple[PythonVersion, Path]:
    """A CPython, and a copy of its projects that a test may change."""
    version = PythonVersion.parse(request.param)
    shutil.copytree(projects[version], tmp_path / "source")
    return version, tmp_path / "source"
