"""Readers of the values of flags: each refuses what makes no sense, before anything is done.  Standard library only."""

from __future__ import annotations

import argparse
import math
from typing import Optional

__all__ = ["days", "empty_value", "executor", "jobs", "port", "processors_of_a_container", "scheduler", "size"]

# A job server keeps a byte for each job in a pipe, which holds 65,536; no machine of today runs a thousand compilers.
_MOST_JOBS = 1000
_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
# '' is a pull request without labels.
_MAY_BE_EMPTY = ("--labels",)


def empty_value(words: list[str]) -> Optional[str]:
    """Return the flag or argument of a command line that has an empty value, None if there is none.

    A script passes one if it takes the value from a variable that is not set: ``--only "$STEP"`` would build everything.
    """
    for number, word in enumerate(words):
        before = words[number - 1] if number else ""
        flag, sign, value = word.partition("=")
        if word.startswith("--") and sign and not value.strip():
            name = flag
        elif not word.strip():
            name = before if before.startswith("-") else f"argument {number + 1}"
        else:
            continue
        if name not in _MAY_BE_EMPTY:
            return name
    return None


def jobs(text: str) -> int:
    """Read a number of jobs."""
    number = _whole(text)
    if not 1 <= number <= _MOST_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of jobs, 1 to {_MOST_JOBS}")
    return number


def port(text: str) -> int:
    """Read a TCP port; 0 is any that is free."""
    number = _whole(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return number


def scheduler(text: str) -> str:
    """Read the address of a Dask scheduler: dask://HOST:PORT, or tcp or tls as Dask itself prints it."""
    scheme, _, rest = text.partition("://")
    host, _, number = rest.rpartition(":")
    if scheme not in ("dask", "tcp", "tls") or not host or not number.isdigit():
        raise argparse.ArgumentTypeError(
            f"{text!r} is not the address of a scheduler; write dask://HOST:PORT, as the verb `scheduler` prints it"
        )
    return text


def executor(text: str) -> str:
    """Read what runs the steps: threads of this machine, or a cluster's scheduler."""
    return text if text == "threads" else scheduler(text)


def days(text: str) -> float:
    """Read a number of days."""
    return _number(text, 0.0, "a number of days, 0 or more")


def processors_of_a_container(text: str) -> float:
    """Read how many processors a container may use."""
    return _number(text, 0.01, "a number of processors, such as 2 or 0.5")


def size(text: str) -> int:
    """Read a number of bytes with an optional K, M, G or T."""
    unit = text[-1:].upper() if text[-1:].isalpha() else ""
    try:
        found = int(float(text[: len(text) - len(unit)]) * 1024 ** _UNITS[unit])
    except (KeyError, ValueError, OverflowError):
        found = 0
    if found < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size; write e.g. 512M or 4G")
    return found


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return -1


def _number(text: str, least: float, wanted: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not least <= found < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
    return found
