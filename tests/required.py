"""What tests need from this machine.  Without it, they are skipped, or fail if PYTHONBUILD_TESTS_REQUIRE names it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import pytest

__all__ = ["LACKS", "REQUIRED", "answers", "daemon", "lacking", "program"]

REQUIRED = frozenset(os.environ.get("PYTHONBUILD_TESTS_REQUIRE", "").split())


def answers() -> bool:
    """Does a Docker daemon answer?"""
    try:
        return subprocess.run(["docker", "version"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def _is_there(name: str) -> bool:
    return shutil.which(name) is not None


@dataclass(frozen=True)
class Lack:
    """Something that a machine may lack: how to look for it, how to report that it is missing, and how to install it."""

    there: Callable[[], bool]
    what: str
    cure: str
    # Another name in PYTHONBUILD_TESTS_REQUIRE that also requires it.
    also: str = ""
    # What happens to the tests that need it.
    tests: str = "will be skipped"

    def required(self, name: str) -> bool:
        return bool({name, self.also} & REQUIRED)


def _package(name: str, package: str = "", also: str = "") -> Lack:
    return Lack(partial(_is_there, name), f"{name} is not installed", f"apt-get install {package or name}", also)


LACKS = {
    "docker": Lack(answers, "no Docker daemon answers", "apt-get install docker.io, and start dockerd"),
    **{name: _package(name) for name in ("npm", "gdb", "minisign", "chromium")},
    **{name: _package(name, also="docker") for name in ("gpg", "lintian")},
    "debsign": _package("debsign", "devscripts", "docker"),
    "qemu-aarch64-static": _package("qemu-aarch64-static", "qemu-user-static", "docker"),
    "display": Lack(
        partial(_is_there, "Xvfb"), "Xvfb is not installed", "apt-get install xvfb", tests="will open no window"
    ),
    "ld64.lld": Lack(
        lambda: _is_there("ld64.lld") or bool(_lld()),
        "planning for macOS requires LLVM's linker",
        "apt-get install lld",
    ),
}


def _lld() -> list[str]:
    """Return the Mach-O linkers in the folders of Debian's LLVM packages, which are not on PATH."""
    try:
        versions = os.listdir("/usr/lib")
    except FileNotFoundError:
        return []
    places = [f"/usr/lib/{name}/bin/ld64.lld" for name in versions if name.startswith("llvm-")]
    return [place for place in places if os.path.exists(place)]


@cache
def lacking(name: str) -> str:
    """Return the report that this machine lacks the thing, or "" if it has it.  The answer is cached."""
    lack = LACKS[name]
    return "" if lack.there() else lack.what


def program(name: str) -> str:
    """Return the path of a program that the test declares with the mark `needs`."""
    found = shutil.which(name)
    assert found, f"{name} is not installed, and the test has no @pytest.mark.needs({name!r})"
    return found


@pytest.fixture(scope="session")
def daemon() -> None:
    """A Docker daemon that answers.  Without one, tests that use this fixture are skipped."""
    assert answers()
