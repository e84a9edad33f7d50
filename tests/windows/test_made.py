"""Reading modules and libraries from CPython's real projects; an unknown form is an error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pythonbuild.home import checkout
from pythonbuild.model.version import PythonVersion

READER = checkout() / "cpython-windows/packages/cpython/files/read_projects.py"


def read(folder: Path, *properties: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-B", str(READER), str(folder), *properties]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def made(source: tuple[PythonVersion, Path]) -> tuple[PythonVersion, dict[str, Any]]:
    version, folder = source
    done = read(folder, "tcltkLib=tcl86t.lib;tk86t.lib")
    assert done.returncode == 0, done.stderr
    return version, json.loads(done.stdout)


def test_extension_modules_have_their_libraries(made: tuple[PythonVersion, dict[str, Any]]) -> None:
    version, facts = made
    links = {name: made["links"] for name, made in facts["extensions"].items()}
    assert links["_ssl"] == ["crypt32", "libcrypto", "libssl", "ws2_32"]
    assert links["_hashlib"] == ["libcrypto", "libssl", "ws2_32"]
    assert links["_sqlite3"] == ["sqlite3"]  # made by another project
    assert links["_lzma"] == ["liblzma"]
    assert links["_ctypes"] == ["libffi-8"]
    assert links["_tkinter"] == ["tcl86t", "tk86t"]
    assert links["winsound"] == ["winmm"]
    assert links["_bz2"] == links["_decimal"] == []
    assert ("_wmi" in links) == version.within(">=3.12")
    assert ("_msi" in links) == version.within("<3.13")
    assert not {"_testembed", "python", "venvlauncher", "py"} & set(links)
    assert facts["core"]["links"] == ["bcrypt", "pathcch", "version", "ws2_32"]


def test_modules_have_the_recipes_that_their_licences_come_from(made: tuple[PythonVersion, dict[str, Any]]) -> None:
    version, facts = made
    recipes = {name: made["recipes"] for name, made in facts["extensions"].items() if made["recipes"]}
    expected = {
        "_bz2": ["bzip2"],
        "_ctypes": ["libffi"],
        "_hashlib": ["openssl"],
        "_lzma": ["xz"],
        "_sqlite3": ["sqlite"],
        "_ssl": ["openssl"],
        "_tkinter": ["tcltk"],
    }
    # Before, libmpdec was CPython's own copy.
    assert recipes == expected | ({"_decimal": ["mpdecimal"]} if version.within(">=3.13") else {})
    assert facts["core"]["recipes"] == ["zlib"]


def test_builtin_modules_have_the_functions_that_make_them(made: tuple[PythonVersion, dict[str, Any]]) -> None:
    version, facts = made
    builtins = facts["builtins"]
    assert builtins["zlib"] == "PyInit_zlib"
    assert builtins["winreg"] == "PyInit_winreg"
    assert builtins["mmap"] == "PyInit_mmap"
    assert builtins["nt"] == "PyInit_nt"
    assert builtins["marshal"] == "PyMarshal_Init"
    assert builtins["sys"] is None
    assert len(builtins) > 60
    assert ("audioop" in builtins) == version.within("<3.13")
    assert not set(builtins) & set(facts["extensions"])


@pytest.mark.parametrize(
    ("file", "old", "new", "wanted"),
    [
        ("PC/config.c", "#ifdef _Py_HAVE_ZLIB", "#if !defined(_Py_HAVE_ZLIB)", "#if !defined(_Py_HAVE_ZLIB)"),
        ("PC/config.c", "    {0, 0}", "    {}", "the table has no end"),
        ("PCbuild/winsound.vcxproj", "winmm.lib", "$(SoundLib)", "$(SoundLib) is not the name of a known library"),
        (
            "PCbuild/_queue.vcxproj",
            "DynamicLibrary</",
            "StaticLibrary</ConfigurationType><ConfigurationType>X</",
            "has the kinds",
        ),
    ],
)
def test_a_changed_upstream_file_is_reported(
    source: tuple[PythonVersion, Path], file: str, old: str, new: str, wanted: str
) -> None:
    _, folder = source
    text = (folder / file).read_text(encoding="utf-8-sig")
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    done = read(folder, "tcltkLib=tcl86t.lib")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert wanted in done.stderr
    assert not done.stdout
