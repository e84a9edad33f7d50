"""The program starts and plans where what Unix alone has is missing: a stand-in for Windows, as far as one can be made of this system.

Modules and functions that Windows lacks are taken away, and `platform` says that this is Windows.  What the program stands on (Python's
own modules, libraries) was loaded before, and paths stay this system's: what these do on Windows is not shown.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pythonbuild.home import checkout

START = """
import importlib, os, pkgutil, platform, signal, subprocess, sys, types
import cyclonedx.model.bom, cyclonedx.output.json, docker, docker.errors, jinja2, jsonschema, lief, msgspec, packaging.version, requests
import tqdm, yaml, zstandard

for name in ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"):
    sys.modules[name] = None
for name in ("chown fork forkpty geteuid getgid getloadavg getpgid getuid killpg mkfifo nice sched_getaffinity setsid uname wait4".split()):
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

sys.exit(main(sys.argv[2:], sys.argv[1]))
"""


def run(tmp_path: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", START, program, *arguments]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    variables |= {"PYTHONPATH": str(checkout()), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONBUILD_HOME": str(tmp_path)}
    return subprocess.run(command, env=variables, capture_output=True, text=True)


def test_a_plan_is_made_for_the_machine_itself(tmp_path: Path) -> None:
    done = run(tmp_path, "build-windows.py", "build", "--platform=windows", "--plan", "--options", "pgo")
    assert done.returncode == 0, done.stderr
    assert "x86_64-pc-windows-msvc pgo" in done.stdout
    assert "nothing was run" in done.stdout


def test_a_step_is_explained(tmp_path: Path) -> None:
    done = run(tmp_path, "pythonbuild", "explain", "libffi")
    assert done.returncode == 0, done.stderr
    assert "Visual C++" in done.stdout


def test_the_machine_is_looked_at(tmp_path: Path) -> None:
    done = run(tmp_path, "pythonbuild", "doctor", "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "this machine is ready to plan; nothing is built on Windows yet\n"


def test_what_is_for_other_systems_is_said_to_be(tmp_path: Path) -> None:
    for arguments, wanted in (
        (("build", "--platform=linux", "--plan"), "this machine is x86_64-windows"),
        (("build", "--platform=macos", "--plan"), "this machine is x86_64-windows"),
        (("build", "--platform=windows"), "planned, and not built yet"),
        (("build", "--platform=windows", "--plan", "--engine", "docker"), "containers run Linux"),
        (("build", "--format", "deb", "--distro", "debian:trixie", "--plan"), "Debian packages are for Linux"),
    ):
        done = run(tmp_path, "build-windows.py", *arguments)
        assert done.returncode == 2, (arguments, done.stderr)
        assert wanted in done.stderr
        assert "Traceback" not in done.stderr
