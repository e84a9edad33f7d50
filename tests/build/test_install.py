"""The program as an installed package with its data."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from pythonbuild import __version__
from pythonbuild.home import checkout
from tests.once import once

UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the files that git knows, without git."""
    return once(tmp_path_factory, "source", _copy)


def _copy(folder: Path) -> None:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=checkout(), capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (checkout() / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(checkout() / name, folder / name)


def run(command: list[str], cache: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    variables |= {"PYTHONBUILD_HOME": str(cache), "UV_CACHE_DIR": str(folder / "uv"), "UV_NO_CONFIG": "1"}
    return subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True)


def test_a_checkout_takes_any_verb_from_another_folder(prepared: Path, tmp_path: Path) -> None:
    package = str(checkout() / "pythonbuild")
    done = run([sys.executable, package, "list", "options"], prepared, tmp_path)
    assert "noopt (default)" in done.stdout, done.stderr
    script = run([sys.executable, str(checkout() / "build-linux.py"), "plan"], prepared, tmp_path)
    assert script.returncode == 2
    assert script.stderr.startswith("build-linux.py: this script only builds; plan is another command\n  run ")
    assert script.stderr.endswith(f" {package} plan\n")


def test_pip_installs_a_program_that_plans(source: Path, prepared: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    programs = tmp_path / "env" / "bin"
    done = run([str(programs / "pip"), "install", "--quiet", str(source)], prepared, tmp_path)
    assert done.returncode == 0, done.stderr
    program = str(programs / "pythonbuild")
    planned = run([program, "--plan", "--engine", "host"], prepared, tmp_path)
    assert planned.returncode == 0, planned.stderr
    script = [sys.executable, str(checkout() / "build-linux.py"), "--plan", "--engine", "host"]
    assert planned.stdout == run(script, prepared, tmp_path).stdout
    assert "linux" in run([program, "list", "targets"], prepared, tmp_path).stdout
    assert run([program, "matrix", "--ci"], prepared, tmp_path).stdout.count("build-linux.py") > 10
    wrong = run([program, "plan", "--targt", "x"], prepared, tmp_path)
    assert wrong.stderr.splitlines()[-1] == f"  did you mean --target? {program} plan --help lists the flags"
    # It brings no packages that could meet others of the environment.
    listed = run([str(programs / "pip"), "list", "--format=freeze"], prepared, tmp_path).stdout
    assert {line.partition("==")[0].partition(" ")[0] for line in listed.split("\n") if line} <= {
        "pip",
        "pythonbuild",
        "setuptools",
    }


def test_uv_runs_it_from_a_checkout(source: Path, prepared: Path, tmp_path: Path) -> None:
    # pip knows this machine's package index and certificates, and uv may not.
    (backend,) = re.findall(r'"(hatchling==[^"]+)"', (source / "pyproject.toml").read_text())
    wheels = tmp_path / "wheels"
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(wheels), backend, "tomli"], check=True
    )
    command = [str(UV), "tool", "run", "--python", sys.executable, "--no-index", "--find-links", str(wheels)]
    done = run([*command, "--from", str(source), "pythonbuild", "--version"], prepared, tmp_path)
    assert (done.returncode, done.stdout) == (0, f"pythonbuild {__version__}\n"), done.stderr
