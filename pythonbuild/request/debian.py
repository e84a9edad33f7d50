"""`DebianBuild`: one source package to make, with the binary packages that come of it; `resolve_debian` says what was asked for."""

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
# Without a mail address no package can be made; this one says that nobody gave any.
_NOBODY = "pythonbuild <pythonbuild@localhost>"
_REVISION = re.compile(r"[A-Za-z0-9.~]+")
_MAINTAINER = re.compile(r"[^<>,\n]+ <[^<>@\s]+@[^<>@\s]+>")
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")


@dataclass(frozen=True)
class DebianRequest:
    """What was asked for, as text; "" and None mean that nothing was said."""

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
        """Return the request with what nothing was said of taken from the variables that python-builder has as build arguments.

        Raises BadRequest for a value that makes no sense.
        """
        series, micro = environment.get("PYTHON_VER_MAJ_MIN", ""), environment.get("PYTHON_VER_MIC", "")
        if micro and not series:
            raise BadRequest("PYTHON_VER_MIC is set, and PYTHON_VER_MAJ_MIN is not", "set both, or use --python")
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

    architecture: Debian's name of what it is built for; cross: it is not that of the building machine; display: the
    distribution's name for people; revision: Debian's, with what tells the release.
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
        """Where it is installed."""
        return f"/opt/python/python{self.python.series}"


def debian_of(catalog: Catalog) -> DebianFolder:
    """Return what the catalog knows of Debian packages; raises BadCatalog if that is nothing."""
    if catalog.debian is None:
        raise BadCatalog("cpython-unix/debian is missing")
    return catalog.debian


def resolve_debian(request: DebianRequest, catalog: Catalog) -> tuple[DebianBuild, ...]:
    """Return the builds of a request, in the order asked for, all for one release and without repetitions.

    Raises BadRequest (also UnknownName) for what cannot be.
    """
    release = _release(request, catalog)
    if not _REVISION.fullmatch(request.revision):
        raise BadRequest(
            f"{request.revision!r} is not a Debian revision", "use letters, digits and dots, such as 1 or 2.1"
        )
    maintainer = request.maintainer or _NOBODY
    if not (_MAINTAINER.fullmatch(maintainer) and maintainer.isprintable()):
        raise BadRequest(f"{maintainer!r} names no maintainer", "write it like 'Ada Lovelace <ada@example.org>'")
    if request.display and not (request.display.strip() and request.display.isprintable()):
        raise BadRequest(f"{request.display!r} names no distribution", "write it on one line, like 'Debian Trixie'")
    builds: dict[DebianBuild, None] = {}
    for triple in request.targets:
        target = catalog.target(triple)
        for python in _pythons(request, catalog):
            builds[_build(request, catalog, release, target, python, maintainer)] = None
    if len({build.architecture for build in builds}) > 1:
        raise BadRequest("only packages of one architecture can be built at a time", "give one --target")
    names = [(build.name, build.version, build.architecture) for build in builds]
    if len(set(names)) < len(names):
        raise BadRequest("two of these packages would have the same name and version", "build one after the other")
    return tuple(builds)


def _release(request: DebianRequest, catalog: Catalog) -> DistroRelease:
    """Return the release asked for, else that of the machine."""
    folder = debian_of(catalog)
    if request.distro:
        return folder.release(request.distro)
    for release in folder.releases.releases:
        if request.system.name in release.systems and request.system.codename == release.name:
            return release
    known = ", ".join(release.names[0] for release in folder.releases.releases)
    raise BadRequest(
        "no release of a distribution was named",
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
            f"there are no Debian packages for {target.triple}", f"there are for: {', '.join(architectures)}"
        )
    if not python.within(">=3.11"):
        raise BadRequest(f"Debian packages need CPython 3.11 or newer, and this is {python}")
    able = python.within(_FIRST_FREETHREADED)
    if request.freethreaded and not able:
        raise BadRequest(f"a free-threaded CPython needs 3.13 or newer, and this is {python}", "leave it out")
    # A package of the distribution's own name would replace it, and take with it what depends on exactly that.
    name = f"python{python.series}" + ("-opt" if python.series == release.own_python else "")
    if request.package and not (_NAME.fullmatch(request.package) and python.series in request.package):
        raise BadRequest(
            f"{request.package!r} cannot be the package's name",
            f"lower-case letters, digits, + - and . with {python.series} in it, such as {name}",
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
    """Return the image that a package is built in: the release, and what a build needs.  No version is pinned: packages are built
    with, and for, what the release has by now."""
    releases = debian_of(catalog).releases
    libraries = [name for name in releases.libraries if name not in build.release.lacks]
    tools = ["build-essential", "debhelper", *(name for name in releases.tools if "(" not in name)]
    foreign = build.architecture if build.cross else ""
    if foreign:
        tools.append(f"crossbuild-essential-{foreign}")
        libraries = [*releases.cross_libraries, *(f"{name}:{foreign}" for name in libraries)]
    return Image(
        name="-".join(filter(None, ("deb", build.release.name, foreign))),
        description=f"what CPython's packages for {build.release.display} are built with",
        base=build.release.names[0],
        suite=build.release.suite,
        updates=build.release.updates,
        packages=dict.fromkeys([*tools, "python3", *libraries], ""),
        foreign=foreign,
    )


def _truth(name: str, environment: Mapping[str, str]) -> Optional[bool]:
    text = environment.get(name, "").lower()
    if text in ("", "true", "false"):
        return {"true": True, "false": False}.get(text)
    raise BadRequest(f"{name}={environment[name]} is neither true nor false", "set it to one of them")
