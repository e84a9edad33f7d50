"""The only connections out of a container: to the hosts in sccache's settings, each through a socket in a mounted folder.

In the container, the hosts' names are local addresses.  A relay there (docker/relay.py) passes connections to the sockets, and
this module connects these to the real hosts.  Encryption stays end to end.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import Optional

from pythonbuild.engines.sccache.remotes import Remote

__all__ = ["Relay"]

_CONNECT = 20.0  # seconds


class Relay:
    """The half on this machine: listens on one socket for each host until `close`.  Its folder has the sockets."""

    def __init__(self, hosts: tuple[Remote, ...], owner: Optional[tuple[int, int]]) -> None:
        """Open the sockets.  owner: user and group in containers, if they differ from those of this process."""
        self.hosts = hosts
        self.folder = Path(tempfile.mkdtemp(prefix="sccache-"))
        self._listeners = []
        for number, host in enumerate(hosts):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self.folder / str(number)))
            listener.listen(64)
            self._listeners.append(listener)
            if owner:
                os.chown(self.folder / str(number), *owner)
            threading.Thread(target=_serve, args=(listener, host), daemon=True).start()
        if owner:
            os.chown(self.folder, *owner)

    def addresses(self) -> dict[Remote, str]:
        """Return each host's address in a container.  Each name has its own, because two hosts may have the same port."""
        names = self.names()
        names["localhost"] = "127.0.0.1"
        return {host: names.get(host.host, host.host) for host in self.hosts}

    def names(self) -> dict[str, str]:
        """Return the names that containers cannot resolve themselves, with their addresses there."""
        unknown = dict.fromkeys(host.host for host in self.hosts if host.host != "localhost" and not host.is_address)
        return {name: f"127.0.1.{number}" for number, name in enumerate(unknown, 1)}

    def close(self) -> None:
        """Stop listening, and delete the sockets."""
        for listener in self._listeners:
            listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _serve(listener: socket.socket, host: Remote) -> None:
    while True:
        try:
            inside, _ = listener.accept()
        except OSError:  # closed
            return
        threading.Thread(target=_carry, args=(inside, host), daemon=True).start()


def _carry(inside: socket.socket, host: Remote) -> None:
    try:
        outside = socket.create_connection((host.host, host.port), _CONNECT)
    except OSError:
        inside.close()
        return
    outside.settimeout(None)
    back = threading.Thread(target=_pump, args=(outside, inside), daemon=True)
    back.start()
    _pump(inside, outside)
    back.join()
    inside.close()
    outside.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Copy bytes in one direction, and pass on their end, so that the other direction can continue."""
    try:
        while block := source.recv(65536):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
