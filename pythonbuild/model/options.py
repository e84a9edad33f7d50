"""Build options: words that may be combined, with rules about which contradict each other.  Standard library only, for --help."""

from __future__ import annotations

from dataclasses import dataclass

from pythonbuild.errors import BadRequest, UnknownName

__all__ = ["DEFAULT_OPTION", "OPTIONS", "OPTION_NAMES", "BuildOptions", "Option"]


@dataclass(frozen=True)
class Option:
    """What an option does, and the platforms that know it: linux, macos, windows; all by default."""

    meaning: str
    platforms: tuple[str, ...] = ()

    def known_on(self, platform: str) -> bool:
        """Return True if Pythons for a platform can have the option."""
        return not self.platforms or platform in self.platforms


# In the order of archive names, help and lists.
OPTIONS = {
    "freethreaded": Option("without the global interpreter lock; from CPython 3.13 on"),
    "debug": Option("assertions and reference counts of a debug build; not optimized", ("linux", "macos")),
    "noopt": Option("optimized by the compiler alone"),
    "pgo": Option("optimized with a profile, from training"),
    "lto": Option("optimized as a whole at link time; needs LLVM", ("linux", "macos")),
    "static": Option("a program without shared libraries, for musl", ("linux",)),
}
OPTION_NAMES = tuple(OPTIONS)
# What a build is without any of debug, noopt, pgo and lto.
DEFAULT_OPTION = "noopt"

_CONTRADICTIONS = (
    ("debug", "noopt", "debug already means an unoptimized build"),
    ("debug", "pgo", "a debug build is not optimized"),
    ("debug", "lto", "a debug build is not optimized"),
    ("noopt", "pgo", "noopt says no optimization, pgo asks for one"),
    ("noopt", "lto", "noopt says no optimization, lto asks for one"),
)


@dataclass(frozen=True)
class BuildOptions:
    """A consistent set of option names; `str()` is the canonical text, e.g. freethreaded+pgo+lto."""

    names: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> BuildOptions:
        """Read a +-joined set in any order; without debug, noopt, pgo or lto it is noopt.

        Raises UnknownName for a word that is no option, BadRequest for a contradiction, with the reason.
        """
        names = {word.strip() for word in text.split("+")}
        for name in sorted(names):
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
        """Return {option name: chosen?} for every option, as templates see it."""
        return {name: name in self.names for name in OPTION_NAMES}

    @property
    def abi_flags(self) -> str:
        """The ABI flags of the interpreter's name: "t" for free-threaded, "d" for debug, "td" for both."""
        return ("t" if "freethreaded" in self.names else "") + ("d" if "debug" in self.names else "")
