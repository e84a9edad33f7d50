"""Everything that can be built: targets x Pythons x options, without what contradicts itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import Target
from pythonbuild.errors import BadRequest
from pythonbuild.model.options import OPTION_NAMES, BuildOptions
from pythonbuild.model.version import PythonVersion
from pythonbuild.request.build import check_options

__all__ = ["matrix"]


def matrix(catalog: Catalog) -> Iterator[tuple[Target, PythonVersion, BuildOptions]]:
    """Yield each combination once: targets and Pythons in the catalog's order, options from none to all."""
    option_sets = tuple(_option_sets())
    for target in catalog.targets.values():
        recipe = catalog.recipe("cpython", target)
        for python in sorted(catalog.releases):
            if not recipe.applies_to(target.triple, python):
                continue
            for options in option_sets:
                try:
                    check_options(options, python, target)
                except BadRequest:
                    continue
                yield target, python, options


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
