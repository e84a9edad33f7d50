"""The program starts and plans without modules that only Unix has.  This is a stand-in for Windows, as far as this system allows.

Modules and functions that Windows lacks are removed, and `platform` reports Windows.  Python's own modules and the libraries were loaded
before, and paths are those of this system, so these tests do not show their behaviour on Windows.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pythonbuild.home import checkout

START = """
import contextlib, importlib, io, json, os, pkgutil, platform, shutil, signal, subprocess, sys, types
import cyclonedx.model.bom, cyclonedx.output.json, docker, docker.errors, jinja2, jsonschema, lief, msgspec, packaging.version, requests
import tqdm, yaml, zstandard

# Python 3.9 decides at the first file by which module it finds the encoding, shutil of 3.12 and newer asks one of Windows.
open(os.devnull).close()
shutil._winapi = types.SimpleNamespace(NeedCurrentDirectoryForExePath=lambda command: True)
for name in ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"):
    sys.modules[name] = None
for name in "chown fork forkpty geteuid getgid getloadavg getpgid getuid killpg mkfifo nice sched_getaffinity setsid uname wait4".split():
    delattr(os, name)
for name in "SIGKILL SIGHUP SIGWINCH SIGALRM".split():
    delattr(signal, name)
sys.modules["msvcrt"] = types.SimpleNamespace(LK_NBLCK=2, locking=lambda descriptor, mode, size: None)
sys.platform = "win32"
platform.system, platform.machine = lambda: "Windows", lambda: "AMD64"

import pythonbuild

for module in pkgutil.walk_packages(pythonbuild.__path__, "pythonbuild."):
    # The smoke test is run by the Python that it tests; the terminal is one of containers, which are on Linux.
    if ".smoke" not in module.name and module.name not in ("pythonbuild.__main__", "pythonbuild.engines.terminal"):
        importlib.import_module(module.name)
from pythonbuild.cli.main import main
from pythonbuild.program import Program

for command in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(command, Program.named("build-windows.py" if command[0] == "build" else "pythonbuild"))
    print(json.dumps([status, out.getvalue(), err.getvalue()]))
"""

# The program as it is, on this system.
HERE = (
    "import sys; from pythonbuild.cli.main import main; from pythonbuild.program import Program; "
    "sys.exit(main(sys.argv[1:], Program.named('pythonbuild')))"
)


@dataclass(frozen=True)
class Said:
    """What a command has said."""

    status: int
    out: str
    err: str


def run(tmp_path: Path, commands: list[list[str]], **more: str) -> list[Said]:
    """Run commands of the program, one after the other in one process."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    variables |= {
        "PYTHONPATH": str(checkout()),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONBUILD_HOME": str(tmp_path),
        **more,
    }
    done = subprocess.run(
        [sys.executable, "-c", START, json.dumps(commands)], env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [Said(*json.loads(line)) for line in done.stdout.splitlines()]


@pytest.fixture
def prompt(tmp_path: Path) -> dict[str, str]:
    """The variables of a Native Tools Command Prompt, with files where its programs would be."""
    folders = {
        "studio": "cl lib link msbuild nmake rc ml64",
        "shell": "sh basename cmp cp dirname find grep ls mkdir printf sed tr",
    }
    for folder, names in folders.items():
        (tmp_path / folder).mkdir()
        for name in names.split():
            (tmp_path / folder / f"{name}.exe").touch(mode=0o755)
    return {
        "PATH": f"{tmp_path}/studio",
        "PATHEXT": ".exe",
        "VSCMD_ARG_TGT_ARCH": "x64",
        "VSCMD_VER": "17.14.36",
        "VSINSTALLDIR": f"{tmp_path}/studio",
        "VCToolsVersion": "14.44.35207",
        "WindowsSDKVersion": "10.0.26100.0\\",
    }


def test_plans_are_made_for_the_machine_itself(tmp_path: Path, prompt: dict[str, str]) -> None:
    shell = ["--sh", f"{tmp_path}/shell/sh.exe"]
    plan, explained = run(
        tmp_path,
        [["build", "--platform=windows", "--plan", "--options", "pgo", *shell], ["explain", "libffi", *shell]],
        **prompt,
    )
    assert plan.status == 0, plan.err
    assert "x86_64-pc-windows-msvc pgo" in plan.out
    assert "nothing was run" in plan.out
    assert explained.status == 0, explained.err
    assert "  Visual C++ 14.44.35207, SDK 10.0.26100.0" in explained.out


def test_missing_programs_and_wrong_systems_are_named(tmp_path: Path) -> None:
    expected = {
        ("build", "--platform=windows", "--plan"): (3, "a POSIX shell was not found"),
        ("build", "--platform=windows", "--plan", "--engine", "docker"): (2, "--engine docker has no effect"),
        ("build", "--platform=linux", "--plan"): (2, "this machine is x86_64-windows"),
        ("build", "--platform=macos", "--plan"): (2, "this machine is x86_64-windows"),
        ("build", "--format", "deb", "--distro", "debian:trixie", "--plan"): (2, "Debian packages are built on Linux"),
        ("doctor", "--output", str(tmp_path)): (3, ""),
        ("list", "targets"): (0, ""),
    }
    found = run(tmp_path, [list(command) for command in expected])
    for (command, (status, wanted)), said in zip(expected.items(), found):
        assert (said.status, wanted in said.err) == (status, True), (command, said.err)
    assert "Visual Studio was not found" in found[0].err
    assert "a POSIX shell was not found" in found[-2].out
    assert re.search(r"x86_64-pc-windows-msvc \(default\) +msvc +built with msvc", found[-1].out)


@pytest.mark.parametrize(
    "flag", [["--vs", "2022"], ["--windows-sdk-version", "10.0.26100.0"], ["--sh", "/bin/sh"]], ids=lambda flag: flag[0]
)
@pytest.mark.parametrize("target", [["--target", "aarch64-unknown-linux-gnu"], []], ids=["other", "none"])
def test_a_flag_that_chooses_programs_on_windows_is_refused_for_other_targets(
    tmp_path: Path, flag: list[str], target: list[str]
) -> None:
    done = here(tmp_path, *target, *flag)
    assert done.returncode == 2, done.stderr
    assert f"{flag[0]} is for builds on Windows, and no target is for Windows" in done.stderr
    assert "drop it" in done.stderr


@pytest.mark.parametrize(
    "flag", [["--cpus", "2"], ["--memory", "4G"], ["--base-image", "debian:13"], ["--engine", "docker"], ["--sccache"]]
)
def test_a_flag_that_changes_nothing_on_windows_is_refused(tmp_path: Path, flag: list[str]) -> None:
    done = here(tmp_path, "--plan", "--target", "x86_64-pc-windows-msvc", *flag, verb=["build"])
    assert done.returncode == 2, done.stderr
    name = " ".join(flag) if flag[0] == "--engine" else flag[0]
    assert f"{name} has no effect on builds for Windows" in done.stderr


def test_a_plan_for_windows_is_the_same_for_all_programs_there(tmp_path: Path) -> None:
    words = ("--target", "x86_64-pc-windows-msvc")
    plain = here(tmp_path, *words)
    chosen = here(tmp_path, *words, "--vs", "2022", "--windows-sdk-version", "10.0.26100.0", "--sh", "sh.exe")
    assert (chosen.returncode, chosen.stdout) == (0, plain.stdout), chosen.stderr


@pytest.mark.parametrize(
    "target", ["x86_64-pc-windows-msvc", pytest.param("aarch64-apple-darwin", marks=pytest.mark.needs("ld64.lld")), ""]
)
def test_without_them_a_plan_is_made(tmp_path: Path, target: str) -> None:
    done = here(tmp_path, *(["--target", target] if target else []))
    assert done.returncode == 0, done.stderr


def here(
    tmp_path: Path, *words: str, verb: Sequence[str] = ("plan", "--engine", "host")
) -> subprocess.CompletedProcess[str]:
    """Run a verb on this system, without stand-ins."""
    variables = {**os.environ, "PYTHONPATH": str(checkout()), "PYTHONBUILD_HOME": str(tmp_path)}
    command = [sys.executable, "-c", HERE, *verb, *words]
    return subprocess.run(command, env=variables, capture_output=True, text=True)
