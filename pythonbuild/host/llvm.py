"""Finds LLVM on this machine, and names the programs that it lacks."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Optional

from pythonbuild.catalog.schema import Toolchain
from pythonbuild.host.toolchains import Llvm

__all__ = ["LLVM_PACKAGES", "find_llvm", "install_command"]

_VERSION = re.compile(r"clang version (\d+)\.")
# Program -> Debian's package of it, to which the major version is appended.
LLVM_PACKAGES = {
    "clang": "clang",
    "clang++": "clang",
    "ld.lld": "lld",
    "ld64.lld": "lld",
    "llvm-ar": "llvm",
    "llvm-bolt": "bolt",
    "llvm-profdata": "llvm",
    "merge-fdata": "bolt",
}


def find_llvm(toolchains: Iterable[Toolchain]) -> Optional[Llvm]:
    """Return the LLVM of this machine for toolchains that need one.

    That is the one that lacks the fewest of their programs; of several, the newest.  Returns None if no LLVM is new enough.
    """
    rows = [row for row in toolchains if row.host_version]
    programs = {program for row in rows for program in row.host_programs}
    oldest = max((row.host_version for row in rows), default=0)
    best: Optional[tuple[tuple[int, int], Llvm]] = None
    for folder in _folders():
        version, major = _version(folder)
        if not major or major < oldest:
            continue
        lacks = frozenset(program for program in programs if not os.access(folder / program, os.X_OK))
        rank = (-len(lacks), major)
        if best is None or rank > best[0]:
            best = (rank, Llvm(programs=folder, version=version, lacks=lacks))
    return best[1] if best else None


def install_command(llvm: Llvm, programs: Iterable[str]) -> str:
    """Return the command that adds programs to an LLVM of Debian's packages."""
    match = _VERSION.search(llvm.version)
    suffix = f"-{match[1]}" if match else ""
    return f"apt-get install {' '.join(sorted({LLVM_PACKAGES[program] + suffix for program in programs}))}"


def _folders() -> list[Path]:
    """Return where an LLVM may be: the folders of PATH, and those of Debian's packages."""
    folders = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    return folders + [path / "bin" for path in sorted(Path("/usr/lib").glob("llvm-*"), reverse=True)]


def _version(folder: Path) -> tuple[str, int]:
    """Return the first line that clang prints for --version, and the major number in it; ("", 0) without a usable clang."""
    clang = folder / "clang"
    if not os.access(clang, os.X_OK):
        return "", 0
    said = subprocess.run([clang, "--version"], capture_output=True, text=True).stdout
    match = _VERSION.search(said)
    return (said.splitlines()[0], int(match[1])) if match else ("", 0)
