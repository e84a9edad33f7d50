"""Debian builds x catalog -> a plan of one step each: dpkg-buildpackage runs where the release is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pythonbuild.catalog.load import Catalog, file_digest
from pythonbuild.catalog.schema import Origin
from pythonbuild.plan.planner import Surroundings
from pythonbuild.plan.render import render
from pythonbuild.plan.step import Need, Output, Plan, ScriptAction, SourceFile, Step, key_of
from pythonbuild.request.debian import DebianBuild, debian_of, image_for

__all__ = ["FEATURES", "plan_debian"]

# Part of every key, see planner.py.
_FORMAT = "1"
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# The step that compares interpreters.
FEATURES = "features"


def plan_debian(
    builds: tuple[DebianBuild, ...], catalog: Catalog, world: Surroundings, engine: str, features: bool = False
) -> Plan:
    """Return the plan that makes the packages of all `builds`, on the engine of that name; with what features they have, if asked for.

    The versions of what they are built with are in the keys, so that packages are made anew when the release has newer.
    """
    steps: dict[str, Step] = {}
    outputs = []
    for build in builds:
        maker = _Maker(build, catalog, world, engine)
        made = maker.compared() if features else (maker.packages(),)
        steps.update({step.name: step for step in made})
        outputs.append(Output(build=build, step=made[-1].name, kind=None))
    return Plan(steps=steps, outputs=tuple(outputs))


@dataclass(frozen=True)
class _Maker:
    """Makes the steps of one build."""

    build: DebianBuild
    catalog: Catalog
    world: Surroundings
    engine: str

    def packages(self) -> Step:
        """Return the step that makes the packages."""
        build, catalog = self.build, self.catalog
        folder = debian_of(catalog)
        context = _context(build, catalog)
        files = {
            f"debian/{_place(name, build)}": text for name, text in _rendered(folder.packaging, build, context).items()
        }
        failures = catalog.release_failures(build.release.name, build.python)
        files["debian/expected-failures"] = "".join(f"# {item.reason}\n{item.test}\n" for item in failures)
        training = {
            f"debian/{name}": data
            for name, data in catalog.recipe("cpython").files.items()
            if name.startswith("training/")
        }
        kinds = ["fast"] * build.fast + ["shared"] * build.shared + ["alone"] * (not build.freethreaded)
        action = self._action(folder.script, {**_encoded(files), **training}, packed=True)
        return self._step("-".join(["deb", self._version, *kinds]), action, source=True)

    def compared(self) -> tuple[Step, Step, Step]:
        """Return the steps that make the packages and CPython's default build, and the one that compares them, last."""
        texts = debian_of(self.catalog).features
        packages = self.packages()
        default = self._step(f"default-{self._version}", self._action(texts["default.sh.j2"], {}), source=True)
        reader = {"read_features.py": texts["read_features.py"]}
        compare = self._action(texts["compare.sh.j2"], _encoded(reader))
        needs = (packages, default)
        name = packages.name.split("@")[0].replace("deb", FEATURES, 1)
        return packages, default, self._step(name, compare, needs=needs)

    @property
    def _version(self) -> str:
        return str(self.build.python) + ("-local" if self.build.local_python else "")

    def _step(self, name: str, action: ScriptAction, source: bool = False, needs: tuple[Step, ...] = ()) -> Step:
        identity = f"{name}@{self.build.release.name}-{self.build.architecture}"
        sources = (_source(self.build, self.catalog, self.world),) if source else ()
        inputs = {
            "format": _FORMAT,
            "engine": self.engine,
            "script": file_digest(action.script.encode()),
            **{f"source {item.name}": item.origin.sha256 for item in sources},
            **{f"variable {key}": value for key, value in action.environment.items()},
            **{f"file {path}": file_digest(content) for path, content in action.files.items()},
            **{f"deps {need.name.split('@')[0]}": need.key for need in needs},
        }
        for package in image_for(self.build, self.catalog).packages:
            version = self.world.packages.get(package.partition(":")[0])
            if version:
                inputs[f"package {package}"] = version
        return Step(
            name=identity,
            identity=identity,
            inputs=inputs,
            key=key_of(inputs),
            action=action,
            needs=tuple(Need("deps", need.name) for need in needs),
            sources=sources,
        )

    def _action(self, script: str, files: Mapping[str, bytes], packed: bool = False) -> ScriptAction:
        context = _context(self.build, self.catalog)
        return ScriptAction(
            script=render("script", {"script": script}, context),
            environment={
                "FILES": "@ROOT@/files",
                "HOME": "@ROOT@/home",
                "LC_ALL": "C.UTF-8",
                "OUT": "@ROOT@/out",
                "PATH": _PATH,
                "ROOT": "@ROOT@",
                "SRC": "@ROOT@/src/cpython",
                "TMPDIR": "@ROOT@/tmp",
                "TZ": "UTC",
            },
            wrappers={},
            files=files,
            packed=packed,
        )


def _encoded(texts: Mapping[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in texts.items()}


def _source(build: DebianBuild, catalog: Catalog, world: Surroundings) -> SourceFile:
    local = build.local_python
    if local:
        origin = Origin(sha256=local.digest, size=0, url=f"file:{local.path.name}")
        return SourceFile(name="cpython", origins=(origin,), local=local.path)
    origins = catalog.releases[build.python].origins
    return SourceFile(name="cpython", origins=origins, chosen=world.choose_origin(origins))


def _rendered(packaging: Mapping[str, str], build: DebianBuild, context: Mapping[str, object]) -> dict[str, str]:
    """Return the texts of debian/ by the template's name without .j2; nothing for a package that is not made."""
    return {
        name.removesuffix(".j2"): render(name, {name: text}, context) if name.endswith(".j2") else text
        for name, text in packaging.items()
        if build.freethreaded or not name.startswith("freethreaded.")
    }


def _place(name: str, build: DebianBuild) -> str:
    """Return the file's name in debian/: main.* and freethreaded.* are called by their packages there."""
    for role, package in (("main.", build.name), ("freethreaded.", build.freethreaded_name)):
        if name.startswith(role):
            return f"{package}.{name.removeprefix(role)}"
    return name


def _context(build: DebianBuild, catalog: Catalog) -> dict[str, object]:
    releases = debian_of(catalog).releases
    libraries = [name for name in releases.libraries if name not in build.release.lacks]
    native = [f"{name}:native" for name in releases.cross_libraries]
    return {
        "answers": build.target.answers,
        "architecture": build.architecture,
        "build_depends": sorted([*releases.tools, *libraries, *(native if build.cross else ())]),
        "codename": build.release.name,
        "cross": build.cross,
        "debian_version": build.version,
        "display": build.display,
        "fast": build.fast,
        "freethreaded": build.freethreaded,
        "freethreaded_name": build.freethreaded_name,
        "maintainer": build.maintainer,
        "minor": build.python.minor,
        "name": build.name,
        "prefix": build.prefix,
        "series": build.python.series,
        "shared": build.shared,
        "system_libmpdec": build.python.within(">=3.12") and "libmpdec-dev" in libraries,
        "tested": not build.fast and not build.cross,
        "upstream_version": build.upstream_version,
        "version": str(build.python),
    }
