"""Finds everything that this machine lacks for a build, all at once.

Standard library only, so that it can run before anything is downloaded.
"""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

__all__ = ["HOST_TOOLS", "REQUIRED_TOOLS", "Problem", "find_program", "findings"]

# Every POSIX machine that can compile has these.
REQUIRED_TOOLS = tuple(
    "awk basename cat chmod cmp cp cut date diff dirname echo env expr false find grep head id install join ln ls make "
    "mkdir mktemp mv od patch perl printf pwd rm rmdir sed sh sleep sort tail tar tee test touch tr true uname uniq wc "
    "xargs".split()
)
# All programs of the host that a build root sees.  Configure scripts use the added ones if they exist; results are the same without.
HOST_TOOLS = (
    *REQUIRED_TOOLS,
    *"cksum comm dd egrep fgrep getconf gzip hostname nproc readlink realpath seq stat tsort tty which".split(),
)
_DEBIAN_PACKAGES = {
    "make": "make",
    "perl": "perl",
    "patch": "patch",
    "awk": "mawk",
    "diff": "diffutils",
    "cmp": "diffutils",
}
_BUILD_SPACE = 4 * 1024**3
# macOS has its own programs here.  PATH also has those of Homebrew and MacPorts, which differ between machines.
_MAC_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
_MAC_TOOLS = "xcode-select --install"


@dataclass(frozen=True)
class Problem:
    """One problem of this machine, and the command or action that solves it."""

    problem: str
    cure: str

    def __str__(self) -> str:
        return f"{self.problem}\n    {self.cure}"


def findings(cache: Path, output: Path, tools: bool = True, free_bytes: int = _BUILD_SPACE) -> list[Problem]:
    """Return everything that would make a build fail here, the worst first; nothing if a build can run.

    cache: the folder of `home.home()`; output: the folder for archives; tools: do scripts run on this machine itself, not in
    containers; free_bytes: the disk space that a build needs.
    """
    found = [*_system(), *(_tools() if tools else []), *_python_modules()]
    found += [finding for folder in dict.fromkeys((cache, output)) for finding in _writable(folder)]
    found += _speakable(cache)
    return found + _space(cache, free_bytes)


def find_program(name: str) -> Optional[str]:
    """Return the path of a program of this machine for build scripts, None if it has none of that name."""
    return shutil.which(name, path=_MAC_PATH if platform.system() == "Darwin" else None)


def _system() -> list[Problem]:
    if platform.system() == "Darwin":
        return _apple_tools()
    if platform.system() == "Windows":
        return []
    if platform.system() != "Linux":
        return [
            Problem(
                f"Pythons are built on Linux, macOS and Windows, and this is {platform.system()}",
                "use a machine with one of these systems",
            )
        ]
    if platform.machine() not in ("x86_64", "aarch64"):
        return [
            Problem(
                f"the pinned compiler runs on x86_64 and aarch64 Linux, not on {platform.machine()}",
                "build on one of those machines",
            )
        ]
    return []


def _apple_tools() -> list[Problem]:
    """Look for Apple's command line tools.  Every Mac has xcrun, clang and make, which fail without them."""
    xcrun = find_program("xcrun")
    if xcrun and subprocess.run([xcrun, "--find", "clang"], capture_output=True).returncode == 0:
        return []
    return [Problem("Apple's command line tools, which include the compiler, are not installed", _MAC_TOOLS)]


def _tools() -> list[Problem]:
    missing = [tool for tool in REQUIRED_TOOLS if find_program(tool) is None]
    if not missing or platform.system() == "Windows":
        return []
    if platform.system() == "Darwin":
        return [Problem(f"programs not found in {_MAC_PATH}: {', '.join(missing)}", _MAC_TOOLS)]
    packages = sorted({_DEBIAN_PACKAGES.get(tool, "coreutils") for tool in missing})
    return [Problem(f"programs not found on PATH: {', '.join(missing)}", f"e.g. apt-get install {' '.join(packages)}")]


def _python_modules() -> list[Problem]:
    missing = [
        name
        for name in ("lzma", "bz2", "ssl", "zlib")
        if importlib.util.find_spec(f"_{name}" if name != "zlib" else name) is None
    ]
    if missing:
        return [
            Problem(
                f"{sys.executable} lacks the modules {', '.join(missing)}",
                "start the script with a complete Python 3.9 or newer",
            )
        ]
    return []


def _writable(folder: Path) -> list[Problem]:
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    try:
        # Permissions are not enough: root may write to /proc, and yet cannot.
        with tempfile.TemporaryFile(dir=existing):
            return []
    except OSError:
        pass
    what = (
        f"{folder} cannot be written"
        if existing == folder
        else f"{folder} cannot be created, because {existing} cannot be written"
    )
    return [Problem(what, "choose another folder: PYTHONBUILD_HOME for the cache, --output for the archives")]


def _speakable(cache: Path) -> list[Problem]:
    """Check the folder's name: makefiles and configure scripts fail in a folder with spaces or special characters."""
    if re.fullmatch(r"[\w/.+@%,:~-]+", cache.as_posix(), re.ASCII):
        return []
    problem = f"build tools cannot work in {str(cache)!r}: its name has a space or a special character"
    return [Problem(problem, "set PYTHONBUILD_HOME to a folder with a plain name")]


def _space(cache: Path, wanted: int) -> list[Problem]:
    existing = cache
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if free >= wanted:
        return []
    return [
        Problem(
            f"{existing} has {free / 1024**3:.1f} GiB free; a build needs about {wanted / 1024**3:.0f} GiB",
            "free some space, or set PYTHONBUILD_HOME to a folder on a larger disk",
        )
    ]
