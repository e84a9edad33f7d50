"""The flags by which a build is asked for: what, how and where.  Several verbs have some of them.  Standard library only."""

from __future__ import annotations

import argparse
import os

from pythonbuild.cli import values

__all__ = [
    "build_all_flags",
    "build_flags",
    "color_flag",
    "container_flags",
    "jobs_flag",
    "processors",
    "sccache_flag",
    "source_flags",
    "what_flags",
]


def what_flags(into: argparse.ArgumentParser) -> None:
    """Add what makes a plan: targets, Pythons, options, engine."""
    group = into.add_argument_group("what to build")
    group.add_argument(
        "--target",
        "--target-triple",
        dest="targets",
        action="append",
        metavar="TRIPLE",
        help="target triple; may be repeated (default: this machine's)",
    )
    group.add_argument(
        "--python",
        dest="pythons",
        action="append",
        metavar="cpython-X.Y[.Z]",
        help="newest pinned X.Y, or exactly X.Y.Z; may be repeated",
    )
    group.add_argument(
        "--options",
        "--optimizations",
        dest="options",
        action="append",
        metavar="A+B",
        help="debug, noopt, pgo, lto, freethreaded, static, joined with +; may be repeated (default: noopt)",
    )
    group.add_argument("--python-source", metavar="PATH", help="your own CPython source tree or tarball")
    group.add_argument(
        "--pgo-profile",
        metavar="FILE",
        help="for pgo: use this profile instead of training; an earlier build's full archive has it as python/build/pgo.profile. "
        "The same profile gives the same bytes",
    )
    group.add_argument(
        "--toolchain",
        default="auto",
        metavar="NAME",
        help="auto, gcc, llvm, zig, llvm-darwin or xcode (default: auto. It takes llvm for lto, and for pgo in containers; zig for "
        "other CPUs and musl; llvm-darwin for macOS, and xcode on a Mac; else gcc)",
    )
    group.add_argument(
        "--formats",
        "--format",
        dest="formats",
        action="append",
        metavar="A,B",
        help="full, install_only, install_only_stripped, debug_symbols, sbom, also with a suffix as in install_only.tar.zst; "
        "may be repeated (default: all but debug_symbols). Or deb for Debian packages",
    )
    group.add_argument(
        "--release",
        action="store_true",
        help="compress hard, and give archives the names of a release (cpython-3.13.15+20261121-...)",
    )
    group.add_argument("--platform", choices=["", "linux", "macos", "windows"], default="", help=argparse.SUPPRESS)
    _debian_flags(into.add_argument_group("Debian packages (--format deb)"))
    _windows_flags(into.add_argument_group("Windows"))
    group.add_argument(
        "--engine",
        choices=["auto", "host", "docker"],
        default="auto",
        help="where steps run: host is this machine; docker is containers, with the daemon of DOCKER_HOST or of a local socket of "
        "Docker or Podman (default: auto, which is docker if a daemon answers, else host)",
    )
    into.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="show what the steps print, and tracebacks of errors in pythonbuild",
    )
    color_flag(into)


def _windows_flags(into: argparse._ActionsContainer) -> None:
    into.add_argument(
        "--vs",
        default="",
        choices=["2017", "2019", "2022", "2026"],
        help="the Visual Studio to use (default: that of the command prompt, else the newest)",
    )
    into.add_argument(
        "--windows-sdk-version",
        default="",
        metavar="VERSION",
        help="the Windows SDK to use, 10.0.17763 or newer (default: the newest)",
    )
    into.add_argument(
        "--sh",
        default="",
        metavar="PATH",
        help="the sh.exe of Git, Cygwin or MSYS2 that runs build scripts (default: that of Git, else another one)",
    )


def _debian_flags(into: argparse._ActionsContainer) -> None:
    into.add_argument(
        "--distro",
        default="",
        metavar="NAME",
        help="the release to build for, e.g. debian:trixie (default: OS_DISTRO_BASE, else that of this machine)",
    )
    into.add_argument(
        "--distro-name",
        default="",
        metavar="TEXT",
        help="the release's name in descriptions (default: OS_DISTRO_DISP, else its usual name)",
    )
    into.add_argument(
        "--fast",
        action="store_const",
        const=True,
        help="no profile, no link-time optimization, no test modules, no test run (or FAST_BUILD=true)",
    )
    into.add_argument(
        "--freethreaded",
        action=argparse.BooleanOptionalAction,
        help="also a package with the free-threaded interpreter (default: BUILD_NOGIL, else yes from CPython 3.13 on)",
    )
    into.add_argument(
        "--enable-shared", action="store_true", help="also libpython3.x.so, which the interpreter then needs"
    )
    into.add_argument("--revision", default="1", metavar="N", help="the Debian revision (default: %(default)s)")
    into.add_argument(
        "--maintainer",
        default="",
        metavar="'NAME <MAIL>'",
        help="the packages' maintainer (default: DEBFULLNAME and DEBEMAIL, else git's user.name and user.email)",
    )
    into.add_argument(
        "--package-name",
        default="",
        metavar="NAME",
        help="the package's name (default: python3.x, or python3.x-opt where the distribution has its own python3.x)",
    )


def container_flags(into: argparse._ActionsContainer) -> None:
    """Add what containers are made from, and may take."""
    into.add_argument("--base-image", default="", metavar="NAME", help="the Debian image to base the build image on")
    into.add_argument(
        "--cpus",
        type=values.processors_of_a_container,
        default=0.0,
        metavar="N",
        help="the most processors that a container may use",
    )
    into.add_argument(
        "--memory",
        type=values.size,
        default=0,
        metavar="SIZE",
        help="the most memory that a container may use, e.g. 4G",
    )


def source_flags(into: argparse._ActionsContainer) -> None:
    """Add whether sources may be fetched."""
    into.add_argument("--offline", action="store_true", help="do not use the network; all sources must be in the cache")


def color_flag(into: argparse._ActionsContainer) -> None:
    """Add whether the output is coloured."""
    into.add_argument(
        "--color",
        choices=["auto", "always", "never"],
        default="auto",
        help="colour the output (default: on a terminal)",
    )


def jobs_flag(into: argparse._ActionsContainer) -> None:
    """Add how many jobs there may be."""
    into.add_argument(
        "--jobs",
        type=values.jobs,
        default=processors(),
        metavar="N",
        help="the most jobs at a time, over all steps (default: %(default)s)",
    )


def sccache_flag(into: argparse._ActionsContainer) -> None:
    """Add whether sccache keeps compiled objects."""
    into.add_argument(
        "--sccache",
        action=argparse.BooleanOptionalAction,
        help="cache compiled objects with sccache; download it if the checkout has none (default: yes if the checkout or, with engine "
        "host, PATH has an sccache)",
    )


def build_flags(into: argparse.ArgumentParser) -> None:
    """Add all flags of a build."""
    what_flags(into)
    how = into.add_argument_group("how")
    jobs_flag(how)
    how.add_argument("--serial", action="store_true", help="one job at a time")
    how.add_argument("--output", default="dist", metavar="DIR", help="the folder for the archives (default: dist)")
    how.add_argument(
        "--sign",
        default="",
        metavar="KEY",
        help="sign .dsc, .buildinfo and .changes of Debian packages with this GnuPG key",
    )
    how.add_argument(
        "--only",
        metavar="STEP",
        help="build only this step and what it needs; `dependencies` is everything that CPython itself needs",
    )
    how.add_argument(
        "--keep-going",
        action="store_true",
        help="after a failure, continue with steps that do not depend on the failed one",
    )
    how.add_argument("--break-on-failure", action="store_true", help="if a step fails, open a shell in its build root")
    how.add_argument("--json", action="store_true", help="print events as JSON lines instead of text")
    source_flags(how)
    sccache_flag(how)
    container_flags(into.add_argument_group("containers (engine docker)"))
    instead = into.add_argument_group("instead of building")
    instead.add_argument(
        "--plan", action="store_true", help="print what would be built, what is cached, and why; build nothing"
    )
    instead.add_argument(
        "--explain",
        metavar="STEP",
        help="print the inputs of this step's key, and what changed since it was last built",
    )


def build_all_flags(into: argparse.ArgumentParser) -> None:
    """Add all flags of a build of many Pythons."""
    build_flags(into)
    group = into.add_argument_group("many")
    group.add_argument(
        "--from",
        dest="rows",
        default="",
        metavar="FILE",
        help="a file with a line for each build: target, Python and options, as `matrix` prints them; - is standard input",
    )
    group.add_argument(
        "--executor",
        default="threads",
        metavar="WHERE",
        help="threads for this machine, or dask://HOST:PORT for the workers of that Dask scheduler (default: %(default)s)",
    )


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
