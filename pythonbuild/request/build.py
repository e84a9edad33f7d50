"""`Build`: one Python to build.  `resolve` turns targets x Pythons x options into builds, or raises errors."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from packaging.version import Version

from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import Target, Toolchain
from pythonbuild.errors import BadRequest, MissingPrerequisite
from pythonbuild.host.llvm import install_command
from pythonbuild.host.toolchains import Llvm, Msvc, Xcode
from pythonbuild.model.naming import DEFAULT_FORMATS, ArchiveFormat
from pythonbuild.model.options import OPTIONS, BuildOptions
from pythonbuild.model.version import PythonVersion

__all__ = [
    "TRAINING_TOOLCHAIN",
    "Build",
    "BuildRequest",
    "LocalPython",
    "PgoProfile",
    "check_cpu",
    "check_options",
    "check_runs_on",
    "llvm_programs",
    "read_patchlevel",
    "resolve",
    "uses_bolt",
]

_FIRST_FREETHREADED = ">=3.13"
# This toolchain makes the profile on the building machine if it cannot run programs of the target.
TRAINING_TOOLCHAIN = "llvm"
# Programs of LLVM that only builds with a profile call.
_PROFILE_PROGRAMS = frozenset({"llvm-profdata"})
_BOLT_PROGRAMS = frozenset({"llvm-bolt", "merge-fdata"})


@dataclass(frozen=True)
class LocalPython:
    """The user's own CPython source tree or tarball; `digest` is the SHA-256 of its content."""

    path: Path
    version: PythonVersion
    digest: str


@dataclass(frozen=True)
class PgoProfile:
    """The profile of an earlier build, from python/build/pgo.profile; `digest` is its SHA-256."""

    path: Path
    digest: str
    content: bytes = field(repr=False, compare=False)


@dataclass(frozen=True)
class BuildRequest:
    """The request of a user, as text; empty tuples mean the defaults."""

    targets: tuple[str, ...]
    pythons: tuple[str, ...]
    options: tuple[str, ...]
    machine: str
    toolchain: str = "auto"
    engine: str = "host"
    local_python: Optional[LocalPython] = None
    llvm: Optional[Llvm] = None
    xcode: Optional[Xcode] = None
    msvc: Optional[Msvc] = None
    formats: tuple[str, ...] = ()
    release: bool = False
    pgo_profile: Optional[PgoProfile] = None


@dataclass(frozen=True)
class Build:
    """One Python to build, and its archives.  For a release, they are compressed at the highest level.

    `library_toolchain` compiles the libraries, which builds share; `toolchain` compiles CPython.
    """

    target: Target
    python: PythonVersion
    options: BuildOptions
    toolchain: str
    library_toolchain: str
    formats: tuple[ArchiveFormat, ...] = DEFAULT_FORMATS
    release: bool = False
    local_python: Optional[LocalPython] = None
    pgo_profile: Optional[PgoProfile] = None

    def __str__(self) -> str:
        return f"cpython-{self.python} {self.target.triple} {self.options}"


def resolve(request: BuildRequest, catalog: Catalog) -> tuple[Build, ...]:
    """Return the builds of a request, in its order and without repetitions.

    Raises BadRequest (also UnknownName) if a build is impossible, MissingPrerequisite if the host lacks the toolchain.
    """
    builds: dict[Build, None] = {}
    for triple in request.targets:
        target = catalog.target(triple)
        if request.machine not in target.build_machines:
            machines = ", ".join(target.build_machines)
            raise BadRequest(
                f"{triple} is built on {machines}; this machine is {request.machine}", "use one of those machines"
            )
        for python in _pythons(request, catalog):
            for text in request.options or ("noopt",):
                options = BuildOptions.parse(text)
                check_options(options, python, target)
                builds[_build(request, catalog, target, python, options)] = None
    if request.release:
        _check_release(builds)
    if request.pgo_profile and any(build.target.windows for build in builds):
        raise BadRequest("--pgo-profile is not for Windows: Visual C++ reads no profile of GCC or LLVM", "drop it")
    if request.pgo_profile and not (len(builds) == 1 and "pgo" in next(iter(builds)).options):
        raise BadRequest(
            "--pgo-profile requires exactly one build, and its options must include pgo",
            "a profile fits one Python and one compiler",
        )
    return tuple(builds)


def check_cpu(target: Target, cpu: frozenset[str]) -> None:
    """Raise BadRequest if a machine cannot run Pythons for `target`.

    cpu: the flags of its CPU from cpu_flags(), empty if they are unknown.
    """
    missing = [flag for flag in target.cpu if flag not in cpu]
    if cpu and missing:
        raise BadRequest(
            f"Pythons for {target.triple} do not run on this machine, because its CPU lacks {', '.join(missing)}",
            "the build runs the Python: use a machine with such a CPU, or choose a lower level",
        )


def check_runs_on(target: Target, machine: str) -> None:
    """Raise BadRequest if a machine cannot run Pythons for a Windows target: their archives contain a PYTHON.json that they write."""
    if target.windows and machine not in target.windows.runs_on:
        raise BadRequest(
            f"{machine} cannot run Pythons for {target.triple}, which write the PYTHON.json of their archives themselves",
            f"build them on {' or '.join(target.windows.runs_on)}; with --only, CPython itself can be built here",
        )


def _check_release(builds: Iterable[Build]) -> None:
    """Raise BadRequest if two install_only archives of a release would have the same name, which carries no options."""
    seen: dict[tuple[object, ...], Build] = {}
    for build in builds:
        if all(kind.flavour in ("full", "sbom") for kind in build.formats):
            continue
        if "static" in build.options:
            raise BadRequest(
                "a release cannot have a static install_only archive, because its name carries no options",
                "release static Pythons with --formats full,sbom",
            )
        other = seen.setdefault((build.target.triple, build.python, "freethreaded" in build.options), build)
        if other is not build:
            raise BadRequest(
                f"a release has one install_only archive for each Python, but {other.options} and {build.options} would both make it",
                "release the fastest with all formats, and the others with --formats full,sbom",
            )


def _pythons(request: BuildRequest, catalog: Catalog) -> list[PythonVersion]:
    if request.local_python:
        return [request.local_python.version]
    return [catalog.python(text) for text in request.pythons or (catalog.default_python,)]


def check_options(options: BuildOptions, python: PythonVersion, target: Target) -> None:
    """Raise BadRequest if this Python cannot be built for `target` with these options."""
    if "freethreaded" in options and not python.within(_FIRST_FREETHREADED):
        raise BadRequest(
            f"option freethreaded needs CPython 3.13 or newer, not {python}",
            "drop freethreaded, or choose a newer --python",
        )
    if target.windows and not all(OPTIONS[name].known_on("windows") for name in options.names):
        raise BadRequest(
            f"{target.triple} supports noopt and pgo, optionally with freethreaded, but not {options}",
            "choose one of these; on Windows, pgo includes link-time optimization",
        )
    if "static" in options and target.libc != "musl":
        libc = "glibc" if target.libc == "gnu" else "macOS"
        raise BadRequest(
            f"option static makes an interpreter without dynamic loading, which {libc} does not support ({target.triple})",
            f"drop static: on {libc} the interpreter already contains all libraries but the system's",
        )


def _build(
    request: BuildRequest, catalog: Catalog, target: Target, python: PythonVersion, options: BuildOptions
) -> Build:
    usable = catalog.toolchains_for(target, request.machine)
    default = usable[0]
    name = request.toolchain
    if name == "auto":
        # Containers include LLVM, so optimized builds use it there.  A host may have none.
        wants_llvm = "lto" in options or ("pgo" in options and request.engine == "docker")
        fast = next((tool for tool in usable if catalog.toolchain(tool).lto), default)
        name = fast if wants_llvm else default
        library = default
    else:
        library = name
    toolchain = catalog.toolchain(name)
    if name not in usable:
        raise BadRequest(
            f"toolchain {name} cannot build {target.triple} on {request.machine}", f"use one of: {', '.join(usable)}"
        )
    if "lto" in options and not toolchain.lto:
        others = [tool for tool in usable if catalog.toolchain(tool).lto]
        raise BadRequest(
            f"toolchain {name} does not support lto", f"use --toolchain {' or '.join(others)}, or drop lto"
        )
    if toolchain.host_version:
        needing = "lto" if "lto" in options else target.triple
        reason = f"{needing} needs it" if request.toolchain == "auto" else "requested by --toolchain"
        _check_llvm(request.llvm, toolchain, llvm_programs(toolchain, target, options), reason)
    formats = tuple(dict.fromkeys(map(ArchiveFormat.parse, request.formats))) or DEFAULT_FORMATS
    if target.windows and any(kind.flavour == "debug_symbols" for kind in formats):
        raise BadRequest(
            f"debug_symbols archives are not available for {target.triple}", "use full, which contains the PDB files"
        )
    if target.macos and any(kind.flavour == "debug_symbols" for kind in formats):
        raise BadRequest(
            f"debug_symbols archives are not available for {target.triple}: on macOS, debug information stays in object files",
            "use full, which contains the object files in python/build; dsymutil reads them",
        )
    if target.windows:
        _check_windows(request, target, options)
    elif toolchain.runs_on == "darwin":
        _check_sdk(request, toolchain, target)
    elif toolchain.cross and "pgo" in options and request.pgo_profile is None:
        training = catalog.toolchain(TRAINING_TOOLCHAIN)
        programs = llvm_programs(training, catalog.native_target(request.machine), options)
        _check_llvm(request.llvm, training, programs, "it makes the profile for every platform")
    return Build(
        target=target,
        python=python,
        options=options,
        toolchain=name,
        library_toolchain=library,
        formats=formats,
        release=request.release,
        local_python=request.local_python,
        pgo_profile=request.pgo_profile,
    )


def uses_bolt(toolchain: Toolchain, target: Target, options: BuildOptions) -> bool:
    """Does such a build reorder the interpreter's machine code with BOLT?"""
    return toolchain.bolt and target.bolt and "pgo" in options


def llvm_programs(toolchain: Toolchain, target: Target, options: BuildOptions) -> tuple[str, ...]:
    """Return the programs of the machine's LLVM that such a build calls, in the order of toolchains.yml."""
    called = {Path(program).name for program in (*toolchain.compilers.values(), *toolchain.programs.values())}
    if "pgo" not in options:
        called -= _PROFILE_PROGRAMS
    if not uses_bolt(toolchain, target, options):
        called -= _BOLT_PROGRAMS
    return tuple(program for program in toolchain.host_programs if program in called)


def _check_llvm(llvm: Optional[Llvm], toolchain: Toolchain, programs: tuple[str, ...], reason: str) -> None:
    """Raise MissingPrerequisite, with the packages to install, if LLVM's programs are not on this machine."""
    name = f"toolchain {toolchain.name} ({reason})"
    otherwise = "or build in containers, which include them (--engine docker), or drop lto and pgo"
    if llvm is None:
        raise MissingPrerequisite(
            f"{name} requires {', '.join(programs)} of one version, {toolchain.host_version} or newer, on this machine",
            f"{toolchain.host_hint}\n{otherwise}",
        )
    missing = [program for program in programs if program in llvm.lacks]
    if missing:
        raise MissingPrerequisite(
            f"{name} requires {', '.join(missing)}, which the LLVM in {llvm.programs} lacks",
            f"{install_command(llvm, missing)}\n{otherwise}",
        )


def _check_windows(request: BuildRequest, target: Target, options: BuildOptions) -> None:
    if request.msvc is None:
        raise MissingPrerequisite(
            "toolchain msvc is Visual C++, which is not installed on this machine",
            "install Visual Studio's build tools",
        )
    if target.windows and "pgo" in options and request.machine not in target.windows.runs_on:
        raise BadRequest(
            f"pgo runs the Python that it builds, and {request.machine} cannot run Pythons for {target.triple}",
            f"build it on {' or '.join(target.windows.runs_on)}, or use --options noopt",
        )


def _check_sdk(request: BuildRequest, toolchain: Toolchain, target: Target) -> None:
    if request.xcode is None:
        raise MissingPrerequisite(
            f"toolchain {toolchain.name} is Apple's, which is not installed on this machine", toolchain.host_hint
        )
    sdk = request.xcode.sdk
    if Version(sdk.version) < Version(target.macos):
        raise MissingPrerequisite(
            f"{sdk.path} is the SDK of macOS {sdk.version}, but Pythons for {target.triple} require {target.macos} or newer",
            f"install newer command line tools ({toolchain.host_hint}), or set APPLE_SDK_PATH to a newer SDK",
        )


def read_patchlevel(text: str) -> PythonVersion:
    """Return the version in the text of Include/patchlevel.h.  Raises BadRequest if there is none."""
    match = re.search(r'#define\s+PY_VERSION\s+"([^"]+)"', text)
    if not match:
        raise BadRequest("Include/patchlevel.h of the source defines no PY_VERSION", "is it a CPython source tree?")
    return PythonVersion.parse(match[1])
