"""CPython versions such as 3.13.15 and 3.15.0rc1."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pythonbuild.errors import BadRequest

__all__ = ["PythonVersion"]

_PATTERN = re.compile(r"(\d+)\.(\d+)\.(\d+)((?:a|b|rc)\d+)?\+?")


@total_ordering
@dataclass(frozen=True)
class PythonVersion:
    """A CPython release: `str()` gives 3.13.15 or 3.15.0rc1, `series` 3.13."""

    major: int
    minor: int
    micro: int
    prerelease: str = ""

    @classmethod
    def parse(cls, text: str) -> PythonVersion:
        """Parse "3.13.15" or "3.15.0rc1", and drop the + that development trees append.  Raises BadRequest."""
        match = _PATTERN.fullmatch(text)
        if not match:
            raise BadRequest(f"{text!r} is not a CPython version", "write it like 3.13.15 or 3.15.0rc1")
        return cls(int(match[1]), int(match[2]), int(match[3]), match[4] or "")

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.micro}{self.prerelease}"

    def __lt__(self, other: PythonVersion) -> bool:
        return Version(str(self)) < Version(str(other))

    @property
    def series(self) -> str:
        """The language version, e.g. "3.13"."""
        return f"{self.major}.{self.minor}"

    @property
    def hexversion(self) -> str:
        """sys.hexversion as a C literal, e.g. 0x030d0ff0 for 3.13.15."""
        level, serial = {"a": 0xA, "b": 0xB, "r": 0xC}.get(self.prerelease[:1], 0xF), self.prerelease.lstrip("abrc")
        return f"0x{self.major:02x}{self.minor:02x}{self.micro:02x}{level:x}{int(serial or 0):x}"

    def within(self, specifier: str) -> bool:
        """Return whether a PEP 440 specifier such as ">=3.12" admits this version's series; "" admits all.

        Pre-releases count as their series.
        """
        return not specifier or SpecifierSet(specifier).contains(self.series)
