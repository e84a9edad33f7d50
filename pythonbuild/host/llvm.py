"""Finds LLVM on this machine."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Optional

from pythonbuild.catalog.schema import Toolchain
from pythonbuild.host.toolchains import Llvm

__all__ = ["find_llvm"]


def find_llvm(toolchain: Toolchain) -> Optional[Llvm]:
    """Return the newest LLVM of the host that has all programs in one folder, if it is new enough."""
    best: Optional[tuple[int, Llvm]] = None
    for folder in _folders():
        if _missing(folder, toolchain):
            continue
        said, major = _version(folder)
        if major >= toolchain.host_version and (best is None or major > best[0]):
            best = (major, Llvm(programs=folder, version=said))
    return best[1] if best else None


def lacking_programs(toolchain: Toolchain) -> list[str]:
    """Return what the most complete LLVM of the host lacks of a toolchain's programs; all of them if none is new enough."""
    found = [
        _missing(folder, toolchain)
        for folder in _folders()
        if os.access(folder / "clang", os.X_OK) and _version(folder)[1] >= toolchain.host_version
    ]
    return min(found, key=len, default=list(toolchain.host_programs))


def _folders() -> list[Path]:
    """Return where an LLVM may be: the folders of PATH, and those of Debian's packages."""
    folders = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    return folders + [path / "bin" for path in sorted(Path("/usr/lib").glob("llvm-*"), reverse=True)]


def _missing(folder: Path, toolchain: Toolchain) -> list[str]:
    return [program for program in toolchain.host_programs if not os.access(folder / program, os.X_OK)]


def _version(folder: Path) -> tuple[str, int]:
    """Return the first line that clang prints of its version, and the major number in it; 0 if it prints none."""
    said = subprocess.run([folder / "clang", "--version"], capture_output=True, text=True).stdout
    match = re.search(r"clang version (\d+)\.", said)
    return (said.splitlines()[0], int(match[1])) if match else ("", 0)
