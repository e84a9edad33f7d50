"""Every verb and flag, declared once.  Standard library only, so that --help answers before anything is installed."""

from __future__ import annotations

import argparse
from typing import NoReturn

from pythonbuild.cli import values
from pythonbuild.cli.build_flags import (
    build_all_flags,
    build_flags,
    color_flag,
    container_flags,
    jobs_flag,
    processors,
    sccache_flag,
    source_flags,
    what_flags,
)

__all__ = ["VERBS", "parser"]

_EPILOG = """\
examples:
  %(prog)s                                                  this machine's architecture, default Python, noopt
  %(prog)s --python cpython-3.13.5 --options pgo+lto
  %(prog)s --options freethreaded+noopt --options debug     two Pythons in one run
  %(prog)s --plan                                           print what would be built, and why
  %(prog)s --explain openssl                                print the inputs of this step, and what changed
"""


def parser(program: str) -> argparse.ArgumentParser:
    """Return the parser; for an entry script (`program` build-*.py) that of its only verb."""
    if program.startswith("build-"):
        top = _Parser(
            prog=program, description=_DESCRIPTION, epilog=_EPILOG, formatter_class=_Formatter, allow_abbrev=False
        )
        # The entry script passes its verb and platform itself.
        top.add_argument("verb", choices=["build"], help=argparse.SUPPRESS, nargs="?", default="build")
        build_flags(top)
        return top
    top = _Parser(prog=program, description=_DESCRIPTION, formatter_class=_Formatter, allow_abbrev=False)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, text, add in _VERBS:
        add(verbs.add_parser(name, help=text, description=text, formatter_class=_Formatter, allow_abbrev=False))
    return top


_DESCRIPTION = (
    "Build CPython, and every library it links with, from pinned sources: for Linux with glibc 2.17 or musl 1.2.2 or newer,\n"
    "and for macOS 11 (Apple silicon) or 10.15 (Intel) or newer."
)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are two lines, like all others, and not the list of all flags."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n  {self.prog} --help lists the flags\n")


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32, width=110)


def _scheduler_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument(
        "--host",
        default="127.0.0.1",
        help="the address to listen on (default: %(default)s). Anyone who can reach it can run programs on all workers",
    )
    into.add_argument(
        "--port", type=values.port, default=8786, help="the port to listen on; 0 is any free one (default: %(default)s)"
    )


def _worker_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("scheduler", metavar="dask://HOST:PORT", help="the address that `scheduler` printed")
    jobs_flag(into)


def _plan_flags(into: argparse.ArgumentParser) -> None:
    what_flags(into)
    into.add_argument("--json", action="store_true", help="print the plan as JSON")


def _explain_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("step", metavar="STEP")
    what_flags(into)


def _fetch_flags(into: argparse.ArgumentParser) -> None:
    what_flags(into)
    into.add_argument("--json", action="store_true", help="events as JSON lines instead of text")
    source_flags(into)
    sccache_flag(into)


def _shell_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("step", metavar="STEP", help="the step that failed; the shell opens in its build root")
    what_flags(into)
    container_flags(into.add_argument_group("containers"))


def _doctor_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("--output", default="dist", metavar="DIR", help="the folder for archives (default: dist)")


def _cache_flags(into: argparse.ArgumentParser) -> None:
    actions = into.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="print the results in the store, newest last")
    actions.add_parser("size", help="print how much disk store, sources, build roots and compiled objects use")
    prune = actions.add_parser("prune", help="delete what is old, unreferenced or left over from killed builds")
    prune.add_argument(
        "--days", type=values.days, default=30.0, help="keep results made in the last DAYS days (default: %(default)g)"
    )
    prune.add_argument("--dry-run", action="store_true", help="print what would be deleted; delete nothing")
    prune.add_argument("--yes", action="store_true", help="do not ask before deleting every result")
    prune.add_argument("--sources", action="store_true", help="also delete source archives that no recipe pins")


def _list_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument(
        "what",
        nargs="?",
        choices=["targets", "pythons", "options", "packages", "distributions", "toolchains"],
        help="only this (default: all)",
    )


def _validate_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("archives", metavar="ARCHIVE", nargs="*", help="full, install_only or install_only_stripped")
    into.add_argument("--json", action="store_true", help="print findings as JSON")
    into.add_argument("--list-rules", action="store_true", help="print the rules, and check nothing")


def _convert_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("archives", metavar="ARCHIVE", nargs="+", help="full archives (.tar.zst)")
    into.add_argument(
        "--formats",
        action="append",
        metavar="A,B",
        help="install_only, install_only_stripped, debug_symbols, also with a suffix as in install_only.tar.zst; "
        "may be repeated (default: the first two)",
    )
    into.add_argument("--output", metavar="DIR", help="the folder for the new archives (default: that of each archive)")
    into.add_argument(
        "--jobs", type=values.jobs, default=processors(), metavar="N", help="threads (default: %(default)s)"
    )
    into.add_argument("-v", "--verbose", action="store_true", help="show tracebacks of errors in pythonbuild")


def _inspect_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("archives", metavar="ARCHIVE", nargs="+")
    into.add_argument("--json", action="store_true", help="print JSON, with the libraries of each file")


def _diff_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("old", metavar="OLD")
    into.add_argument("new", metavar="NEW")


def _test_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("archives", metavar="ARCHIVE", nargs="+")
    into.add_argument("--stdlib", action="store_true", help="also run CPython's own test suite; for full archives")
    into.add_argument("--junit", metavar="FILE", help="write the suite's report to this file, as JUnit XML")
    into.add_argument(
        "--regrtest",
        metavar="WORD",
        nargs="*",
        default=[],
        help="tests and more flags for the suite, e.g. --regrtest test_ssl test_zlib",
    )


def _index_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("archives", metavar="ARCHIVE", nargs="+")
    into.add_argument(
        "--base-url",
        default="",
        metavar="URL",
        help="the address that archives will have (default: file:// and their folder)",
    )


def _matrix_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument(
        "--json",
        action="store_true",
        help="print JSON: a list of {target, python, options, build_machines, sources}; with --ci a job matrix of GitHub",
    )
    only = into.add_argument_group("filters (each may be repeated; a row must match all kinds that are given)")
    for name, example in (
        ("platform", "linux, macos or windows"),
        ("arch", "a target's CPU, e.g. aarch64"),
        ("libc", "e.g. gnu or musl"),
        ("python", "3.13, or 3.13.5"),
        ("build", "exactly these options, e.g. pgo+lto"),
        ("target", "a target triple"),
    ):
        only.add_argument(f"--{name}", dest=f"{name}s", action="append", metavar=name.upper(), help=example)
    jobs = into.add_argument_group("jobs of CI")
    jobs.add_argument(
        "--ci", action="store_true", help="print the jobs of ci-targets.yml on the machines of ci-runners.yml"
    )
    jobs.add_argument(
        "--stage",
        choices=["dependencies", "pythons"],
        help="dependencies: the libraries that jobs of one target share; pythons: the Pythons (default: pythons)",
    )
    jobs.add_argument(
        "--labels",
        metavar="A,B",
        help="the jobs of a pull request with these labels ('' for no labels). Without ci:all-targets, only rows marked for pull "
        "requests. platform:linux, arch:aarch64, libc:musl, python:3.13, build:pgo+lto choose among them; ci:skip means none",
    )
    jobs.add_argument("--fork", action="store_true", help="the pull request comes from a fork")
    jobs.add_argument("--shards", action="store_true", help="print several matrices, each small enough for GitHub")


def _release_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument(
        "what",
        metavar="DIR|PACKAGE",
        nargs="+",
        help="the folder with the archives; with --apt the .deb files to add",
    )
    into.add_argument(
        "--sign",
        default="",
        metavar="KEY",
        help="sign SHA256SUMS with minisign:FILE or gpg:KEY; with --apt, sign the index with this GnuPG key",
    )
    into.add_argument("--apt", default="", metavar="DIR", help="the folder of the repository; packages in it are kept")
    archives = into.add_argument_group("archives")
    archives.add_argument(
        "--tag",
        default="",
        metavar="YYYYMMDD",
        help="the name of the release (default: the day in the archives' names)",
    )
    archives.add_argument(
        "--output",
        default="",
        metavar="DIR",
        help="the folder for releases; older ones in it are kept and listed (default: DIR/release)",
    )
    archives.add_argument(
        "--base-url",
        default="",
        metavar="URL",
        help="the public address of that folder (default: file:// and its path)",
    )
    archives.add_argument(
        "--to",
        default="",
        metavar="s3://BUCKET/PREFIX",
        help="upload the release to a bucket, with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, "
        "AWS_ENDPOINT_URL",
    )
    archives.add_argument(
        "--dry-run", action="store_true", help="make the folder, print what --to would upload, upload nothing"
    )
    archives.add_argument(
        "--replace", action="store_true", help="replace files of this release that exist with other content"
    )


def _images_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("--remove", action="store_true", help="delete all of them; the next build makes what it needs")


def _update_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument(
        "names", metavar="NAME", nargs="*", help="a recipe, or cpython-X.Y (default: everything with a known upstream)"
    )
    into.add_argument("--check", action="store_true", help="only print what is newer; download and change nothing")
    into.add_argument("--to", default="", metavar="VERSION", help="pin this version of the one NAME; it may be older")
    color_flag(into)
    source_flags(into)


_VERBS = (
    ("build", "build Pythons, and put their archives into dist/", build_flags),
    ("build-all", "build many Pythons as one plan, on this machine or on a cluster", build_all_flags),
    ("scheduler", "run the scheduler of a cluster for build-all", _scheduler_flags),
    ("worker", "run a worker of such a cluster", _worker_flags),
    ("plan", "print what would be built, what is cached, and why", _plan_flags),
    ("explain", "print the inputs of a step's key, and what changed since it was last built", _explain_flags),
    ("fetch", "download all sources, so that a build can run with --offline", _fetch_flags),
    ("update", "find newer versions of recipes and Pythons, verify them, and pin them", _update_flags),
    ("shell", "open a shell in the build root of a failed step", _shell_flags),
    ("doctor", "print everything that this machine lacks for a build, and how to get it", _doctor_flags),
    ("cache", "list, measure and clean the store", _cache_flags),
    (
        "features",
        "compare Debian packages with CPython's default build and the distribution's own Python",
        build_flags,
    ),
    ("release", "publish archives with checksums and indexes, or Debian packages for apt", _release_flags),
    ("images", "list or delete the container images that pythonbuild made", _images_flags),
    ("list", "list targets, Pythons, options, packages, distributions and toolchains", _list_flags),
    (
        "matrix",
        "list every combination of target, Python and options that can be built, or the jobs of CI",
        _matrix_flags,
    ),
    ("validate", "check archives against every rule; exit with 1 on findings", _validate_flags),
    ("convert", "make the other flavours from full archives", _convert_flags),
    ("inspect", "print versions, options, sizes, modules and libraries of archives", _inspect_flags),
    ("diff", "print what differs between two archives; exit with 1 if anything does", _diff_flags),
    ("test", "run the Python of archives: a smoke test, and CPython's own test suite", _test_flags),
    ("index", "print an index of archives for uv (python-downloads-json-url)", _index_flags),
)
VERBS = tuple(name for name, _, _ in _VERBS)
