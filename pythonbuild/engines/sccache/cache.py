"""What compiled objects are kept with, and how many compilations it answered."""

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


def read_statistics(text: str) -> Compilations:
    """Read what sccache prints for SHOW_STATISTICS; raises ValueError if it is something else."""
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
