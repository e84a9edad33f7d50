"""sccache, which keeps compiled objects between builds and containers: how it is told what to do, and asked what it did.

Its server alone is told where objects are kept, and the secrets for that; scripts get its address.  sccache itself would take
sources for the same that differ in names and lines only, which debug information has, and knows a compiler by its executable;
both is amended by the wrapper that it calls as the compiler (`compiler_text`).  https://github.com/mozilla/sccache/tree/main/docs
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

__all__ = [
    "Compilations",
    "CompilerCache",
    "call_text",
    "client_variables",
    "compiler_text",
    "last_words",
    "read_statistics",
    "server_variables",
]

# What the wrappers of compilers look for, which thereby call sccache, or, without it, do not.
LAUNCHER = "COMPILER_LAUNCHER"
# Settings that are ours to choose: where the server is; what a client adds to keys; and what would take differing sources for the same.
_OURS = re.compile(
    "SCCACHE_(BASEDIRS|C_CUSTOM_CACHE_BUSTER|CLIENT_SIDE|DIR|DIRECT|DIST_.*|ERROR_LOG|SERVER_.*|START_.*)"
)
_SECRET = re.compile("KEY|SECRET|TOKEN|PASSWORD|USERNAME|CONNECTION")
# What the build script's own compiler calls for: sccache is not asked to link, or about what the compiler is.
_CALL = """#!/bin/sh
case "${{{launcher}:+ $* }}" in
*" -c "*)
    COMPILER_FOLDER=$PWD COMPILER_EPOCH=${{SOURCE_DATE_EPOCH-}} "${launcher}" {compiler} "$@"
    status=$?
    # Compilers end with 1 where the source is wrong; anything else is sccache's own trouble, and then it goes without.
    [ $status -gt 1 ] || exit $status
    ;;
esac
exec {command} "$@"
"""
_COMPILER = """#!/bin/sh
# {identity}
# sccache keeps these two variables back.
if [ -n "${{COMPILER_FOLDER-}}" ]; then
    export PWD="$COMPILER_FOLDER"
    [ -z "$COMPILER_EPOCH" ] || export SOURCE_DATE_EPOCH="$COMPILER_EPOCH"
fi
# sccache keys objects by the text that the preprocessor makes, and asks for it without names, lines and blanks, which debug information
# tells of: it gets them, with the folder and the source itself.
if [ "${{1-}} ${{3-}}" = "-x -E" ]; then
    language=$2
    shift 3
    case ${{1-}} in -P | -fminimize-whitespace) shift ;; esac
    for source in "$@"; do :; done
    echo "$PWD"
    cat -- "$source"
    exec {command} -x "$language" -E "$@"
fi
exec {command} "$@"
"""


@dataclass(frozen=True)
class CompilerCache:
    """What an engine needs: the program, in a tree named by its digest; the folder for objects; settings for the server only; and
    where trouble is told."""

    program: Path
    folder: Path
    settings: Mapping[str, str]
    warn: Callable[[str], None]

    def warn_of(self, happened: str, log: str) -> None:
        """Tell that a server did not start or ended, with its last words."""
        words = last_words(log, self.settings)
        self.warn(f"sccache {happened}: {words or 'no reason given'}; what it would have kept is compiled without it")


@dataclass(frozen=True)
class Compilations:
    """How many objects came from the cache, and how many were asked for."""

    cached: int = 0
    asked: int = 0

    def __add__(self, other: Compilations) -> Compilations:
        return Compilations(self.cached + other.cached, self.asked + other.asked)


def call_text(command: str, compiler: str) -> str:
    """Return the wrapper that scripts call; command: the compiler's command line, compiler: the wrapper that sccache calls."""
    return _CALL.format(launcher=LAUNCHER, command=command, compiler=compiler)


def compiler_text(command: str, identity: str) -> str:
    """Return the wrapper that sccache calls as the compiler, and knows it by; identity: which one stands behind the command line."""
    return _COMPILER.format(command=command, identity=" ".join(identity.split()))


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


def read_statistics(text: str) -> Compilations:
    """Read `sccache --show-stats --stats-format=json`; raises ValueError if it is something else."""
    try:
        stats = json.loads(text)["stats"]
        cached = sum(stats["cache_hits"]["counts"].values())
        return Compilations(cached, cached + sum(stats["cache_misses"]["counts"].values()))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"no statistics of sccache: {error!r}") from error


def last_words(log: str, settings: Mapping[str, str]) -> str:
    """Return the last line of a server's log that is for people, without the secrets that are in the settings."""
    lines = [line.strip() for line in log.partition("Backtrace:")[0].splitlines() if line.strip()]
    text = lines[-1] if lines else ""
    secrets = [value for name, value in settings.items() if _SECRET.search(name)]
    secrets += [part for value in settings.values() for part in _passwords(value)]
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _passwords(value: str) -> list[str]:
    """Return user and password, if the value is a URL that has them."""
    try:
        url = urlsplit(value)
        return [part for part in (url.password, url.username) if part]
    except ValueError:
        return []
