"""Build options: words that can be combined, unless they contradict each other.

This module uses the standard library only, because --help works before an installation.
"""

from __future__ import annotations

from dataclasses import dataclass

from pythonbuild.errors import BadRequest, UnknownName

__all__ = ["DEFAULT_OPTION", "OPTIONS", "OPTION_NAMES", "BuildOptions", "Option"]


@dataclass(frozen=True)
class Option:
    """A build option.

    meaning: its description; platforms: those that support it, of linux, macos and windows; empty means all.
    """

    meaning: str
    platforms: tuple[str, ...] = ()

    def known_on(self, platform: str) -> bool:
        """Return whether Pythons for a platform can have the option."""
        return not self.platforms or platform in self.platforms


# In the order of archive names, help and lists.
OPTIONS = {
    "freethreaded": Option("no global interpreter lock; CPython 3.13 or newer"),
    "debug": Option("a debug build with assertions and reference counts; not optimized", ("linux", "macos")),
    "noopt": Option("ordinary compiler optimization only"),
    "pgo": Option("profile-guided optimization, with a training run"),
    "lto": Option("link-time optimization; requires LLVM", ("linux", "macos")),
    "static": Option("a static interpreter without shared libraries; musl only", ("linux",)),
}
OPTION_NAMES = tuple(OPTIONS)
# The option of a build that has none of debug, noopt, pgo and lto.
DEFAULT_OPTION = "noopt"

_CONTRADICTIONS = (
    ("debug", "noopt", "debug already means an unoptimized build"),
    ("debug", "pgo", "a debug build is not optimized"),
    ("debug", "lto", "a debug build is not optimized"),
    ("noopt", "pgo", "noopt turns optimization off, pgo turns it on"),
    ("noopt", "lto", "noopt turns optimization off, lto turns it on"),
)


@dataclass(frozen=True)
class BuildOptions:
    """A consistent set of option names; `str()` is the canonical text, e.g. freethreaded+pgo+lto."""

    names: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> BuildOptions:
        """Parse words joined by +, in any order.  Without debug, noopt, pgo or lto, noopt is added.

        Raises UnknownName for a word that is not an option, BadRequest if options contradict each other.
        """
        names = {word.strip() for word in text.split("+")}
        for name in sorted(names):
            if {*name.split(",")} <= {*OPTION_NAMES} and "," in name:
                raise BadRequest(f"{name!r} is not a set of options", f"join them with +: {name.replace(',', '+')}")
            if name not in OPTION_NAMES:
                raise UnknownName("option", name, OPTION_NAMES)
        for one, other, reason in _CONTRADICTIONS:
            if {one, other} <= names:
                raise BadRequest(f"options {one} and {other} contradict each other: {reason}", f"drop {one} or {other}")
        if not names & {"debug", "noopt", "pgo", "lto"}:
            names.add(DEFAULT_OPTION)
        return cls(frozenset(names))

    def __str__(self) -> str:
        return "+".join(name for name in OPTION_NAMES if name in self.names)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def as_flags(self) -> dict[str, bool]:
        """Return {option name: whether it is set} for every option, for templates."""
        return {name: name in self.names for name in OPTION_NAMES}

    @property
    def abi_flags(self) -> str:
        """The ABI flags in the interpreter's name: "t" for free-threaded, "d" for debug, "td" for both."""
        return ("t" if "freethreaded" in self.names else "") + ("d" if "debug" in self.names else "")
