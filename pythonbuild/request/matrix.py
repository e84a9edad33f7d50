"""Everything that can be built: targets x Pythons x options, without what contradicts itself; and choosing among it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import NamedTuple, Protocol, TypeVar

from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import Target
from pythonbuild.errors import BadRequest, UnknownName
from pythonbuild.model.options import OPTION_NAMES, BuildOptions
from pythonbuild.model.version import PythonVersion
from pythonbuild.request.build import check_options

__all__ = ["KINDS", "Combination", "Described", "Wanted", "matrix", "platform_of", "read_wanted", "select"]

# What combinations are chosen by: words of flags and of a pull request's labels.
KINDS = ("platform", "arch", "libc", "python", "build", "target")
# Kind -> values, one of which a combination must have; a kind that is not there is not looked at.
Wanted = Mapping[str, frozenset[str]]


class Described(Protocol):
    """What can be chosen by the words of KINDS."""

    def values(self, kind: str) -> tuple[str, ...]:
        """Return what it is called by, of a kind."""


class Combination(NamedTuple):
    """One Python that can be built."""

    target: Target
    python: PythonVersion
    options: BuildOptions

    def values(self, kind: str) -> tuple[str, ...]:
        """Return what it is called by, of a kind: a Python's series as well as its exact version."""
        return {
            "platform": (platform_of(self.target),),
            "arch": (self.target.arch,),
            "libc": (self.target.libc,),
            "python": (self.python.series, str(self.python)),
            "build": (str(self.options),),
            "target": (self.target.triple,),
        }[kind]


_D = TypeVar("_D", bound=Described)


def matrix(catalog: Catalog) -> Iterator[Combination]:
    """Yield each combination once: targets and Pythons in the catalog's order, options from none to all."""
    option_sets = tuple(_option_sets())
    for target in catalog.targets.values():
        recipe = catalog.python_recipe(target)
        for python in sorted(catalog.releases):
            if not recipe.applies_to(target.triple, python):
                continue
            for options in option_sets:
                try:
                    check_options(options, python, target)
                except BadRequest:
                    continue
                yield Combination(target, python, options)


def platform_of(target: Target) -> str:
    """Return which entry script builds a target: linux, macos or windows."""
    return "windows" if target.windows else "macos" if target.macos else "linux"


def read_wanted(kind: str, texts: Iterable[str], among: Iterable[Described]) -> Wanted:
    """Return what words of one kind choose, e.g. python 3.13 or build lto+pgo; without words nothing is left out.

    Raises UnknownName for a word that nothing in `among` has, with those there are; BadRequest for options that contradict themselves.
    """
    known = dict.fromkeys(value for item in among for value in item.values(kind))
    values = set()
    for text in texts:
        value = text.removeprefix("cpython-") if kind == "python" else text
        if kind == "build":
            value = str(BuildOptions.parse(text))
        if value not in known:
            raise UnknownName(kind, text, known)
        values.add(value)
    return {kind: frozenset(values)} if values else {}


def select(among: Iterable[_D], wanted: Wanted) -> tuple[_D, ...]:
    """Return those that have, of every kind in `wanted`, one of the values, in their order."""
    return tuple(
        item for item in among if all(values.intersection(item.values(kind)) for kind, values in wanted.items())
    )


def _option_sets() -> Iterator[BuildOptions]:
    """Yield each consistent set of options once."""
    seen = set()
    for count in range(1, len(OPTION_NAMES) + 1):
        for names in combinations(OPTION_NAMES, count):
            try:
                options = BuildOptions.parse("+".join(names))
            except BadRequest:
                continue
            if str(options) not in seen:
                seen.add(str(options))
                yield options
