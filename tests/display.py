"""A virtual X display for tests that open windows."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["NoDisplay", "virtual_display"]


class NoDisplay(Exception):
    """This machine has no Xvfb."""


@contextmanager
def virtual_display() -> Iterator[dict[str, str]]:
    """Run an X server without a screen; yields the variables that select it.  Raises NoDisplay without Xvfb."""
    xvfb = shutil.which("Xvfb")
    if not xvfb:
        raise NoDisplay("Xvfb is not installed: apt-get install xvfb")
    read, write = os.pipe()
    command = [xvfb, "-displayfd", str(write), "-screen", "0", "800x600x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as answer:
            yield {"DISPLAY": f":{answer.readline().strip()}"}
    finally:
        server.terminate()
        server.wait()
