"""`DebianBuild`: one source package with its binary packages.  `resolve_debian` turns a request into builds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Optional

from pythonbuild.catalog.load import Catalog, DebianFolder
from pythonbuild.catalog.schema import DistroRelease, Image, Target
from pythonbuild.errors import BadCatalog, BadRequest
from pythonbuild.model.target import System
from pythonbuild.model.version import PythonVersion
from pythonbuild.request.build import LocalPython

__all__ = ["DebianBuild", "DebianRequest", "debian_of", "image_for", "resolve_debian"]

_FIRST_FREETHREADED = ">=3.13"
# A package needs a mail address.  This one shows that the user gave none.
_NOBODY = "pythonbuild <pythonbuild@localhost>"
_REVISION = re.compile(r"[A-Za-z0-9.~]+")
_MAINTAINER = re.compile(r"[^<>,\n]+ <[^<>@\s]+@[^<>@\s]+>")
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")


@dataclass(frozen=True)
class DebianRequest:
    """The request of a user, as text; "" and None mean that a value was not given."""

    targets: tuple[str, ...]
    pythons: tuple[str, ...]
    machine: str
    system: System
    distro: str = ""
    display: str = ""
    fast: Optional[bool] = None
    freethreaded: Optional[bool] = None
    shared: bool = False
    revision: str = "1"
    maintainer: str = ""
    package: str = ""
    local_python: Optional[LocalPython] = None

    def with_environment(self, environment: Mapping[str, str]) -> DebianRequest:
        """Return the request with missing values from the environment, in the variables of python-builder's build arguments.

        Raises BadRequest for an invalid value.
        """
        series, micro = environment.get("PYTHON_VER_MAJ_MIN", ""), environment.get("PYTHON_VER_MIC", "")
        if micro and not series:
            raise BadRequest("PYTHON_VER_MIC is set, but PYTHON_VER_MAJ_MIN is not", "set both, or use --python")
        named = (f"cpython-{series}.{micro}" if micro else f"cpython-{series}",) if series else ()
        nogil = _truth("BUILD_NOGIL", environment)
        return replace(
            self,
            distro=self.distro or environment.get("OS_DISTRO_BASE", ""),
            display=self.display or environment.get("OS_DISTRO_DISP", ""),
            pythons=self.pythons or (() if self.local_python else named),
            fast=self.fast if self.fast is not None else _truth("FAST_BUILD", environment),
            freethreaded=self.freethreaded if self.freethreaded is not None else nogil,
        )


@dataclass(frozen=True)
class DebianBuild:
    """One source package.

    architecture: Debian's name of the target; cross: the building machine has another one; display: the distribution's name
    for people; revision: the Debian revision, which ends with the release.
    """

    release: DistroRelease
    target: Target
    architecture: str
    cross: bool
    python: PythonVersion
    display: str
    name: str
    revision: str
    maintainer: str
    fast: bool
    freethreaded: bool
    shared: bool
    local_python: Optional[LocalPython] = None

    def __str__(self) -> str:
        kind = "fast" if self.fast else "optimized"
        return f"{self.name} {self.version} {self.architecture} for {self.display}, {kind}"

    @property
    def freethreaded_name(self) -> str:
        """The name of the package with the free-threaded interpreter."""
        return self.name.replace(self.python.series, f"{self.python.series}t", 1)

    @property
    def upstream_version(self) -> str:
        """CPython's version as Debian sorts it: pre-releases before the release."""
        plain = f"{self.python.series}.{self.python.micro}"
        return f"{plain}~{self.python.prerelease}" if self.python.prerelease else plain

    @property
    def version(self) -> str:
        """The package's version, e.g. 3.13.15-1+trixie1."""
        return f"{self.upstream_version}-{self.revision}"

    @property
    def prefix(self) -> str:
        """The folder where the package installs Python."""
        return f"/opt/python/python{self.python.series}"


def debian_of(catalog: Catalog) -> DebianFolder:
    """Return the catalog's folder for Debian packages.  Raises BadCatalog if there is none."""
    if catalog.debian is None:
        raise BadCatalog("cpython-unix/debian is missing")
    return catalog.debian


def resolve_debian(request: DebianRequest, catalog: Catalog) -> tuple[DebianBuild, ...]:
    """Return the builds of a request, in its order and without repetitions, all for one release.

    Raises BadRequest (also UnknownName) if a build is impossible.
    """
    release = _release(request, catalog)
    if not _REVISION.fullmatch(request.revision):
        raise BadRequest(
            f"{request.revision!r} is not a Debian revision", "use letters, digits and dots, such as 1 or 2.1"
        )
    maintainer = request.maintainer or _NOBODY
    if not (_MAINTAINER.fullmatch(maintainer) and maintainer.isprintable()):
        raise BadRequest(f"{maintainer!r} is not a maintainer", "write it like 'Ada Lovelace <ada@example.org>'")
    if request.display and not (request.display.strip() and request.display.isprintable()):
        raise BadRequest(
            f"{request.display!r} is not the name of a distribution", "write it on one line, like 'Debian Trixie'"
        )
    builds: dict[DebianBuild, None] = {}
    for triple in request.targets:
        target = catalog.target(triple)
        for python in _pythons(request, catalog):
            builds[_build(request, catalog, release, target, python, maintainer)] = None
    if len({build.architecture for build in builds}) > 1:
        raise BadRequest("packages can be built for only one architecture at a time", "give one --target")
    names = [(build.name, build.version, build.architecture) for build in builds]
    if len(set(names)) < len(names):
        raise BadRequest("two of these packages would have the same name and version", "build them in two runs")
    return tuple(builds)


def _release(request: DebianRequest, catalog: Catalog) -> DistroRelease:
    """Return the requested release, by default that of the machine."""
    folder = debian_of(catalog)
    if request.distro:
        return folder.release(request.distro)
    for release in folder.releases.releases:
        if request.system.name in release.systems and request.system.codename == release.name:
            return release
    known = ", ".join(release.names[0] for release in folder.releases.releases)
    raise BadRequest(
        "this machine runs no known release of a distribution, and none was given",
        f"choose one with --distro: {known}",
    )


def _pythons(request: DebianRequest, catalog: Catalog) -> list[PythonVersion]:
    if request.local_python:
        return [request.local_python.version]
    return [catalog.python(text) for text in request.pythons or (catalog.default_python,)]


def _build(
    request: DebianRequest,
    catalog: Catalog,
    release: DistroRelease,
    target: Target,
    python: PythonVersion,
    maintainer: str,
) -> DebianBuild:
    architectures = debian_of(catalog).releases.architectures
    if target.triple not in architectures:
        raise BadRequest(
            f"Debian packages are not available for {target.triple}", f"choose one of: {', '.join(architectures)}"
        )
    if not python.within(">=3.11"):
        raise BadRequest(f"Debian packages need CPython 3.11 or newer, not {python}")
    able = python.within(_FIRST_FREETHREADED)
    if request.freethreaded and not able:
        raise BadRequest(
            f"a free-threaded CPython needs 3.13 or newer, not {python}", "drop --freethreaded, or unset BUILD_NOGIL"
        )
    # A package with the name of the distribution's own would replace it, and break packages that depend on it.
    name = f"python{python.series}" + ("-opt" if python.series == release.own_python else "")
    if request.package and not (_NAME.fullmatch(request.package) and python.series in request.package):
        raise BadRequest(
            f"{request.package!r} is not a valid package name",
            f"use lower-case letters, digits, + - and ., and include {python.series}, as in {name}",
        )
    return DebianBuild(
        release=release,
        target=target,
        architecture=architectures[target.triple],
        cross=target.gnu != f"{request.machine}-linux-gnu",
        python=python,
        display=request.display or release.display,
        name=request.package or name,
        revision=f"{request.revision}+{release.name}1",
        maintainer=maintainer,
        fast=bool(request.fast),
        freethreaded=able if request.freethreaded is None else request.freethreaded,
        shared=request.shared,
        local_python=request.local_python,
    )


def image_for(build: DebianBuild, catalog: Catalog) -> Image:
    """Return the image in which a package is built: the release, and the packages that a build needs.

    No version is pinned, because packages are built with, and for, the current state of the release.
    """
    releases = debian_of(catalog).releases
    libraries = [name for name in releases.libraries if name not in build.release.lacks]
    tools = ["build-essential", "debhelper", *(name for name in releases.tools if "(" not in name)]
    foreign = build.architecture if build.cross else ""
    if foreign:
        tools.append(f"crossbuild-essential-{foreign}")
        libraries = [*releases.cross_libraries, *(f"{name}:{foreign}" for name in libraries)]
    return Image(
        name="-".join(filter(None, ("deb", build.release.name, foreign))),
        description=f"build environment of CPython's packages for {build.release.display}",
        base=build.release.names[0],
        suite=build.release.suite,
        updates=build.release.updates,
        packages=dict.fromkeys([*tools, "python3", *libraries], ""),
        foreign=foreign,
    )


def _truth(name: str, environment: Mapping[str, str]) -> Optional[bool]:
    text = environment.get(name, "").lower()
    values = {"": None, "true": True, "1": True, "false": False, "0": False}
    if text in values:
        return values[text]
    raise BadRequest(f"{name}={environment[name]} is neither true nor false", "set it to true or false")
