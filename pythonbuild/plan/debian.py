"""Plans Debian builds: one step for each build, which runs dpkg-buildpackage in the image or root of the release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pythonbuild.catalog.load import Catalog, file_digest
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.graph import Graph
from pythonbuild.plan.recipes import cpython_source
from pythonbuild.plan.render import render
from pythonbuild.plan.step import Need, Output, Plan, ScriptAction, Step
from pythonbuild.request.debian import DebianBuild, debian_of, image_for

__all__ = ["FEATURES", "plan_debian"]

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# The first word in the labels of steps that compare interpreters.
FEATURES = "features"


def plan_debian(
    builds: tuple[DebianBuild, ...], catalog: Catalog, facts: PlanningFacts, engine: str, features: bool = False
) -> Plan:
    """Return the plan that makes the packages of all builds.

    engine: the name of the engine that builds them; features: also compare the packages with CPython's default build.
    The key of a build contains the versions of the release's packages that it uses, so a newer version rebuilds it.
    """
    graph = Graph()
    outputs = []
    for build in builds:
        maker = _Maker(build, catalog, facts, engine, graph)
        last = maker.compared() if features else maker.packages()
        outputs.append(Output(build=build, step=last.name, kind=None))
    return Plan(steps=graph.steps, outputs=tuple(outputs))


@dataclass(frozen=True)
class _Maker:
    """Adds the steps of one build to a graph."""

    build: DebianBuild
    catalog: Catalog
    facts: PlanningFacts
    engine: str
    graph: Graph

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
            for name, data in catalog.python_recipe().files.items()
            if name.startswith("training/")
        }
        kinds = ["fast"] * build.fast + ["shared"] * build.shared + ["alone"] * (not build.freethreaded)
        action = self._action(folder.script, {**_encoded(files), **training}, packed=True)
        return self._step("-".join(["deb", self._version, *kinds]), action, source=True)

    def compared(self) -> Step:
        """Return the step that compares the packages with CPython's default build."""
        texts = debian_of(self.catalog).features
        packages = self.packages()
        default = self._step(f"default-{self._version}", self._action(texts["default.sh.j2"], {}), source=True)
        reader = {"read_features.py": texts["read_features.py"]}
        compare = self._action(texts["compare.sh.j2"], _encoded(reader))
        needs = (packages, default)
        return self._step(packages.label.replace("deb", FEATURES, 1), compare, needs=needs)

    @property
    def _version(self) -> str:
        return str(self.build.python) + ("-local" if self.build.local_python else "")

    def _step(self, label: str, action: ScriptAction, source: bool = False, needs: tuple[Step, ...] = ()) -> Step:
        build = self.build
        origins = () if build.local_python else self.catalog.releases[build.python].origins
        sources = (cpython_source("cpython", origins, build.local_python, self.facts),) if source else ()
        inputs = {
            "engine": self.engine,
            "script": file_digest(action.script.encode()),
            **{f"source {item.name}": item.origin.sha256 for item in sources},
            **{f"variable {key}": value for key, value in action.environment.items()},
            **{f"file {path}": file_digest(content) for path, content in action.files.items()},
        }
        for package in image_for(build, self.catalog).packages:
            version = self.facts.packages.get(package.partition(":")[0])
            if version:
                inputs[f"package {package}"] = version
        target = f"{build.release.name}-{build.architecture}"
        deps = tuple(Need("deps", need.identity) for need in needs)
        return self.graph.add(label, target, action, inputs, needs=deps, sources=sources)

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


def _rendered(packaging: Mapping[str, str], build: DebianBuild, context: Mapping[str, object]) -> dict[str, str]:
    """Return {template's name without .j2: text} of the files in debian/ for the packages that this build makes."""
    return {
        name.removesuffix(".j2"): render(name, {name: text}, context) if name.endswith(".j2") else text
        for name, text in packaging.items()
        if build.freethreaded or not name.startswith("freethreaded.")
    }


def _place(name: str, build: DebianBuild) -> str:
    """Return a file's name in debian/, where the package's name replaces `main` and `freethreaded`."""
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
