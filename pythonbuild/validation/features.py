"""Show the features of several interpreters side by side, in tables made from what each reported."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Features", "features_text", "read_features"]

# How far apart a source file's functions lie (see read_features.py): at most the first value without a profile, and more than
# the second if LTO applied the profile to the whole program.  Measured with GCC 14: 0.05 with neither, 0.65 to 0.75 with both.
_BY_FILE = 0.2
_BY_PROGRAM = 0.5
_TITLES = {
    "gil": "pythonbuild",
    "freethreaded": "pythonbuild, free-threaded",
    "default": "CPython's default",
    "distribution": "the distribution's python3",
}
_READ = ("system expat", "system libmpdec", "dtrace", "shared", "loadable sqlite")
_EVERYWHERE = ("libc.so.", "libm.so.", "ld-linux")


@dataclass(frozen=True)
class Features:
    """What one interpreter reported.  `tests` is the report of CPython's suite in its package, "" if it has none."""

    facts: Mapping[str, Any]
    tests: str = ""

    @property
    def pgo(self) -> bool:
        """Whether it was compiled with a profile."""
        return float(self.facts["scatter"]) > _BY_FILE

    @property
    def lto(self) -> bool:
        """Whether it was optimized as a whole at link time."""
        return float(self.facts["scatter"]) > _BY_PROGRAM


def read_features(tree: Path) -> dict[str, Features]:
    """Return {role: features} from the result of a step `features`.  The roles: gil, freethreaded, default, distribution."""
    found = {}
    for role in _TITLES:
        path = tree / f"{role}.json"
        if path.is_file():
            tests = tree / f"tests-{role}.txt"
            found[role] = Features(json.loads(path.read_text()), tests.read_text() if tests.is_file() else "")
    return found


def features_text(found: Mapping[str, Features]) -> str:
    """Return two Markdown tables: features, and the libraries besides libc that programs and extension modules link to."""
    heads = [f"{_TITLES[role]} {item.facts['version']}" for role, item in found.items()]
    rows = [
        ["PGO", *(_yes(item.pgo) for item in found.values())],
        ["LTO", *(_yes(item.lto) for item in found.values())],
        *([name, *(_yes(item.facts[name]) for item in found.values())] for name in _READ),
        ["test suite run", *(_tested(role, item) for role, item in found.items())],
    ]
    files = sorted({file for item in found.values() for file in item.facts["links"] if _linked(item, file)})
    links = [[f"`{file}`", *(_linked(item, file) or "-" for item in found.values())] for file in files]
    return f"{_table('feature', heads, rows)}\n{_table('linked with', heads, links)}"


def _tested(role: str, item: Features) -> str:
    if role == "distribution":
        return "does not say"
    return _yes(" has passed" in item.tests)


def _linked(item: Features, file: str) -> str:
    names = item.facts["links"].get(file, [])
    return " ".join(name for name in names if not name.startswith(_EVERYWHERE))


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _table(corner: str, heads: list[str], rows: list[list[str]]) -> str:
    lines = [[corner, *heads], ["---"] * (len(heads) + 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
