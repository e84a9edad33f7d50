"""sccache's servers in containers: each container has its own, started before the step's script, which gets only its address."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Optional

from docker.api.client import APIClient
from docker.types import Mount

from pythonbuild.engines.sccache.cache import (
    SHOW_STATISTICS,
    STOP_SERVER,
    Compilations,
    CompilerCache,
    read_statistics,
)
from pythonbuild.engines.sccache.environment import client_variables, server_variables
from pythonbuild.engines.sccache.relay import Relay
from pythonbuild.engines.sccache.remotes import Remote, Unreachable, remotes
from pythonbuild.engines.streams import send
from pythonbuild.errors import EngineLost

__all__ = ["ContainerServers"]

# Runs a command with an environment in the container, calls a function with each line of output, and returns the status.
_Execute = Callable[[list[str], Mapping[str, str], Callable[[str], None]], int]

_PROGRAM = Path("/pythonbuild/sccache")
_OBJECTS = Path("/pythonbuild/sccache-objects")
_RELAY = Path("/pythonbuild/sccache-relay")
# This volume keeps objects if the daemon does not see this machine's files.
_VOLUME = "pythonbuild-sccache"
_ADDRESS = "/tmp/sccache.socket"  # noqa: S108  (in the container)
_LOG = "/tmp/sccache.log"  # noqa: S108
# Settings that also apply to a local folder.
_LOCAL = ("SCCACHE_CACHE_SIZE", "SCCACHE_CACHE_ZSTD_LEVEL", "SCCACHE_LOCAL_RW_MODE", "SCCACHE_LOG")


class ContainerServers:
    """The servers in the containers of a run; call `close` when done.

    done: what the servers that have ended had compiled.
    """

    def __init__(
        self, cache: CompilerCache, shares_files: bool, user: tuple[int, int], scripts: Mapping[str, str]
    ) -> None:
        """shares_files: does the daemon see this machine's files; user: user and group in containers; scripts: the texts of
        sccache.sh and relay.py, by name.
        """
        self._cache = cache
        self._program = str(_PROGRAM / cache.program.name)
        self._shares_files = shares_files
        self._user = user
        self._scripts = scripts
        self._lock = threading.Lock()
        self._broken = False
        self.done = Compilations()
        self._settings, hosts = self._reachable()
        owner = user if os.getuid() == 0 else None
        self._relay: Optional[Relay] = Relay(hosts, owner) if hosts else None
        if shares_files:
            cache.folder.mkdir(parents=True, exist_ok=True)
            if owner:
                os.chown(cache.folder, *owner)

    def _reachable(self) -> tuple[Mapping[str, str], tuple[Remote, ...]]:
        """Return the settings for servers in containers, and the hosts that they name."""
        try:
            hosts = remotes(self._cache.settings)
            if not hosts or self._shares_files:
                return self._cache.settings, hosts
            why = "the daemon does not see this machine's files"
        except Unreachable as reason:
            why = str(reason)
        self._cache.warn(f"sccache keeps objects locally instead of in its remote cache: {why}")
        return {name: value for name, value in self._cache.settings.items() if name in _LOCAL}, ()

    @property
    def tree(self) -> tuple[Path, Path]:
        """The folder of the program, and its path in containers."""
        return self._cache.program.parent, _PROGRAM

    def hosts(self) -> dict[str, str]:
        """Return names of hosts for containers, with their addresses there."""
        return self._relay.names() if self._relay else {}

    def mounts(self) -> list[Mount]:
        """Return what containers mount besides the program."""
        if not self._shares_files:
            return [Mount(str(_OBJECTS), _VOLUME, type="volume")]
        mounts = [Mount(str(_OBJECTS), str(self._cache.folder), type="bind")]
        if self._relay:
            mounts.append(Mount(str(_RELAY), str(self._relay.folder), type="bind", read_only=True))
        return mounts

    def prepare(self, api: APIClient, container: str) -> None:
        """Create the folder for objects in the volume, owned by the container's user, if objects are kept in a volume."""
        if not self._shares_files:
            with tempfile.TemporaryDirectory() as empty:
                send(api, container, Path(empty), _OBJECTS, "objects", self._user)

    def start(self, execute: _Execute, python: str) -> Mapping[str, str]:
        """Start the server in a container; return the variables for the script, none without a server.  python: its path there."""
        if self._broken:
            return {}
        folder = str(_OBJECTS if self._shares_files else _OBJECTS / "objects")
        command = ["sh", "-c", self._scripts["sccache.sh"], "sh", self._program, _LOG]
        if self._relay:
            places = [f"{address}:{host.port}" for host, address in self._relay.addresses().items()]
            command += [python, "-c", self._scripts["relay.py"], str(_RELAY), *places]
        said: list[str] = []
        status = execute(command, server_variables(self._settings, folder, _ADDRESS, "/tmp"), said.append)  # noqa: S108
        if status == 0:
            return client_variables(self._program, _ADDRESS)
        if status > 0:
            self._warn_of("did not start", "\n".join(said))
        return {}

    def finish(self, execute: _Execute, variables: Mapping[str, str]) -> None:
        """Count what the server has compiled, and stop it, so that it writes its objects.  variables: those of the script."""
        said: list[str] = []
        try:
            execute([self._program, *SHOW_STATISTICS], variables, said.append)
            # Without a server, the client prints empty statistics, but fails to stop it.
            status = execute([self._program, STOP_SERVER], variables, lambda line: None)
            if status == 0:
                done = read_statistics("".join(said))
                with self._lock:
                    self.done += done
            elif status > 0:
                said.clear()
                execute(["tail", "-c", "4000", _LOG], {}, said.append)
                self._warn_of("ended", "\n".join(said))
        except (EngineLost, ValueError):
            pass  # the script's result is complete, and the next call notices that the daemon is gone

    def close(self) -> None:
        """Close the relay."""
        if self._relay:
            self._relay.close()

    def _warn_of(self, happened: str, log: str) -> None:
        with self._lock:
            warned, self._broken = self._broken, True
        if not warned:
            self._cache.warn_of(happened, log)
