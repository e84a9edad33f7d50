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
        help="out of debug noopt pgo lto freethreaded static, joined by +; may be repeated (default: noopt)",
    )
    group.add_argument("--python-source", metavar="PATH", help="a CPython source tree or tarball of your own")
    group.add_argument(
        "--pgo-profile",
        metavar="FILE",
        help="build pgo with the profile that an earlier build left in its full archive (python/build/pgo.profile) instead of making "
        "one: the same profile gives the same bytes",
    )
    group.add_argument(
        "--toolchain",
        default="auto",
        metavar="NAME",
        help="auto, gcc, llvm, zig, llvm-darwin or xcode (default: auto: llvm for lto, and for pgo in containers; zig for other CPUs "
        "and musl; for macOS llvm-darwin, on a Mac xcode)",
    )
    group.add_argument(
        "--formats",
        "--format",
        dest="formats",
        action="append",
        metavar="A,B",
        help="out of full install_only install_only_stripped debug_symbols sbom, archives also as e.g. "
        "install_only.tar.zst; may be repeated (default: all but debug_symbols); or deb: Debian packages",
    )
    group.add_argument(
        "--release",
        action="store_true",
        help="compress hard, and name the archives as releases are (cpython-3.13.15+20261121-...)",
    )
    group.add_argument("--platform", choices=["", "linux", "macos", "windows"], default="", help=argparse.SUPPRESS)
    _debian_flags(into.add_argument_group("Debian packages (--format deb)"))
    _windows_flags(into.add_argument_group("Windows"))
    group.add_argument(
        "--engine",
        choices=["auto", "host", "docker"],
        default="auto",
        help="where steps run: on this machine, or in containers of the daemon that DOCKER_HOST or a socket of Docker or "
        "Podman leads to (default: auto: docker if a daemon answers, else host)",
    )
    into.add_argument(
        "-v", "--verbose", action="store_true", help="show what the steps print, and tracebacks of our own errors"
    )
    color_flag(into)


def _windows_flags(into: argparse._ActionsContainer) -> None:
    into.add_argument(
        "--vs",
        default="",
        choices=["2017", "2019", "2022", "2026"],
        help="which Visual Studio (default: that of the command prompt, else the newest)",
    )
    into.add_argument(
        "--windows-sdk-version",
        default="",
        metavar="VERSION",
        help="which SDK of Windows, 10.0.17763 or newer (default: the newest)",
    )
    into.add_argument(
        "--sh",
        default="",
        metavar="PATH",
        help="a sh.exe of Git, Cygwin or MSYS2 that runs build scripts (default: Git's, or another found)",
    )


def _debian_flags(into: argparse._ActionsContainer) -> None:
    into.add_argument(
        "--distro",
        default="",
        metavar="NAME",
        help="the release they are for, e.g. debian:trixie (default: OS_DISTRO_BASE, else this machine's own)",
    )
    into.add_argument(
        "--distro-name",
        default="",
        metavar="TEXT",
        help="its name in descriptions (default: OS_DISTRO_DISP, else its own)",
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
        help="a second package with the free-threaded interpreter (default: BUILD_NOGIL, else from CPython 3.13 on)",
    )
    into.add_argument(
        "--enable-shared", action="store_true", help="an interpreter that needs libpython3.x.so, and that"
    )
    into.add_argument("--revision", default="1", metavar="N", help="Debian's revision (default: %(default)s)")
    into.add_argument(
        "--maintainer",
        default="",
        metavar="'NAME <MAIL>'",
        help="who makes them (default: DEBFULLNAME and DEBEMAIL, else git's user.name and user.email)",
    )
    into.add_argument(
        "--package-name",
        default="",
        metavar="NAME",
        help="(default: python3.x, and python3.x-opt where the distribution has a python3.x itself)",
    )


def container_flags(into: argparse._ActionsContainer) -> None:
    """Add what containers are made from, and may take."""
    into.add_argument(
        "--base-image", default="", metavar="NAME", help="a Debian image to make the containers' image from"
    )
    into.add_argument(
        "--cpus",
        type=values.processors_of_a_container,
        default=0.0,
        metavar="N",
        help="processors for a container at most",
    )
    into.add_argument(
        "--memory", type=values.size, default=0, metavar="SIZE", help="memory for a container at most, e.g. 4G"
    )


def source_flags(into: argparse._ActionsContainer) -> None:
    """Add whether sources may be fetched."""
    into.add_argument("--offline", action="store_true", help="never touch the network; sources must be in the cache")


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
        help="jobs at once over all steps (default: %(default)s)",
    )


def sccache_flag(into: argparse._ActionsContainer) -> None:
    """Add whether sccache keeps compiled objects."""
    into.add_argument(
        "--sccache",
        action=argparse.BooleanOptionalAction,
        help="keep compiled objects by sccache, and fetch it if the checkout has no program sccache (default: do so if that, or, "
        "outside of containers, PATH has one)",
    )


def build_flags(into: argparse.ArgumentParser) -> None:
    """Add all flags of a build."""
    what_flags(into)
    how = into.add_argument_group("how")
    jobs_flag(how)
    how.add_argument("--serial", action="store_true", help="one job at a time")
    how.add_argument("--output", default="dist", metavar="DIR", help="where the archives go (default: dist)")
    how.add_argument(
        "--sign",
        default="",
        metavar="KEY",
        help="sign Debian packages' .dsc, .buildinfo and .changes with that GnuPG key",
    )
    how.add_argument(
        "--only",
        metavar="STEP",
        help="build this step and what it needs, nothing after it; `dependencies`: all that CPython itself needs",
    )
    how.add_argument(
        "--keep-going", action="store_true", help="after a failure, go on with whatever does not depend on it"
    )
    how.add_argument(
        "--break-on-failure", action="store_true", help="open a shell in the build root of a step that fails"
    )
    how.add_argument("--json", action="store_true", help="events as JSON lines instead of text")
    source_flags(how)
    sccache_flag(how)
    container_flags(into.add_argument_group("containers (engine docker)"))
    instead = into.add_argument_group("instead of building")
    instead.add_argument("--plan", action="store_true", help="show what would be built, what is cached, and why")
    instead.add_argument(
        "--explain", metavar="STEP", help="show which inputs make this step's key, and what changed since last time"
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
        help="what to build, a line each of target, Python and options, as `matrix` prints them; - is the standard input",
    )
    group.add_argument(
        "--executor",
        default="threads",
        metavar="WHERE",
        help="threads: on this machine; dask://HOST:PORT: by the workers of that Dask scheduler (default: %(default)s)",
    )


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
