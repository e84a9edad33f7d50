"""What costs too much to be made by each worker of a test run: the first that needs it makes it, the others wait and share it."""

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
    """Return the folder of that name, the same in all workers of this run, after one of them has filled it.

    Tests only read what is in it.  Whoever needs the folder after `fill` failed tries again.
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
    """Return the flags of a build for the CPython that this run is asked to test, none for the default one."""
    python: Optional[str] = config.getoption("--python")
    return ["--python", python] if python else []
