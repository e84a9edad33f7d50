"""Small checkouts as in tests/build, built in containers of a real daemon."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

import pytest

from tests.build.conftest import Small, prepared, small, wait_until
from tests.leftovers import MARK
from tests.required import answers, daemon

__all__ = ["daemon", "prepared", "small"]

# The folder that the daemon cannot see, if it was started by dockerd.sh; such a daemon may be stopped, too.
HIDDEN = os.environ.get("PYTHONBUILD_TESTS_HIDDEN", "")


def docker(*arguments: str) -> str:
    """Run Docker's own client; returns what it says."""
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def boxed(daemon: None, small: Small) -> Iterator[Small]:
    """A small checkout that builds in containers; none may be left at the end."""
    del small.environment["DOCKER_HOST"]
    small.engine = ""
    yield small
    wait_until(lambda: not containers_of(small), "no container of the test is left")


def containers_of(small: Small) -> list[str]:
    """Return the containers whose lease lies in the checkout's cache."""
    lines = docker("ps", "--all", "--format", '{{.ID}} {{.Label "pythonbuild.lease"}}').splitlines()
    return [line for line in lines if line.partition(" ")[2].startswith(str(small.cache))]


def restart(folder: str) -> None:
    """Start the daemon again, and wait until it answers."""
    command = [str(Path(__file__).with_name("dockerd.sh")), folder]
    deadline = time.monotonic() + 60
    process: Optional[subprocess.Popen[bytes]] = None
    while not answers():
        assert time.monotonic() < deadline, "the daemon did not start again"
        if process is None or process.poll() is not None:
            # What the one before has started may take a while to end.
            nothing = subprocess.DEVNULL
            # It goes on when the tests are over, so that it is not marked as theirs.
            environment = {name: value for name, value in os.environ.items() if name != MARK}
            process = subprocess.Popen(
                command, env=environment, start_new_session=True, stdin=nothing, stdout=nothing, stderr=nothing
            )
        time.sleep(0.5)
    if process:
        process.returncode = 0  # it goes on when the tests are over
