"""sccache's server on this machine: one for each run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from pythonbuild.engines.sccache.cache import (
    SHOW_STATISTICS,
    STOP_SERVER,
    Compilations,
    CompilerCache,
    read_statistics,
)
from pythonbuild.engines.sccache.environment import client_variables, server_variables

__all__ = ["HostServer"]

_START = 30.0  # seconds: it begins with a write and a read where objects are kept
_ANSWER = 20.0
# Ends with the process that started it, even if that is killed: its standard input is closed then.
_TIED = """exec 3<&0
"$0" <&- & server=$!
{ cat <&3 >/dev/null; kill "$server"; } 2>/dev/null &
wait "$server"
"""


class HostServer:
    """A server that starts when the first script needs it; call `close` when done."""

    def __init__(self, cache: CompilerCache) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._place: Optional[Path] = None
        self._closing = False
        self._variables: dict[str, str] = {}

    def variables(self) -> Mapping[str, str]:
        """Return the variables for a script; none if the server does not run, after one warning."""
        with self._lock:
            if self._place is None:
                self._place = Path(tempfile.mkdtemp(prefix="sccache-"))  # for this user only
                try:
                    self._start(self._place)
                except OSError as error:
                    self._cache.warn_of("cannot be started", str(error))
            return dict(self._variables)

    def compilations(self) -> Compilations:
        """Return what the server has compiled so far."""
        if not self._variables:
            return Compilations()
        try:
            return read_statistics(self._ask(*SHOW_STATISTICS))
        except (OSError, ValueError, subprocess.SubprocessError):
            return Compilations()

    def close(self) -> None:
        """Stop the server; it first writes its objects."""
        with self._lock:
            self._closing = True
            process, place = self._process, self._place
            # Without the address, the client would stop a server of the user's own.
            if process and self._variables and process.poll() is None:
                try:
                    self._ask(STOP_SERVER)
                    process.wait(_ANSWER)
                except (OSError, subprocess.SubprocessError):
                    pass
            if process and process.stdin:
                process.stdin.close()
                process.wait()
            if place:
                shutil.rmtree(place, ignore_errors=True)

    def _start(self, place: Path) -> None:
        cache, address = self._cache, str(place / "socket")
        cache.folder.mkdir(parents=True, exist_ok=True)
        with open(place / "log", "wb") as log:
            process = self._process = subprocess.Popen(
                ["/bin/sh", "-c", _TIED, str(cache.program)],
                cwd=place,
                env=server_variables(cache.settings, str(cache.folder), address, str(place)),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START
        while not _answers(address):
            if process.poll() is not None or time.monotonic() > deadline:
                cache.warn_of("did not start", self._log())
                return
            time.sleep(0.02)
        self._variables = client_variables(str(cache.program), address)
        threading.Thread(target=self._watch, args=(process,), daemon=True).start()

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        if not self._closing:
            self._variables = {}
            self._cache.warn_of("ended", self._log())

    def _ask(self, *arguments: str) -> str:
        command = [str(self._cache.program), *arguments]
        environment = {"PATH": os.defpath, **self._variables}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_ANSWER).stdout

    def _log(self) -> str:
        return (self._place / "log").read_text(errors="replace") if self._place else ""


def _answers(address: str) -> bool:
    with socket.socket(socket.AF_UNIX) as found:
        try:
            found.connect(address)
        except OSError:
            return False
    return True
