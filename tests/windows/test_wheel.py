"""pip for Windows, installed from CPython's own wheel, with programs that can be moved."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import lief
import pytest

from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import Origin
from pythonbuild.home import checkout
from pythonbuild.model.version import PythonVersion
from tests.once import once

INSTALLER = checkout() / "cpython-windows/packages/cpython/files/install_wheel.py"
LAUNCHERS = {"t64": "AMD64", "t32": "I386", "t64-arm": "ARM64"}


@pytest.fixture(scope="session", params=["3.11.2", "3.13.15"])
def wheels(
    catalog: Catalog,
    archive: Callable[[str, tuple[Origin, ...]], Path],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> list[Path]:
    """The wheels in a CPython's sources, pip's first."""
    origins = catalog.releases[PythonVersion.parse(request.param)].origins

    def fill(folder: Path) -> None:
        with tarfile.open(archive(f"cpython {request.param}", origins)) as tar:
            for info in tar:
                if "/ensurepip/_bundled/" in info.name and info.name.endswith(".whl"):
                    file = tar.extractfile(info)
                    assert file is not None
                    (folder / Path(info.name).name).write_bytes(file.read())

    return sorted(once(tmp_path_factory, f"wheels-{request.param}", fill).iterdir())


def install(wheels: list[Path], python: Path, launcher: str) -> None:
    for wheel in wheels:
        command = [sys.executable, "-I", "-B", str(INSTALLER), str(wheel), str(python), launcher]
        subprocess.run(command, check=True)


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_pip_is_there_with_programs_that_find_their_interpreter(
    wheels: list[Path], launcher: str, tmp_path: Path
) -> None:
    install(wheels, tmp_path, launcher)
    programs = sorted((tmp_path / "Scripts").iterdir())
    assert {"pip.exe", "pip3.exe"} <= {path.name for path in programs}
    for path in programs:
        content = path.read_bytes()
        binary = lief.PE.parse(list(content))
        assert binary is not None
        assert binary.header.machine.name == LAUNCHERS[launcher]
        # This is the launcher's own word for the folder that it lies in; it is written as Windows writes its texts.
        assert "<launcher_dir>\\".encode("utf-16-le") in content
        packed = content.index(b"#!<launcher_dir>\\..\\python.exe\n")
        with zipfile.ZipFile(io.BytesIO(content[packed:])) as archive:
            assert archive.namelist() == ["__main__.py"]
            assert b"from pip._internal.cli.main import main" in archive.read("__main__.py")


def test_installed_wheels_are_recorded_and_work(wheels: list[Path], tmp_path: Path) -> None:
    install(wheels, tmp_path, "t64")
    packages = tmp_path / "Lib/site-packages"
    records = sorted(packages.glob("*.dist-info/RECORD"))
    assert len(records) == len(wheels)
    recorded = set()
    for record in records:
        for name, digest, size in csv.reader(record.read_text().splitlines()):
            content = (packages / name).read_bytes()
            recorded.add((packages / name).resolve())
            if digest:
                algorithm, _, value = digest.partition("=")
                found = base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=").decode()
                assert (value, int(size)) == (found, len(content)), name
    assert recorded == {path for path in tmp_path.rglob("*") if path.is_file()}
    find = f"import sys; sys.path.insert(0, {str(packages)!r})"
    assert said(f"{find}; import pip; print(pip.__version__)") in wheels[0].name
    # Not by pip's own list: the pip of CPython 3.11 cannot list on Python 3.12 and newer, which may run this.
    names = f"print(*(found.name for found in importlib.metadata.distributions(path=[{str(packages)!r}])))"
    listed = said(f"import importlib.metadata; {names}")
    assert "pip" in listed.split()


def said(program: str) -> str:
    return subprocess.check_output([sys.executable, "-I", "-B", "-c", program], text=True).strip()


def test_the_same_bytes_come_out_again(wheels: list[Path], tmp_path: Path) -> None:
    for name in ("a", "b"):
        install(wheels, tmp_path / name, "t64")
    first = {
        path.relative_to(tmp_path / "a"): path.read_bytes() for path in (tmp_path / "a").rglob("*") if path.is_file()
    }
    second = {
        path.relative_to(tmp_path / "b"): path.read_bytes() for path in (tmp_path / "b").rglob("*") if path.is_file()
    }
    assert first == second


def test_a_starter_calls_the_entry_point_of_the_wheel(wheels: list[Path], tmp_path: Path) -> None:
    install(wheels, tmp_path, "t64")
    content = (tmp_path / "Scripts/pip.exe").read_bytes()
    starter = tmp_path / "starter.zip"
    starter.write_bytes(content[content.index(b"PK\x03\x04") :])
    packages = tmp_path / "Lib/site-packages"
    start = (
        f"import sys, runpy; sys.path.insert(0, {str(packages)!r}); sys.argv = ['pip.exe', '--version']; "
        f"runpy.run_path({str(starter)!r}, run_name='__main__')"
    )
    assert said(start).startswith("pip ")
    assert str(packages) in said(start)
