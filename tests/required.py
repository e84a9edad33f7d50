"""What this machine must have for the tests: what PYTHONBUILD_TESTS_REQUIRE names; what is missing besides is a reason to skip."""

from __future__ import annotations

import os
import subprocess

import pytest

__all__ = ["REQUIRED", "answers", "daemon"]

REQUIRED = frozenset(os.environ.get("PYTHONBUILD_TESTS_REQUIRE", "").split())


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
