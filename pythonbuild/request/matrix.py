"""The matrix of all Pythons that can be built (targets x Pythons x options), and selections from it."""

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

__all__ = ["KINDS", "Combination", "Described", "Wanted", "matrix", "read_wanted", "select"]

# Kinds of words that select combinations, in flags and in labels of pull requests.
KINDS = ("platform", "arch", "libc", "python", "build", "target")
# Kind -> values, one of which a combination must have.  A missing kind selects everything.
Wanted = Mapping[str, frozenset[str]]


class Described(Protocol):
    """Something that words of KINDS select."""

    def values(self, kind: str) -> tuple[str, ...]:
        """Return the words that select it, of one kind."""


class Combination(NamedTuple):
    """One Python that can be built."""

    target: Target
    python: PythonVersion
    options: BuildOptions

    def values(self, kind: str) -> tuple[str, ...]:
        """Return the words that select it, of one kind.  A Python has two: its series and its exact version."""
        return {
            "platform": (self.target.platform.name,),
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


def read_wanted(kind: str, texts: Iterable[str], among: Iterable[Described]) -> Wanted:
    """Return the selection by words of one kind, e.g. python 3.13 or build lto+pgo.  Without words, it selects everything.

    Raises UnknownName for a word that selects nothing in `among`, BadRequest for contradictory options.
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
    """Return the items that have one of the wanted values of every kind, in their order."""
    return tuple(
        item for item in among if all(values.intersection(item.values(kind)) for kind, values in wanted.items())
    )


def _option_sets() -> Iterator[BuildOptions]:
    """Yield each valid set of options once."""
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
