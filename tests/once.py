"""Fixtures too expensive to make in each worker: the first worker that needs one makes it; the others wait and share it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Optional

import pytest

from pythonbuild.locks import lock

__all__ = ["once", "python_flags"]


def once(factory: pytest.TempPathFactory, name: str, fill: Callable[[Path], None]) -> Path:
    """Return a folder that all workers of this run share; the first worker that calls this fills it.

    Tests must not change the folder.  If `fill` fails, the next caller tries again.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / "shared" / name
    folder.parent.mkdir(exist_ok=True)
    ready = folder.with_name(f"{name}.ready")
    with open(folder.with_name(f"{name}.lock"), "w") as filling:
        lock(filling)
        if not ready.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            fill(folder)
            ready.touch()
    return folder


def python_flags(config: pytest.Config) -> list[str]:
    """Return the build flags that select the CPython under test; empty for the default CPython."""
    python: Optional[str] = config.getoption("--python")
    return ["--python", python] if python else []
