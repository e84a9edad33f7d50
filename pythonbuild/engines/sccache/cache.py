"""The cache of compiled objects, its statistics, and its errors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["SHOW_STATISTICS", "STOP_SERVER", "Compilations", "CompilerCache", "last_words", "read_statistics"]

# Arguments of sccache's client.
SHOW_STATISTICS = ("--show-stats", "--stats-format=json")
STOP_SERVER = "--stop-server"
_SECRET = re.compile("KEY|SECRET|TOKEN|PASSWORD|USERNAME|CONNECTION")


@dataclass(frozen=True)
class CompilerCache:
    """How an engine uses sccache.

    program: sccache itself; folder: where this machine keeps objects; settings: for the server only; warn: called with each
    warning.
    """

    program: Path
    folder: Path
    settings: Mapping[str, str]
    warn: Callable[[str], None]

    def warn_of(self, happened: str, log: str) -> None:
        """Warn that a server did not start or ended, with the last line of its log."""
        words = last_words(log, self.settings)
        self.warn(f"sccache {happened}: {words or 'no reason given'}; the build continues without it")


@dataclass(frozen=True)
class Compilations:
    """How many compilations sccache was asked for, and how many its cache answered."""

    cached: int = 0
    asked: int = 0

    def __add__(self, other: Compilations) -> Compilations:
        return Compilations(self.cached + other.cached, self.asked + other.asked)


def read_statistics(text: str) -> Compilations:
    """Read what sccache prints for SHOW_STATISTICS.  Raises ValueError if the text is something else."""
    try:
        stats = json.loads(text)["stats"]
        cached = sum(stats["cache_hits"]["counts"].values())
        return Compilations(cached, cached + sum(stats["cache_misses"]["counts"].values()))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not statistics of sccache: {error!r}") from error


def last_words(log: str, settings: Mapping[str, str]) -> str:
    """Return the last line of a server's log before its backtrace, without the secrets in the settings."""
    lines = [line.strip() for line in log.partition("Backtrace:")[0].splitlines() if line.strip()]
    text = lines[-1] if lines else ""
    secrets = [value for name, value in settings.items() if _SECRET.search(name)]
    secrets += [part for value in settings.values() for part in _passwords(value)]
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _passwords(value: str) -> list[str]:
    """Return the password and the user in a setting, if it is a URL with them."""
    try:
        url = urlsplit(value)
        return [part for part in (url.password, url.username) if part]
    except ValueError:
        return []
