"""The environment variables of sccache's server and of its clients."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["LAUNCHER", "client_variables", "server_variables"]

# The wrappers of compilers call sccache if this variable names it.
LAUNCHER = "COMPILER_LAUNCHER"
# Settings that users cannot choose: the server's address, additions to keys, and what would treat different sources as equal.
_OURS = re.compile(
    "SCCACHE_(BASEDIRS|C_CUSTOM_CACHE_BUSTER|CLIENT_SIDE|DIR|DIRECT|DIST_.*|ERROR_LOG|SERVER_.*|START_.*)"
)


def client_variables(program: str, address: str) -> dict[str, str]:
    """Return the variables for scripts; program: sccache, at the path that scripts see; address: the server's socket."""
    return {
        LAUNCHER: program,
        "SCCACHE_CONF": "/dev/null",
        # A client that finds no server would start one without the settings, which would stay: these variables make it fail.
        "SCCACHE_DIR": "/dev/null",
        "SCCACHE_IGNORE_SERVER_IO_ERROR": "1",
        "SCCACHE_MULTILEVEL_CHAIN": "none",
        "SCCACHE_SERVER_UDS": address,
    }


def server_variables(settings: Mapping[str, str], folder: str, address: str, home: str) -> dict[str, str]:
    """Return the environment of the server.

    folder: keeps objects, unless the settings name another place; address: its socket; home: its home folder.
    """
    given = {name: value for name, value in settings.items() if not _OURS.fullmatch(name)}
    return {
        # The user's own file could send sources to other machines to be compiled there.
        "SCCACHE_CONF": "/dev/null",
        **given,
        "HOME": home,
        "PATH": "/usr/bin:/bin",
        "SCCACHE_DIR": folder,
        # In this mode, it would not notice new headers.
        "SCCACHE_DIRECT": "false",
        "SCCACHE_IDLE_TIMEOUT": "0",
        "SCCACHE_NO_DAEMON": "1",
        "SCCACHE_SERVER_UDS": address,
        "SCCACHE_START_SERVER": "1",
    }
