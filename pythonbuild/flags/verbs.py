"""Every flag of every verb.  A verb's class inherits the groups of flags that it takes.  Standard library only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Optional

from pythonbuild.flags import read
from pythonbuild.flags.declared import argument, arguments, either, switch, value, values

__all__ = [
    "GROUPS",
    "ArchivesFlags",
    "BuildAllFlags",
    "BuildFlags",
    "CacheListFlags",
    "CachePruneFlags",
    "CacheSizeFlags",
    "Cached",
    "CompletionFlags",
    "Containers",
    "ConvertFlags",
    "DiffFlags",
    "DoctorFlags",
    "ExplainFlags",
    "FeaturesFlags",
    "FetchFlags",
    "Fetching",
    "ImagesFlags",
    "IndexFlags",
    "InspectFlags",
    "ListFlags",
    "MatrixFlags",
    "PlanFlags",
    "ReleaseFlags",
    "RequestFlags",
    "RunFlags",
    "SchedulerFlags",
    "ShellFlags",
    "Shown",
    "TestFlags",
    "UpdateFlags",
    "ValidateFlags",
    "VerbFlags",
    "WorkerFlags",
    "processors",
]

_WHAT, _HOW, _MANY = "what to build", "how", "many"
_PACKAGES, _CONTAINERS, _WINDOWS = "Debian packages (--format deb)", "containers (engine docker)", "Windows"
_INSTEAD, _FILTERS = "instead of building", "filters (each may be repeated; a row must match all kinds that are given)"
_JOBS, _ARCHIVES = "jobs of CI", "archives"
# The order of the headings in --help.
GROUPS = (_WHAT, _HOW, _MANY, _PACKAGES, _CONTAINERS, _WINDOWS, _INSTEAD, _FILTERS, _JOBS, _ARCHIVES)

# What flags of one group have in common.
_OF_PACKAGES: dict[str, Any] = {"group": _PACKAGES, "plan": True, "only": "packages", "platforms": ("linux",)}
_OF_WINDOWS: dict[str, Any] = {"group": _WINDOWS, "plan": True, "only": "windows", "platforms": ("windows",)}
_OF_CONTAINERS: dict[str, Any] = {"group": _CONTAINERS, "platforms": ("linux",)}
_OF_ARCHIVES: dict[str, Any] = {"group": _ARCHIVES, "only": "archives"}


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class VerbFlags:
    """The flags of a verb.

    program: what the user started, e.g. build-linux.py; verb: e.g. build-all.
    """

    program: str = "pythonbuild"
    verb: str = ""


@dataclass(frozen=True)
class Shown(VerbFlags):
    """How output looks."""

    verbose: bool = switch(
        "-v", "--verbose", text="print the output of the steps, and tracebacks of errors in pythonbuild"
    )
    color: str = value(
        "--color", choices=("auto", "always", "never"), default="auto", text="colour the output", usual="on a terminal"
    )


@dataclass(frozen=True)
class _What:
    """Targets, Pythons and options."""

    targets: tuple[str, ...] = values(
        "--target",
        "--target-triple",
        group=_WHAT,
        plan=True,
        metavar="TRIPLE",
        text="target triple; may be repeated",
        usual="this machine's",
    )
    pythons: tuple[str, ...] = values(
        "--python",
        group=_WHAT,
        plan=True,
        metavar="cpython-X.Y[.Z]",
        text="newest pinned X.Y, or exactly X.Y.Z; may be repeated",
        usual="the newest 3.13",
    )
    options: tuple[str, ...] = values(
        "--options",
        "--optimizations",
        group=_WHAT,
        plan=True,
        only="pythons",
        metavar="A+B",
        text="debug, noopt, pgo, lto, freethreaded, static, joined with +; may be repeated",
        usual="noopt",
    )
    python_source: str = value(
        "--python-source", group=_WHAT, plan=True, metavar="PATH", text="your own CPython source tree or tarball"
    )
    pgo_profile: str = value(
        "--pgo-profile",
        group=_WHAT,
        plan=True,
        only="pythons",
        metavar="FILE",
        text="for pgo: use this profile instead of training; an earlier build's full archive has it as "
        "python/build/pgo.profile. The same profile gives the same bytes",
    )
    toolchain: str = value(
        "--toolchain",
        group=_WHAT,
        plan=True,
        default="auto",
        metavar="NAME",
        text="auto, gcc, llvm, zig, llvm-darwin or xcode",
        usual="auto. It takes llvm for lto, and for pgo in containers; zig for other CPUs and musl; llvm-darwin for macOS, "
        "and xcode on a Mac; else gcc",
    )
    formats: tuple[str, ...] = values(
        "--formats",
        "--format",
        group=_WHAT,
        plan=True,
        metavar="A,B",
        text="full, install_only, install_only_stripped, debug_symbols, sbom, also with a suffix as in "
        "install_only.tar.zst; may be repeated. Or deb for Debian packages, or oci for a container image",
        usual="all but debug_symbols",
    )
    release: bool = switch(
        "--release",
        group=_WHAT,
        plan=True,
        only="archives",
        text="compress hard, and give archives the names of a release (cpython-3.13.15+20261121-...)",
    )
    platform: str = value("--platform", group=_WHAT, plan=True, choices=("linux", "macos", "windows"), text="")
    engine: str = value(
        "--engine",
        group=_WHAT,
        plan=True,
        platforms=("linux",),
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
    """What containers are made from, and may take."""

    base_image: str = value(
        "--base-image",
        **_OF_CONTAINERS,
        plan=True,
        metavar="NAME",
        text="the Debian image to base the build image on; with --format oci the image to base the new one on",
    )
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
class Fetching:
    """Whether sources may be fetched."""

    offline: bool = switch("--offline", group=_HOW, text="do not use the network; all sources must be in the cache")


@dataclass(frozen=True)
class Cached:
    """Whether sccache keeps compiled objects."""

    sccache: Optional[bool] = either(
        "--sccache",
        group=_HOW,
        text="cache compiled objects with sccache; download it if the checkout has none",
        usual="yes if the checkout or, with engine host, PATH has an sccache",
    )


@dataclass(frozen=True)
class Jobs:
    """How many jobs there may be."""

    jobs: int = value(
        "--jobs",
        group=_HOW,
        read=read.jobs,
        default=processors(),
        metavar="N",
        text="the most jobs at a time, over all steps",
    )


@dataclass(frozen=True)
class RunFlags(RequestFlags, Containers, Fetching, Cached, Jobs):
    """What and how to build."""

    serial: bool = switch("--serial", group=_HOW, text="one job at a time")
    output: str = value("--output", group=_HOW, default="dist", metavar="DIR", text="the folder for the archives")
    keep_going: bool = switch(
        "--keep-going",
        group=_HOW,
        text="after a failure, continue with steps that do not depend on the failed one",
    )
    break_on_failure: bool = switch(
        "--break-on-failure", group=_HOW, text="if a step fails, open a shell in its build root"
    )
    json: bool = switch("--json", group=_HOW, text="print events as JSON lines instead of text")
    # The steps to build, with what they need; none for everything.
    only: tuple[str, ...] = ()
    # "threads", or the address of a cluster's scheduler.
    executor: str = "threads"


@dataclass(frozen=True)
class BuildFlags(RunFlags):
    """The flags of `build`."""

    sign: str = value(
        "--sign",
        group=_HOW,
        only="packages",
        platforms=("linux",),
        metavar="KEY",
        text="sign .dsc, .buildinfo and .changes of Debian packages with this GnuPG key",
    )
    only: tuple[str, ...] = values(
        "--only",
        group=_HOW,
        metavar="STEP",
        text="build only this step and what it needs; `dependencies` is everything that CPython itself needs; may be "
        "repeated",
    )
    plan: bool = switch(
        "--plan", group=_INSTEAD, text="print what would be built, what is cached, and why; build nothing"
    )
    explain: str = value(
        "--explain",
        group=_INSTEAD,
        metavar="STEP",
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
        group=_MANY,
        metavar="FILE",
        text="a file with a line for each build: target, Python and options, as `matrix` prints them; - is standard input",
    )
    executor: str = value(
        "--executor",
        group=_MANY,
        read=read.executor,
        default="threads",
        metavar="WHERE",
        text="threads for this machine, or dask://HOST:PORT for the workers of that Dask scheduler",
    )


@dataclass(frozen=True)
class FeaturesFlags(RunFlags):
    """The flags of `features`, which builds packages to compare them."""

    # What is for archives and for Windows has no flag here.
    options: tuple[str, ...] = ()
    pgo_profile: str = ""
    formats: tuple[str, ...] = ()
    release: bool = False
    vs: str = ""
    windows_sdk_version: str = ""
    sh: str = ""


@dataclass(frozen=True)
class PlanFlags(RequestFlags):
    """The flags of `plan`."""

    json: bool = switch("--json", text="print the plan as JSON")

    @property
    def planning(self) -> bool:
        """Is nothing to be built?"""
        return True


@dataclass(frozen=True)
class ExplainFlags(RequestFlags):
    """The flags of `explain`."""

    step: str = argument("STEP", text="its name, or a beginning that fits no other step")

    @property
    def planning(self) -> bool:
        """Is nothing to be built?"""
        return True


@dataclass(frozen=True)
class FetchFlags(RequestFlags, Fetching, Cached):
    """The flags of `fetch`."""

    json: bool = switch("--json", group=_HOW, text="print events as JSON lines instead of text")


@dataclass(frozen=True)
class ShellFlags(RequestFlags, Containers):
    """The flags of `shell`."""

    step: str = argument("STEP", text="the step that failed; the shell opens in its build root")


@dataclass(frozen=True)
class SchedulerFlags(VerbFlags):
    """The flags of `scheduler`."""

    host: str = value(
        "--host",
        default="127.0.0.1",
        text="the address to listen on; anyone who can reach it can run programs on all workers",
    )
    port: int = value("--port", read=read.port, default=8786, text="the port to listen on; 0 is any free one")


@dataclass(frozen=True)
class WorkerFlags(Jobs, VerbFlags):
    """The flags of `worker`."""

    scheduler: str = argument("dask://HOST:PORT", read=read.scheduler, text="the address that `scheduler` printed")


@dataclass(frozen=True)
class DoctorFlags(VerbFlags):
    """The flags of `doctor`."""

    output: str = value("--output", default="dist", metavar="DIR", text="the folder for archives")


@dataclass(frozen=True)
class CacheListFlags(VerbFlags):
    """The flags of `cache list`."""


@dataclass(frozen=True)
class CacheSizeFlags(VerbFlags):
    """The flags of `cache size`."""


@dataclass(frozen=True)
class CachePruneFlags(VerbFlags):
    """The flags of `cache prune`."""

    days: float = value(
        "--days",
        read=read.days,
        default=30.0,
        metavar="DAYS",
        text="keep results made in the last DAYS days",
        usual="30",
    )
    dry_run: bool = switch("--dry-run", text="print what would be deleted; delete nothing")
    yes: bool = switch("--yes", text="do not ask before deleting every result")
    sources: bool = switch("--sources", text="also delete source archives that no recipe pins")


@dataclass(frozen=True)
class CompletionFlags(VerbFlags):
    """The flags of `completion`."""

    shell: str = argument("SHELL", choices=("bash", "fish", "zsh"), text="bash, fish or zsh")


@dataclass(frozen=True)
class ImagesFlags(VerbFlags):
    """The flags of `images`."""

    remove: bool = switch("--remove", text="delete all of them; the next build makes what it needs")


@dataclass(frozen=True)
class ListFlags(VerbFlags):
    """The flags of `list`."""

    what: str = argument(
        "WHAT",
        count="?",
        choices=("targets", "pythons", "options", "packages", "distributions", "toolchains"),
        text="only targets, pythons, options, packages, distributions or toolchains",
    )


@dataclass(frozen=True)
class MatrixFlags(VerbFlags):
    """The flags of `matrix`."""

    json: bool = switch(
        "--json",
        text="print JSON: a list of {target, python, options, build_machines, sources}; with --ci a job matrix of GitHub",
    )
    platforms: tuple[str, ...] = values(
        "--platform", group=_FILTERS, metavar="PLATFORM", text="linux, macos or windows"
    )
    archs: tuple[str, ...] = values("--arch", group=_FILTERS, metavar="ARCH", text="a target's CPU, e.g. aarch64")
    libcs: tuple[str, ...] = values("--libc", group=_FILTERS, metavar="LIBC", text="e.g. gnu or musl")
    pythons: tuple[str, ...] = values("--python", group=_FILTERS, metavar="PYTHON", text="3.13, or 3.13.5")
    builds: tuple[str, ...] = values(
        "--build", group=_FILTERS, metavar="BUILD", text="exactly these options, e.g. pgo+lto"
    )
    targets: tuple[str, ...] = values("--target", group=_FILTERS, metavar="TARGET", text="a target triple")
    ci: bool = switch("--ci", group=_JOBS, text="print the jobs of ci-targets.yml on the machines of ci-runners.yml")
    stage: str = value(
        "--stage",
        group=_JOBS,
        only="ci",
        choices=("dependencies", "pythons"),
        text="dependencies: the libraries that jobs of one target share; pythons: the Pythons",
        usual="pythons",
    )
    labels: Optional[str] = value(
        "--labels",
        group=_JOBS,
        only="ci",
        default=None,
        metavar="A,B",
        text="the jobs of a pull request with these labels ('' for no labels). Without ci:all-targets, only rows marked for "
        "pull requests. platform:linux, arch:aarch64, libc:musl, python:3.13, build:pgo+lto choose among them; ci:skip "
        "means none",
    )
    fork: bool = switch("--fork", group=_JOBS, only="ci", text="the pull request comes from a fork")
    shards: bool = switch(
        "--shards", group=_JOBS, only="ci", text="print several matrices, each small enough for GitHub"
    )


@dataclass(frozen=True)
class ReleaseFlags(VerbFlags):
    """The flags of `release`."""

    what: tuple[str, ...] = arguments(
        "DIR|PACKAGE", text="the folder with the archives; with --apt the .deb files to add"
    )
    sign: str = value(
        "--sign",
        metavar="KEY",
        text="sign SHA256SUMS with minisign:FILE or gpg:KEY; with --apt, sign the index with this GnuPG key",
    )
    apt: str = value("--apt", metavar="DIR", text="the folder of the repository; packages in it are kept")
    tag: str = value(
        "--tag",
        **_OF_ARCHIVES,
        metavar="YYYYMMDD",
        text="the name of the release",
        usual="the day in the archives' names",
    )
    output: str = value(
        "--output",
        **_OF_ARCHIVES,
        metavar="DIR",
        text="the folder for releases; older ones in it are kept and listed",
        usual="DIR/release",
    )
    base_url: str = value(
        "--base-url",
        **_OF_ARCHIVES,
        metavar="URL",
        text="the public address of that folder",
        usual="file:// and its path",
    )
    to: str = value(
        "--to",
        **_OF_ARCHIVES,
        metavar="s3://BUCKET/PREFIX",
        text="upload the release to a bucket, with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, "
        "AWS_REGION, AWS_ENDPOINT_URL",
    )
    dry_run: bool = switch(
        "--dry-run",
        **_OF_ARCHIVES,
        text="with --to: make the folder, and print what would be uploaded; without --to: print the files of the release",
    )
    replace: bool = switch(
        "--replace",
        **_OF_ARCHIVES,
        text="replace files of this release that exist with other content",
    )


@dataclass(frozen=True)
class UpdateFlags(Fetching, VerbFlags):
    """The flags of `update`."""

    names: tuple[str, ...] = arguments(
        "NAME", count="*", text="a recipe, or cpython-X.Y (default: everything with a known upstream)"
    )
    check: bool = switch("--check", text="only print what is newer; download and change nothing")
    to: str = value("--to", metavar="VERSION", text="pin this version of the one NAME; it may be older")
    color: str = value(
        "--color", choices=("auto", "always", "never"), default="auto", text="colour the output", usual="on a terminal"
    )


@dataclass(frozen=True)
class ArchivesFlags(VerbFlags):
    """The archives that a verb reads."""

    archives: tuple[str, ...] = arguments("ARCHIVE", text="full, install_only or install_only_stripped")


@dataclass(frozen=True)
class ValidateFlags(VerbFlags):
    """The flags of `validate`."""

    archives: tuple[str, ...] = arguments(
        "ARCHIVE", count="*", text="full, install_only or install_only_stripped, or a Debian package"
    )
    json: bool = switch("--json", text="print findings as JSON")
    list_rules: bool = switch("--list-rules", text="print the rules, and check nothing")


@dataclass(frozen=True)
class ConvertFlags(VerbFlags):
    """The flags of `convert`."""

    archives: tuple[str, ...] = arguments("ARCHIVE", text="full archives (.tar.zst)")
    formats: tuple[str, ...] = values(
        "--formats",
        metavar="A,B",
        text="install_only, install_only_stripped, debug_symbols, also with a suffix as in install_only.tar.zst; may be "
        "repeated",
        usual="the first two",
    )
    output: str = value("--output", metavar="DIR", text="the folder for the new archives", usual="that of each archive")
    jobs: int = value("--jobs", read=read.jobs, default=processors(), metavar="N", text="threads")
    verbose: bool = switch("-v", "--verbose", text="print tracebacks of errors in pythonbuild")


@dataclass(frozen=True)
class InspectFlags(ArchivesFlags):
    """The flags of `inspect`."""

    json: bool = switch("--json", text="print JSON, with the libraries of each file")


@dataclass(frozen=True)
class DiffFlags(VerbFlags):
    """The flags of `diff`."""

    old: str = argument("OLD")
    new: str = argument("NEW")


@dataclass(frozen=True)
class TestFlags(ArchivesFlags):
    """The flags of `test`."""

    stdlib: bool = switch("--stdlib", text="also run CPython's own test suite; for full archives")
    junit: str = value("--junit", metavar="FILE", text="write the suite's report to this file, as JUnit XML")
    regrtest: tuple[str, ...] = arguments(
        "WORD",
        names=("--regrtest",),
        count="*",
        text="run only these tests of the suite, e.g. --regrtest test_ssl test_zlib",
    )


@dataclass(frozen=True)
class IndexFlags(ArchivesFlags):
    """The flags of `index`."""

    base_url: str = value(
        "--base-url",
        metavar="URL",
        text="the address that archives will have",
        usual="file:// and their folder",
    )
