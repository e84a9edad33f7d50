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
    folders = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    folders += [path / "bin" for path in sorted(Path("/usr/lib").glob("llvm-*"), reverse=True)]
    best: Optional[tuple[int, Llvm]] = None
    for folder in folders:
        if not all(os.access(folder / program, os.X_OK) for program in toolchain.host_programs):
            continue
        said = subprocess.run([folder / "clang", "--version"], capture_output=True, text=True).stdout
        match = re.search(r"clang version (\d+)\.", said)
        if match and int(match[1]) >= toolchain.host_version and (best is None or int(match[1]) > best[0]):
            best = (int(match[1]), Llvm(programs=folder, version=said.splitlines()[0]))
    return best[1] if best else None
