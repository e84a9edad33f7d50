"""Pinned versions that `update` can change: of recipes with their own sources, and the newest CPython of each series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Union

from pythonbuild.catalog.load import Catalog, RecipeFolder
from pythonbuild.catalog.schema import Source, Upstream

__all__ = ["Pin", "pins"]


@dataclass(frozen=True)
class Pin:
    """A version and its sources.

    place: the path to the mapping in the YAML file that contains both; series: the numbers with which newer versions must begin;
    others: other pinned versions of the same project.
    """

    name: str
    file: Path
    place: tuple[Union[str, int], ...]
    version: str
    upstream: Upstream
    sources: tuple[Source, ...]
    series: str = ""
    others: tuple[str, ...] = ()

    @property
    def listed(self) -> str:
        """The version as upstream lists it; a project on a package index has its own numbers."""
        sdists = [origin.sdist for source in self.sources for origin in source.origins if origin.sdist]
        return sdists[0].partition("==")[2] if self.upstream.pypi and sdists else self.version


def pins(catalog: Catalog, root: Path) -> dict[str, Pin]:
    """Return all pins by name.  Names of cpython-windows get the prefix windows/ if cpython-unix has them as well.

    root: the folder from which the catalog was read (cpython-unix).
    """
    found = {pin.name: pin for pin in map(_of_recipe, catalog.recipes.values()) if pin.sources}
    for folder in catalog.windows_recipes.values():
        pin = _of_recipe(folder)
        if pin.sources and not folder.recipe.like:
            name = f"windows/{pin.name}" if pin.name in found else pin.name
            found[name] = replace(pin, name=name)
    versions = list(catalog.releases)
    for series in sorted({version.series for version in versions}, key=lambda text: [*map(int, text.split("."))]):
        same = sorted(version for version in versions if version.series == series)
        found[f"cpython-{series}"] = Pin(
            name=f"cpython-{series}",
            file=root / "pythons.yml",
            place=("releases", versions.index(same[-1])),
            version=str(same[-1]),
            upstream=catalog.python_upstream or _NOWHERE,
            sources=(Source(origins=catalog.releases[same[-1]].origins),),
            series=series,
            others=tuple(map(str, same[:-1])),
        )
    return found


_NOWHERE = Upstream(unwatched="it has no `upstream:` with the place of newer versions")


def _of_recipe(folder: RecipeFolder) -> Pin:
    recipe = folder.recipe
    upstream = recipe.upstream or _NOWHERE
    return Pin(
        recipe.name, folder.path / "recipe.yml", (), recipe.version, upstream, recipe.sources, series=upstream.series
    )
