"""Installs the archives with the real uv and pbs-installer, from a local index that needs no network."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from pythonbuild.home import checkout
from tests.distribution.conftest import Built, clean_environment

UV = str(Path(sys.executable).with_name("uv"))

# A build backend that takes all settings from sysconfig, as setuptools does.
BACKEND = """
import os, shlex, subprocess, sysconfig, zipfile
def get_requires_for_build_wheel(settings=None):
    return []
def build_wheel(folder, settings=None, metadata=None):
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    values = {name: shlex.split(sysconfig.get_config_var(name)) for name in ("CC", "CFLAGS", "CCSHARED", "LDSHARED")}
    include = sysconfig.get_path("include")
    subprocess.check_call([*values["CC"], *values["CFLAGS"], *values["CCSHARED"], "-I" + include, "-c", "native.c", "-o", "native.o"])
    subprocess.check_call([*values["LDSHARED"], "native.o", "-o", "native" + suffix])
    name = "native-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.write("native" + suffix)
        wheel.writestr("native-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: native\\nVersion: 1.0\\n")
        wheel.writestr("native-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: py3-none-any\\n")
        wheel.writestr("native-1.0.dist-info/RECORD", "")
    return name
"""
NATIVE = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "native", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_native(void) {
    PyObject *self = PyModule_Create(&module);
#ifdef Py_GIL_DISABLED
    PyUnstable_Module_SetGIL(self, Py_MOD_GIL_NOT_USED);
#endif
    PyModule_AddIntConstant(self, "answer", 42);
    return self;
}
"""


def wheel(folder: Path) -> None:
    """Write plain-1.0, a wheel without compiled code."""
    with zipfile.ZipFile(folder / "plain-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("plain.py", "answer = 41\n")
        archive.writestr("plain-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: plain\nVersion: 1.0\n")
        archive.writestr("plain-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("plain-1.0.dist-info/RECORD", "")


def sdist(folder: Path) -> None:
    """Write native-1.0, an sdist with C code."""
    settings = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    files = {
        "pyproject.toml": settings + '[project]\nname = "native"\nversion = "1.0"\n',
        "PKG-INFO": "Metadata-Version: 2.1\nName: native\nVersion: 1.0\n",
        "backend.py": BACKEND,
        "native.c": NATIVE,
    }
    with tarfile.open(folder / "native-1.0.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"native-1.0/{name}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))


@pytest.fixture
def uv(built: Built, tmp_path: Path) -> dict[str, str]:
    """The environment for a uv that knows only our archives, and so needs no network."""
    command = [sys.executable, "-m", "pythonbuild", "index", *map(str, built.archives.glob("*.tar.*"))]
    index = tmp_path / "index.json"
    index.write_text(subprocess.run(command, cwd=checkout(), capture_output=True, text=True, check=True).stdout)
    return clean_environment(
        UV_PYTHON_DOWNLOADS_JSON_URL=index.as_uri(),
        UV_PYTHON_INSTALL_DIR=str(tmp_path / "pythons"),
        UV_PYTHON_BIN_DIR=str(tmp_path / "bin"),
        UV_CACHE_DIR=str(tmp_path / "cache"),
        UV_PYTHON_PREFERENCE="only-managed",
        UV_NO_CONFIG="1",
        UV_OFFLINE="0",
        HOME=str(tmp_path),
    )


def run(command: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_uv_installs_it_and_builds_with_it(built: Built, uv: dict[str, str], tmp_path: Path) -> None:
    assert shutil.which("cc"), "cc is not installed; an sdist with C code requires a compiler"
    request = json.loads((built.full / "python/PYTHON.json").read_text())["python_version"]
    request += "+freethreaded" if "freethreaded" in built.options else ""
    request += "+debug" if "debug" in built.options else ""
    run([UV, "python", "install", "--no-bin", request], uv, tmp_path)
    run([UV, "venv", "--python", request, "venv"], uv, tmp_path)
    wheel(tmp_path)
    sdist(tmp_path)
    packages = ["--no-index", "--find-links", str(tmp_path), "plain", "native"]
    run([UV, "pip", "install", "--python", "venv", *packages], uv, tmp_path)
    python = str(tmp_path / "venv/bin/python")
    assert (
        run([python, "-c", "import plain, native; print(plain.answer + native.answer)"], uv, tmp_path).strip() == "83"
    )
    where = Path(run([python, "-c", "import sys; print(sys.base_prefix)"], uv, tmp_path).strip())
    assert tmp_path in where.parents
    config = run(
        [python, "-c", "import sysconfig as s; print(s.get_config_var('LIBDIR'), s.get_config_var('CC'))"], uv, tmp_path
    )
    assert config.split()[:2] == [str(where / "lib"), "cc"]


def test_pbs_installer_installs_it(built: Built, tmp_path: Path) -> None:
    """Call the library in a separate process, as its users would."""
    (archive,) = built.archives.glob("*-install_only_stripped.tar.gz")
    code = (
        "import sys, pbs_installer; pbs_installer.install_file(sys.argv[1], sys.argv[2], original_filename=sys.argv[3])"
    )
    target = tmp_path / "python"
    subprocess.run([sys.executable, "-c", code, str(archive), str(target), archive.name], check=True)
    said = subprocess.run(
        [str(target / "bin/python3"), "-c", "import ssl, sys; print(sys.prefix)"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert os.path.realpath(said.stdout.strip()) == os.path.realpath(target)
