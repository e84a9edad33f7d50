"""`build-windows.py` on this system: it plans the build, and says that only Windows can run it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pythonbuild.catalog.load import load_catalog
from pythonbuild.errors import BadCatalog
from pythonbuild.home import checkout


def say(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout() / "build-windows.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("cpu", ["x86_64", "i686", "aarch64"])
def test_a_plan_names_each_step(cpu: str) -> None:
    done = say("--target-triple", f"{cpu}-pc-windows-msvc", "--python", "cpython-3.14", "--plan")
    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    assert {"openssl", "libffi", "tcltk", "zlib-ng", "zstd", "strawberry-perl"} <= set(words)
    assert [word for word in words if re.fullmatch(r"cpython-3\.14\.\d+-noopt", word)]
    assert done.stdout.endswith("nothing was run\n")
    assert "zlib" not in words
    assert "tcltk9" not in words


def test_a_step_is_explained() -> None:
    command = [sys.executable, "-m", "pythonbuild", "explain", "libffi", "--target-triple", "x86_64-pc-windows-msvc"]
    done = subprocess.run(command, cwd=checkout(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Visual C++ of the machine that builds" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], "built on Windows"),
        (
            ["--plan", "--target-triple", "i686-pc-windows-msvc", "--target-triple", "x86_64-pc-windows-msvc"],
            "only one Windows target can be built at a time",
        ),
        (["--plan", "--options", "lto"], "supports noopt and pgo"),
        (["--plan", "--options", "pgo", "--target-triple", "aarch64-pc-windows-msvc"], "cannot run Pythons for"),
        (
            ["--plan", "--target-triple", "x86_64-pc-windows-msvc", "--options", "pgo", "--pgo-profile", __file__],
            "--pgo-profile is not for Windows",
        ),
        (["--plan", "--target-triple", "x86_64-apple-darwin"], "is not a target for windows"),
        (["--plan", "--format", "debug_symbols"], "debug_symbols archives are not available"),
        (["--plan", "--python", "cpython-3.10"], "cannot build 3.10"),
    ],
)
def test_an_impossible_request_gives_one_message(arguments: list[str], wanted: str) -> None:
    done = say(*arguments)
    assert done.returncode == 2
    assert wanted in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the catalog is read from."""
    for name in ("cpython-unix", "cpython-windows", "docker"):
        shutil.copytree(checkout() / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "old", "new", "wanted"),
    [
        ("xz", "like: xz", "like: zx", "like: there is no recipe 'zx'"),
        ("cpython", "training/*", "trainings/*", "has no file 'trainings/*'"),
        ("openssl", "jom, nasm", "mono", "unknown recipe 'mono'"),
    ],
)
def test_a_recipe_that_refers_to_nothing_is_named(project: Path, name: str, old: str, new: str, wanted: str) -> None:
    path = project / "cpython-windows/packages" / name / "recipe.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(BadCatalog, match=f"{name}/recipe.yml") as error:
        load_catalog(project / "cpython-unix")
    assert wanted in error.value.message
