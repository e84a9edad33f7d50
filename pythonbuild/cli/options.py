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
  %(prog)s --options freethreaded+noopt --options debug     two Pythons in one plan
  %(prog)s --plan                                           what would be done, and why; builds nothing
  %(prog)s --explain openssl                                what makes this step's key, what changed
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
    "Build CPython and everything it is linked with, from pinned sources: for any Linux with glibc 2.17 or musl 1.2.2, or newer,\n"
    "and, on Linux, for macOS 11 (Apple silicon) or 10.15 (Intel) and newer."
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
        help="the address to listen at (default: %(default)s); who reaches it can run programs on all workers",
    )
    into.add_argument("--port", type=values.port, default=8786, help="(default: %(default)s; 0: any that is free)")


def _worker_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("scheduler", metavar="dask://HOST:PORT", help="what `scheduler` has told")
    jobs_flag(into)


def _plan_flags(into: argparse.ArgumentParser) -> None:
    what_flags(into)
    into.add_argument("--json", action="store_true", help="the plan as JSON")


def _explain_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("step", metavar="STEP")
    what_flags(into)


def _fetch_flags(into: argparse.ArgumentParser) -> None:
    what_flags(into)
    into.add_argument("--json", action="store_true", help="events as JSON lines instead of text")
    source_flags(into)
    sccache_flag(into)


def _shell_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("step", metavar="STEP", help="a step that failed: the shell opens in what it left")
    what_flags(into)
    container_flags(into.add_argument_group("containers"))


def _doctor_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("--output", default="dist", metavar="DIR", help="where archives would go (default: dist)")


def _cache_flags(into: argparse.ArgumentParser) -> None:
    actions = into.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="what is in the store, newest last")
    actions.add_parser("size", help="how much room store, sources, build roots and compiled objects take")
    prune = actions.add_parser("prune", help="delete what is old, unreferenced or left over")
    prune.add_argument(
        "--days", type=values.days, default=30.0, help="keep results made in the last DAYS days (default: %(default)g)"
    )
    prune.add_argument("--dry-run", action="store_true", help="print what would be deleted; delete nothing")
    prune.add_argument("--yes", action="store_true", help="do not ask before deleting every result")
    prune.add_argument(
        "--sources", action="store_true", help="also delete source archives that no recipe pins any more"
    )


def _list_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument(
        "what",
        nargs="?",
        choices=["targets", "pythons", "options", "packages", "distributions", "toolchains"],
        help="only this (default: all)",
    )


def _validate_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("archives", metavar="ARCHIVE", nargs="*", help="full, install_only or install_only_stripped")
    into.add_argument("--json", action="store_true", help="findings as JSON")
    into.add_argument("--list-rules", action="store_true", help="only list what is demanded of an archive")


def _convert_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("archives", metavar="ARCHIVE", nargs="+", help="full archives (.tar.zst)")
    into.add_argument(
        "--formats",
        action="append",
        metavar="A,B",
        help="out of install_only install_only_stripped debug_symbols, each also as e.g. install_only.tar.zst; "
        "may be repeated (default: the first two)",
    )
    into.add_argument("--output", metavar="DIR", help="where they go (default: beside the archive)")
    into.add_argument(
        "--jobs", type=values.jobs, default=processors(), metavar="N", help="threads (default: %(default)s)"
    )
    into.add_argument("-v", "--verbose", action="store_true", help="tracebacks of our own errors")


def _inspect_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("archives", metavar="ARCHIVE", nargs="+")
    into.add_argument("--json", action="store_true", help="as JSON, with each file's links")


def _diff_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("old", metavar="OLD")
    into.add_argument("new", metavar="NEW")


def _test_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("archives", metavar="ARCHIVE", nargs="+")
    into.add_argument("--stdlib", action="store_true", help="also run CPython's own test suite (full archives)")
    into.add_argument("--junit", metavar="FILE", help="leave the suite's report there, as JUnit XML")
    into.add_argument(
        "--regrtest",
        metavar="WORD",
        nargs="*",
        default=[],
        help="tests and further flags for the suite, e.g. --regrtest test_ssl test_zlib",
    )


def _index_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("archives", metavar="ARCHIVE", nargs="+")
    into.add_argument(
        "--base-url", default="", metavar="URL", help="where they will be found (default: file:// of where they are)"
    )


def _matrix_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument(
        "--json",
        action="store_true",
        help="as JSON: a list of {target, python, options, build_machines, sources}; with --ci a matrix of GitHub's",
    )
    only = into.add_argument_group("only (each may be repeated; different ones all have to hold)")
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
    jobs.add_argument("--ci", action="store_true", help="what ci-targets.yml says, and where ci-runners.yml says")
    jobs.add_argument(
        "--stage",
        choices=["dependencies", "pythons"],
        help="the libraries that several jobs of a target share, or the Pythons themselves (default: pythons)",
    )
    jobs.add_argument(
        "--labels",
        metavar="A,B",
        help="only what a pull request with these labels gets ('' if it has none): those of the rows that are marked for it, or "
        "of all with ci:all-targets, that platform:linux, arch:aarch64, libc:musl, python:3.13, build:pgo+lto choose; "
        "none with ci:skip",
    )
    jobs.add_argument("--fork", action="store_true", help="the pull request comes from a fork")
    jobs.add_argument("--shards", action="store_true", help="a matrix of matrices, none too large for GitHub")


def _release_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument(
        "what",
        metavar="DIR|PACKAGE",
        nargs="+",
        help="the folder that builds left archives in; with --apt the .deb files to add",
    )
    into.add_argument(
        "--sign",
        default="",
        metavar="KEY",
        help="sign the sums, with minisign:FILE or gpg:KEY; with --apt the index, with that GnuPG key",
    )
    into.add_argument("--apt", default="", metavar="DIR", help="the repository's folder; what is in it already is kept")
    archives = into.add_argument_group("archives")
    archives.add_argument(
        "--tag",
        default="",
        metavar="YYYYMMDD",
        help="the release's name (default: the day that the archives' names have)",
    )
    archives.add_argument(
        "--output",
        default="",
        metavar="DIR",
        help="where releases go; older ones there are kept, and listed (default: DIR/release)",
    )
    archives.add_argument(
        "--base-url",
        default="",
        metavar="URL",
        help="where people will find that folder (default: file:// of where it is)",
    )
    archives.add_argument(
        "--to",
        default="",
        metavar="s3://BUCKET/PREFIX",
        help="send it to a bucket, with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL",
    )
    archives.add_argument(
        "--dry-run", action="store_true", help="make the folder, say what --to would send, send nothing"
    )
    archives.add_argument(
        "--replace", action="store_true", help="replace files of this release that are there with other content"
    )


def _images_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument("--remove", action="store_true", help="delete them all; the next build makes what it needs")


def _update_flags(into: argparse.ArgumentParser) -> None:
    into.add_argument(
        "names", metavar="NAME", nargs="*", help="a recipe, or cpython-X.Y (default: all that upstreams are known of)"
    )
    into.add_argument("--check", action="store_true", help="only tell what is newer; nothing is fetched or changed")
    into.add_argument("--to", default="", metavar="VERSION", help="pin that version of the one NAME, also an older one")
    color_flag(into)
    source_flags(into)


_VERBS = (
    ("build", "build Pythons and put their archives into dist/", build_flags),
    ("build-all", "build many Pythons as one plan, on this machine or on a cluster", build_all_flags),
    ("scheduler", "run the scheduler of a cluster that build-all can use", _scheduler_flags),
    ("worker", "run a worker of such a cluster", _worker_flags),
    ("plan", "show what would be built, what is cached, and why", _plan_flags),
    ("explain", "show which inputs make a step's key, and what changed since it was last built", _explain_flags),
    ("fetch", "fill the source cache, so that a build can run with --offline", _fetch_flags),
    ("update", "find newer versions of recipes and Pythons, verify them, and pin them", _update_flags),
    ("shell", "open a shell in the build root that a failed step left", _shell_flags),
    ("doctor", "tell everything that this machine lacks for a build, and the cure", _doctor_flags),
    ("cache", "list, measure and prune the store", _cache_flags),
    (
        "features",
        "compare Debian packages with CPython's default build and the distribution's own Python",
        build_flags,
    ),
    ("release", "publish archives with sums and indexes, or Debian packages for apt", _release_flags),
    ("images", "list the images that engine docker has made, or delete them", _images_flags),
    ("list", "list the targets, Pythons, options, packages, distributions and toolchains there are", _list_flags),
    (
        "matrix",
        "list every combination of target, Python and options that can be built, or the jobs of CI",
        _matrix_flags,
    ),
    ("validate", "hold archives against every rule of a good distribution; exit 1 on findings", _validate_flags),
    ("convert", "make the other flavours out of full archives", _convert_flags),
    ("inspect", "show versions, options, sizes, modules and links of archives", _inspect_flags),
    ("diff", "show what differs between two archives; exit 1 if anything does", _diff_flags),
    ("test", "run the Python of archives: a smoke test, and CPython's own suite", _test_flags),
    ("index", "print an index of archives for uv (its setting python-downloads-json-url)", _index_flags),
)
VERBS = tuple(name for name, _, _ in _VERBS)
