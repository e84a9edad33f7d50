"""What this machine must have for the tests: what PYTHONBUILD_TESTS_REQUIRE names; what is missing besides is a reason to skip."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

__all__ = ["REQUIRED", "answers", "daemon", "program"]

REQUIRED = frozenset(os.environ.get("PYTHONBUILD_TESTS_REQUIRE", "").split())


def program(name: str) -> str:
    """Return where a program is; without it the test fails if it is required, and is skipped if not."""
    found = shutil.which(name)
    if not found:
        if name in REQUIRED:
            pytest.fail(f"{name} is required, and is not there")
        pytest.skip(f"there is no {name}")
    return found


def answers() -> bool:
    """Does a Docker daemon answer?"""
    try:
        return subprocess.run(["docker", "version"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture(scope="session")
def daemon() -> None:
    """Demand a daemon."""
    if not answers():
        if "docker" in REQUIRED:
            pytest.fail("a Docker daemon is required, and none answers")
        pytest.skip("no Docker daemon answers")
