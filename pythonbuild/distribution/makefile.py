"""Readers of CPython's build files: variables of the Makefile, lines of the Setup files, the table of modules in config.c.

Source: the syntax of the Setup files is described at the top of CPython's Modules/Setup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["BuiltinEntry", "SetupLine", "expand", "inittab", "setup_lines", "variables"]

_ASSIGNMENT = re.compile(r"^([A-Za-z_][A-Za-z0-9_]*)\s*:?=[ \t]*(.*)$")
_REFERENCE = re.compile(r"\$[({]([A-Za-z_][A-Za-z0-9_]*)[)}]")
_DEPTH = 20  # levels of variables that refer to variables; CPython's Makefile has five


@dataclass(frozen=True)
class SetupLine:
    """A module's line in a Setup file: its name, and the words after the name (sources, flags, libraries)."""

    module: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class BuiltinEntry:
    """A row of _PyImport_Inittab: a module's name, and its init function or "NULL"."""

    module: str
    function: str


def variables(makefile: str) -> dict[str, str]:
    """Return name -> value of the variables that a Makefile sets with `=` or `:=`.

    Values are not expanded, and continuation lines are joined.  The last assignment counts.
    """
    found = {}
    for line in makefile.replace("\\\n", " ").splitlines():
        match = _ASSIGNMENT.match(line)
        if match:
            found[match[1]] = " ".join(match[2].split())
    return found


def expand(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with each $(NAME) or ${NAME} replaced by its value, or by "" if it has none.

    Raises ValueError if variables refer to each other in a circle.
    """
    for _ in range(_DEPTH):
        if not _REFERENCE.search(text):
            return text
        text = _REFERENCE.sub(lambda match: values.get(match[1], ""), text)
    raise ValueError(f"make variables refer to each other in a circle: {text[:200]}")


def setup_lines(text: str) -> tuple[SetupLine, ...]:
    """Return the modules of a Setup file, except those below its *disabled* heading."""
    found = []
    disabled = False
    for raw in text.replace("\\\n", " ").splitlines():
        line = raw.split("#", 1)[0].strip()
        heading = re.fullmatch(r"\*(static|shared|disabled|noconfig)\*", line)
        if heading:
            disabled = heading[1] == "disabled"
        elif line and not disabled and not _ASSIGNMENT.match(line):
            module, *words = line.split()
            found.append(SetupLine(module, tuple(words)))
    return tuple(found)


def inittab(config: str) -> tuple[BuiltinEntry, ...]:
    """Return the table of built-in modules in the text of a config.c."""
    table = config.split("_PyImport_Inittab[]", 1)[-1]
    rows = re.findall(r'\{\s*"(\w+)"\s*,\s*(\w+)\s*\}', table)
    return tuple(BuiltinEntry(module, function) for module, function in rows)
