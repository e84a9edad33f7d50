"""Connects the user's terminal to a program in a container, like `docker exec --interactive --tty`."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Mapping
from types import FrameType
from typing import Any, Optional

from pythonbuild.engines.daemon import Daemon

__all__ = ["converse"]


def converse(
    daemon: Daemon, container: str, command: list[str], variables: Mapping[str, str], folder: str, user: str
) -> int:
    """Run a command in a container, connected to the terminal of this process; return its exit status."""
    with daemon.calls("open a shell") as api:
        execution = api.exec_create(
            container, command, stdin=True, tty=True, environment=dict(variables), workdir=folder, user=user
        )["Id"]
        channel = api.exec_start(execution, tty=True, socket=True)

        def resize(number: int = 0, frame: Optional[FrameType] = None) -> None:
            size = shutil.get_terminal_size()
            api.exec_resize(execution, height=size.lines, width=size.columns)

        resize()
    before = signal.signal(signal.SIGWINCH, resize)
    keyboard = sys.stdin.fileno()
    kept = termios.tcgetattr(keyboard)
    try:
        tty.setraw(keyboard)
        _copy(channel, keyboard, sys.stdout.fileno())
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, kept)
        signal.signal(signal.SIGWINCH, before)
        channel.close()
    with daemon.calls("report how the shell ended") as api:
        return int(api.exec_inspect(execution)["ExitCode"] or 0)


def _copy(channel: Any, keyboard: int, screen: int) -> None:
    """Copy both ways until the program in the container ends."""
    # For TCP and TLS docker-py returns a socket; for a local socket, a file object around it.
    inner = getattr(channel, "_sock", channel)
    while True:
        readable, _, _ = select.select([inner, keyboard], [], [])
        if inner in readable:
            data = inner.recv(65536)
            if not data:
                return
            os.write(screen, data)
        if keyboard in readable:
            typed = os.read(keyboard, 4096)
            if not typed:
                return
            inner.sendall(typed)
