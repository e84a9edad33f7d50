"""The variables that sccache's server and its clients see."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["LAUNCHER", "client_variables", "server_variables"]

# What the wrappers of compilers look for, which thereby call sccache, or, without it, do not.
LAUNCHER = "COMPILER_LAUNCHER"
# Settings that are ours to choose: where the server is; what a client adds to keys; and what would take differing sources for the same.
_OURS = re.compile(
    "SCCACHE_(BASEDIRS|C_CUSTOM_CACHE_BUSTER|CLIENT_SIDE|DIR|DIRECT|DIST_.*|ERROR_LOG|SERVER_.*|START_.*)"
)


def client_variables(program: str, address: str) -> dict[str, str]:
    """Return what scripts are told; address: the server's socket."""
    return {
        LAUNCHER: program,
        "SCCACHE_CONF": "/dev/null",
        # A client that finds no server would start one, which would have none of the settings, and stay: it fails for these.
        "SCCACHE_DIR": "/dev/null",
        "SCCACHE_IGNORE_SERVER_IO_ERROR": "1",
        "SCCACHE_MULTILEVEL_CHAIN": "none",
        "SCCACHE_SERVER_UDS": address,
    }


def server_variables(settings: Mapping[str, str], folder: str, address: str, home: str) -> dict[str, str]:
    """Return the environment of the server; folder: where it keeps objects, unless the settings name another place."""
    given = {name: value for name, value in settings.items() if not _OURS.fullmatch(name)}
    return {
        # Without a file of the user's own, which could send sources to other machines to be compiled there.
        "SCCACHE_CONF": "/dev/null",
        **given,
        "HOME": home,
        "PATH": "/usr/bin:/bin",
        "SCCACHE_DIR": folder,
        # It would not look for headers that were not there before.
        "SCCACHE_DIRECT": "false",
        "SCCACHE_IDLE_TIMEOUT": "0",
        "SCCACHE_NO_DAEMON": "1",
        "SCCACHE_SERVER_UDS": address,
        "SCCACHE_START_SERVER": "1",
    }
