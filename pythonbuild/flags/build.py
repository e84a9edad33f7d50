"""The flags of verbs that plan and build.  A class inherits the groups of flags that its verb takes.  Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from pythonbuild.flags import read
from pythonbuild.flags.common import (
    CONTAINERS,
    HOW,
    INSTEAD,
    MANY,
    PACKAGES,
    WHAT,
    WINDOWS,
    Fetching,
    Jobs,
    Shown,
)
from pythonbuild.flags.declared import argument, either, switch, value, values
from pythonbuild.model.formats import FLAVOURS, LINUX_FORMATS, OTHER_FORMATS
from pythonbuild.model.options import OPTIONS

__all__ = [
    "BuildAllFlags",
    "BuildFlags",
    "Cached",
    "ContainerFlags",
    "Containers",
    "ExplainFlags",
    "FeaturesFlags",
    "FetchFlags",
    "PlanFlags",
    "RequestFlags",
    "RunFlags",
    "Selected",
    "ShellFlags",
]

_LINUX, _MACOS, _WINDOWS = "linux", "macos", "windows"
# The words of a value -> the platforms that know them; () means all.
_OPTIONS = {name: option.platforms for name, option in OPTIONS.items()}
_TOOLCHAINS = {
    "auto": (),
    "gcc": (_LINUX,),
    "llvm": (_LINUX,),
    "zig": (_LINUX,),
    "llvm-darwin": (_MACOS,),
    "xcode": (_MACOS,),
    "msvc": (_WINDOWS,),
}
_FORMATS = {
    (f"{word} ({OTHER_FORMATS[word]})" if word in OTHER_FORMATS else word): (_LINUX,) if word in LINUX_FORMATS else ()
    for word in (*FLAVOURS, *OTHER_FORMATS)
}
# What flags of one group have in common.
_OF_PACKAGES: dict[str, Any] = {"group": PACKAGES, "plan": True, "only": "packages", "platforms": (_LINUX,)}
_OF_WINDOWS: dict[str, Any] = {"group": WINDOWS, "plan": True, "only": "windows", "platforms": (_WINDOWS,)}
# build-macos.py builds in containers on Linux.
_OF_CONTAINERS: dict[str, Any] = {"group": CONTAINERS, "only": "containers", "platforms": (_LINUX, _MACOS)}


@dataclass(frozen=True)
class _What:
    """Targets, Pythons and options."""

    targets: tuple[str, ...] = values(
        "--target",
        "--target-triple",
        group=WHAT,
        plan=True,
        metavar="TRIPLE",
        text="target triple; may be repeated, except for Windows",
        usual="this machine's",
    )
    pythons: tuple[str, ...] = values(
        "--python",
        group=WHAT,
        plan=True,
        metavar="cpython-X.Y[.Z]",
        text="newest pinned X.Y, or exactly X.Y.Z; may be repeated",
        usual="the newest 3.13",
    )
    options: tuple[str, ...] = values(
        "--options",
        "--optimizations",
        group=WHAT,
        plan=True,
        only="pythons",
        metavar="A+B",
        text="{words}, joined with +; may be repeated",
        words=_OPTIONS,
        usual="noopt",
    )
    python_source: str = value(
        "--python-source",
        group=WHAT,
        plan=True,
        excludes=("--python",),
        metavar="PATH",
        text="your own CPython source tree or tarball",
    )
    pgo_profile: str = value(
        "--pgo-profile",
        group=WHAT,
        plan=True,
        only="pythons",
        platforms=(_LINUX, _MACOS),
        metavar="FILE",
        text="for pgo: use this profile instead of training; an earlier build's full archive has it as "
        "python/build/pgo.profile. The same profile gives the same bytes",
    )
    toolchain: str = value(
        "--toolchain",
        group=WHAT,
        plan=True,
        only="pythons",
        default="auto",
        metavar="NAME",
        text="the compiler: {words}",
        words=_TOOLCHAINS,
        usual="auto, which chooses by target, options and engine",
    )
    formats: tuple[str, ...] = values(
        "--formats",
        "--format",
        group=WHAT,
        plan=True,
        metavar="A,B",
        text="{words}; archives also with a suffix, as in install_only.tar.zst; may be repeated",
        words=_FORMATS,
        usual="full, install_only, install_only_stripped and sbom",
    )
    release: bool = switch(
        "--release",
        group=WHAT,
        plan=True,
        only="archives",
        text="compress hard, and give archives the names of a release (cpython-3.13.15+20261121-...)",
    )
    platform: str = value("--platform", group=WHAT, plan=True, choices=(_LINUX, _MACOS, _WINDOWS), text="")
    engine: str = value(
        "--engine",
        group=WHAT,
        plan=True,
        platforms=(_LINUX, _MACOS),
        choices=("auto", "host", "docker"),
        default="auto",
        text="where steps run: host is this machine; docker is containers, with the daemon of DOCKER_HOST or of a local "
        "socket of Docker or Podman",
        usual="auto, which is docker if a daemon answers, else host; a daemon that DOCKER_HOST names must answer",
    )


@dataclass(frozen=True)
class _Packages:
    """What Debian packages are for, and what is in them."""

    distro: str = value(
        "--distro",
        **_OF_PACKAGES,
        metavar="NAME",
        text="the release to build for, e.g. debian:trixie",
        usual="OS_DISTRO_BASE, else that of this machine",
    )
    distro_name: str = value(
        "--distro-name",
        **_OF_PACKAGES,
        metavar="TEXT",
        text="the release's name in descriptions",
        usual="OS_DISTRO_DISP, else its usual name",
    )
    fast: Optional[bool] = switch(
        "--fast",
        **_OF_PACKAGES,
        default=None,
        text="no profile, no link-time optimization, no test modules, no test run (or FAST_BUILD=true)",
    )
    freethreaded: Optional[bool] = either(
        "--freethreaded",
        **_OF_PACKAGES,
        text="also a package with the free-threaded interpreter",
        usual="BUILD_NOGIL, else yes from CPython 3.13 on",
    )
    enable_shared: bool = switch(
        "--enable-shared",
        **_OF_PACKAGES,
        text="also libpython3.x.so, which the interpreter then needs",
    )
    revision: str = value(
        "--revision",
        **_OF_PACKAGES,
        default="1",
        metavar="N",
        text="the Debian revision",
    )
    maintainer: str = value(
        "--maintainer",
        **_OF_PACKAGES,
        metavar="'NAME <MAIL>'",
        text="the packages' maintainer",
        usual="DEBFULLNAME and DEBEMAIL, else git's user.name and user.email",
    )
    package_name: str = value(
        "--package-name",
        **_OF_PACKAGES,
        metavar="NAME",
        text="the package's name",
        usual="python3.x, or python3.x-opt where the distribution has its own python3.x",
    )


@dataclass(frozen=True)
class _Windows:
    """What builds on Windows."""

    vs: str = value(
        "--vs",
        **_OF_WINDOWS,
        choices=("2017", "2019", "2022", "2026"),
        text="the Visual Studio to use",
        usual="that of the command prompt, else the newest",
    )
    windows_sdk_version: str = value(
        "--windows-sdk-version",
        **_OF_WINDOWS,
        metavar="VERSION",
        text="the Windows SDK to use, 10.0.17763 or newer",
        usual="the newest",
    )
    sh: str = value(
        "--sh",
        **_OF_WINDOWS,
        metavar="PATH",
        text="the sh.exe of Git, Cygwin or MSYS2 that runs build scripts",
        usual="that of Git, else another one",
    )


@dataclass(frozen=True)
class RequestFlags(_What, _Packages, _Windows, Shown):
    """What to build: with the checkout, these decide the plan."""

    # (target, Python, options) of each build, where a file lists them.
    rows: tuple[tuple[str, str, str], ...] = ()

    @property
    def planning(self) -> bool:
        """Is nothing to be built?"""
        return False


@dataclass(frozen=True)
class Containers:
    """The image that containers, or new images, are based on."""

    base_image: str = value(
        "--base-image",
        **_OF_CONTAINERS,
        plan=True,
        metavar="NAME",
        text="the Debian image to base the build image on; with `--format oci`, the image to base the new one on",
    )


@dataclass(frozen=True)
class ContainerFlags(Containers):
    """What containers may take."""

    cpus: float = value(
        "--cpus",
        **_OF_CONTAINERS,
        read=read.processors_of_a_container,
        default=0.0,
        metavar="N",
        text="the most processors that a container may use",
    )
    memory: int = value(
        "--memory",
        **_OF_CONTAINERS,
        read=read.size,
        default=0,
        metavar="SIZE",
        text="the most memory that a container may use, e.g. 4G",
    )


@dataclass(frozen=True)
class Selected:
    """A part of the plan."""

    # The steps to build, with what they need; none for everything.
    only: tuple[str, ...] = values(
        "--only",
        group=HOW,
        metavar="STEP",
        text="only this step and what it needs; `dependencies` is everything that CPython itself needs; may be repeated",
    )


@dataclass(frozen=True)
class Cached:
    """Whether sccache keeps compiled objects."""

    sccache: Optional[bool] = either(
        "--sccache",
        group=HOW,
        only="this machine",
        platforms=(_LINUX, _MACOS),
        text="cache compiled objects with sccache; download it if the checkout has none",
        usual="yes if the checkout or, with engine host, PATH has an sccache",
    )


@dataclass(frozen=True)
class RunFlags(RequestFlags, ContainerFlags, Fetching, Cached, Jobs):
    """What and how to build."""

    serial: bool = switch("--serial", group=HOW, only="this machine", excludes=("--jobs",), text="one job at a time")
    output: str = value("--output", group=HOW, default="dist", metavar="DIR", text="the folder for the archives")
    keep_going: bool = switch(
        "--keep-going",
        group=HOW,
        text="after a failure, continue with steps that do not depend on the failed one",
    )
    break_on_failure: bool = switch(
        "--break-on-failure", group=HOW, only="this machine", text="if a step fails, open a shell in its build root"
    )
    json: bool = switch(
        "--json", group=HOW, text="print events as JSON lines instead of text; with --plan or --explain, print JSON"
    )
    # The steps to build, with what they need; none for everything.
    only: tuple[str, ...] = ()
    # "threads", or the address of a cluster's scheduler.
    executor: str = "threads"


@dataclass(frozen=True)
class BuildFlags(Selected, RunFlags):
    """The flags of `build`."""

    sign: str = value(
        "--sign",
        group=HOW,
        only="packages",
        platforms=(_LINUX,),
        metavar="KEY",
        text="sign .dsc, .buildinfo and .changes of Debian packages with this GnuPG key",
    )
    plan: bool = switch(
        "--plan",
        group=INSTEAD,
        text="print what would be built, what is cached, and why; build nothing",
    )
    explain: str = value(
        "--explain",
        group=INSTEAD,
        metavar="STEP",
        excludes=("--only",),
        text="print the inputs of this step's key, and what changed since it was last built",
    )

    @property
    def planning(self) -> bool:
        """Is nothing to be built?"""
        return self.plan or bool(self.explain)


@dataclass(frozen=True)
class BuildAllFlags(BuildFlags):
    """The flags of `build-all`."""

    file: str = value(
        "--from",
        group=MANY,
        only="pythons",
        excludes=("--target", "--python", "--options", "--python-source"),
        metavar="FILE",
        text="a file with a line for each build: target, Python and options, as `matrix` prints them; - is standard input",
    )
    executor: str = value(
        "--executor",
        group=MANY,
        read=read.executor,
        default="threads",
        metavar="WHERE",
        text="threads for this machine, or dask://HOST:PORT for the workers of that Dask scheduler",
    )


@dataclass(frozen=True)
class FeaturesFlags(RunFlags):
    """The flags of `features`, which builds packages to compare them."""

    json: bool = switch("--json", group=HOW, text="print events as JSON lines instead of text")
    # What is for archives and for Windows has no flag here.
    options: tuple[str, ...] = ()
    toolchain: str = "auto"
    sccache: Optional[bool] = None
    output: str = "dist"
    pgo_profile: str = ""
    formats: tuple[str, ...] = ()
    release: bool = False
    vs: str = ""
    windows_sdk_version: str = ""
    sh: str = ""


@dataclass(frozen=True)
class PlanFlags(Selected, RequestFlags, Containers):
    """The flags of `plan`."""

    json: bool = switch("--json", text="print the plan as JSON")

    @property
    def planning(self) -> bool:
        """Is nothing to be built?"""
        return True


@dataclass(frozen=True)
class ExplainFlags(RequestFlags, Containers):
    """The flags of `explain`."""

    step: str = argument("STEP", text="its name, or a beginning that fits no other step")
    json: bool = switch("--json", text="print the inputs and changes as JSON")

    @property
    def planning(self) -> bool:
        """Is nothing to be built?"""
        return True


@dataclass(frozen=True)
class FetchFlags(RequestFlags, Containers, Fetching, Cached):
    """The flags of `fetch`."""

    json: bool = switch("--json", group=HOW, text="print events as JSON lines instead of text")


@dataclass(frozen=True)
class ShellFlags(RequestFlags, ContainerFlags):
    """The flags of `shell`."""

    step: str = argument("STEP", text="the step that failed; the shell opens in its build root")
