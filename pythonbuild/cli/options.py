"""The verbs and the parser of command lines.  Imports only the standard library, so --help works before an installation."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, NoReturn

from pythonbuild import __version__
from pythonbuild.errors import BadRequest, nearest
from pythonbuild.flags import archives, build, catalog, machine
from pythonbuild.flags.common import GROUPS, VerbFlags
from pythonbuild.flags.declared import add_flags, check_combination, flag_of, read_flags
from pythonbuild.flags.read import empty_value
from pythonbuild.model.platforms import PLATFORMS
from pythonbuild.program import Program, pasted

__all__ = ["VERBS", "Verb", "parse", "parser"]

_EPILOG = """\
examples:
  %(prog)s
      the default Python, for this machine's CPU
  %(prog)s --python cpython-3.13.5 --options freethreaded+noopt
      a free-threaded build of another version
  %(prog)s --plan
      print what would be built, and why; build nothing
  %(prog)s --explain openssl
      print the inputs of this step, and what changed
"""
_DESCRIPTION = (
    "Build CPython, and every library it links with, from pinned sources. Pythons for Linux need glibc 2.17 or musl 1.2.2, those "
    "for macOS need version 11 (Apple silicon) or 10.15 (Intel). Windows is planned."
)


@dataclass(frozen=True)
class Verb:
    """A verb: its name (two words for an action of a verb), help, flags, and its function as "module:function" of this package."""

    name: str
    help: str
    flags: type[VerbFlags]
    function: str


_TABLE = (
    Verb("build", "build Pythons, and put their archives into dist/", build.BuildFlags, "verbs:build"),
    Verb(
        "build-all",
        "build many Pythons as one plan, on this machine or on a cluster",
        build.BuildAllFlags,
        "verbs:build_all",
    ),
    Verb("scheduler", "run the scheduler of a cluster for build-all", machine.SchedulerFlags, "cluster:scheduler"),
    Verb("worker", "run a worker of a cluster for build-all", machine.WorkerFlags, "cluster:worker"),
    Verb("plan", "print what would be built, what is cached, and why", build.PlanFlags, "verbs:plan"),
    Verb(
        "explain",
        "print the inputs of a step's key, and what changed since it was last built",
        build.ExplainFlags,
        "verbs:explain",
    ),
    Verb("fetch", "download all sources, so that a build can run with --offline", build.FetchFlags, "verbs:fetch"),
    Verb(
        "update",
        "find newer versions of recipes and Pythons, verify them, and pin them",
        catalog.UpdateFlags,
        "update:update",
    ),
    Verb("shell", "open a shell in the build root of a failed step", build.ShellFlags, "verbs:shell"),
    Verb(
        "doctor",
        "print for each kind of build whether this machine is ready, or what it lacks and how to get it",
        machine.DoctorFlags,
        "doctor:doctor",
    ),
    Verb("cache list", "print the results in the store, newest last", machine.CacheListFlags, "cache:list_results"),
    Verb(
        "cache size",
        "print how much disk store, sources, build roots and compiled objects use",
        machine.CacheSizeFlags,
        "cache:show_size",
    ),
    Verb(
        "cache prune",
        "delete old results, build roots of failed steps, and leftovers of killed builds",
        machine.CachePruneFlags,
        "cache:prune",
    ),
    Verb(
        "features",
        "build Debian packages, and compare them with CPython's default build and the distribution's own Python",
        build.FeaturesFlags,
        "packages:features",
    ),
    Verb(
        "release",
        "publish archives with checksums and indexes, or Debian packages for apt",
        archives.ReleaseFlags,
        "publish:release",
    ),
    Verb("images", "list or delete the container images that pythonbuild made", machine.ImagesFlags, "verbs:images"),
    Verb(
        "list",
        "list targets, Pythons, options, packages, distributions and toolchains",
        catalog.ListFlags,
        "verbs:list_catalog",
    ),
    Verb(
        "matrix",
        "list every combination of target, Python and options that can be built, or the jobs of CI",
        catalog.MatrixFlags,
        "matrix:show_matrix",
    ),
    Verb(
        "validate",
        "check archives against every rule; exit with 1 on findings",
        archives.ValidateFlags,
        "archives:validate",
    ),
    Verb("convert", "make the other flavours from full archives", archives.ConvertFlags, "archives:convert"),
    Verb(
        "inspect",
        "print versions, options, sizes, modules and libraries of archives",
        archives.InspectFlags,
        "archives:inspect",
    ),
    Verb(
        "diff",
        "print what differs between two archives; exit with 1 if anything does",
        archives.DiffFlags,
        "archives:diff",
    ),
    Verb(
        "test",
        "run the Python of archives: a smoke test, and CPython's own test suite",
        archives.TestFlags,
        "archives:test",
    ),
    Verb(
        "completion",
        'print a script for a shell\'s completion; use it with: eval "$(pythonbuild completion bash)"',
        machine.CompletionFlags,
        "completion:completion",
    ),
    Verb(
        "index", "print an index of archives for uv (python-downloads-json-url)", archives.IndexFlags, "archives:index"
    ),
)
# Flags of other build systems for CPython -> ours.
_ELSEWHERE = {"--no-docker": "--engine host"}
# Flags that need no verb.  A command line that starts with any other flag means `build`.
_ASKING = ("-h", "--help", "--version")
# Verbs whose actions are verbs of their own.
_PARENTS = {"cache": "list, measure and clean the store"}
VERBS = {verb.name: verb for verb in _TABLE}


def parse(program: Program, arguments: list[str]) -> tuple[Verb, VerbFlags]:
    """Return the verb of a command line and its flags.  Exits, like argparse, for --help and --version.

    program: an entry script (build-*.py), whose only verb may be omitted, or another program, for which a command line
    that starts with a flag means `build`.  Raises BadRequest for a mistake.
    """
    empty = empty_value(arguments)
    if empty:
        raise BadRequest(f"{empty} has an empty value", "give it a value, or leave it out")
    if program.is_script:
        arguments = _without_verb(program, arguments)
    elif "".join(arguments[:1]).startswith("-") and arguments[0] not in _ASKING:
        arguments = ["build", *arguments]
    namespace, unknown = parser(program.name, pasted(program.start)).parse_known_args(arguments)
    verb: Verb = namespace.chosen
    if unknown:
        if unknown[0] in {name.split()[0] for name in VERBS}:
            command = pasted(program.words(unknown[0]))
            if program.is_script:
                raise BadRequest(f"this script only builds; {unknown[0]} is another command", f"run {command}")
            raise BadRequest(f"the verb {unknown[0]} must come before its flags", f"run {command} FLAG...")
        names = [name for one in fields(verb.flags) for name in getattr(flag_of(one), "names", ())]
        raise BadRequest(
            f"unknown flag or argument: {' '.join(unknown)}",
            f"{_meant(unknown[0], names)}{pasted(program.words(verb.name))} --help lists the flags",
        )
    flags = read_flags(verb.flags, namespace, program=program, verb=verb.name)
    check_combination(flags)
    return verb, flags


def _without_verb(program: Program, arguments: list[str]) -> list[str]:
    """Return an entry script's command line without its only verb.

    The script starts pythonbuild with `build --platform=NAME`, followed by the user's own words, which may repeat the verb.
    Raises BadRequest for a second platform.
    """
    script, own = [], arguments
    if own[:1] == ["build"]:
        own = own[1:]
    if own and own[0].startswith("--platform="):
        script, own = own[:1], own[1:]
    if own[:1] == ["build"]:
        own = own[1:]
    if script and any(word.partition("=")[0] == "--platform" for word in own):
        raise BadRequest(f"{program.name} builds for one platform", "drop --platform, or start another build-*.py")
    return [*script, *own]


def _meant(word: str, known: Iterable[str]) -> str:
    """Return a question that names similar known words, "" if there are none."""
    name = word.partition("=")[0]
    if name in _ELSEWHERE:
        return f"the equivalent flag of pythonbuild is {_ELSEWHERE[name]}; "
    # Word processors replace two hyphens with one dash.
    plain = re.sub("^[\u2010-\u2015\u2212]+-*", "--", name)
    near = [plain] if plain in known else nearest(plain, known)
    return f"did you mean {' or '.join(near)}? " if near else ""


def parser(program: str, start: str = "") -> argparse.ArgumentParser:
    """Return the parser, which raises BadRequest for a mistake.  An entry script (build-*.py) has only the verb `build`.

    program: the name of the program; start: the command that starts it, for usage and examples.
    """
    prog = start or program
    version: dict[str, Any] = {
        "action": "version",
        "version": f"pythonbuild {__version__}",
        "help": "print the version and exit",
    }
    if program.startswith("build-"):
        top = _Parser(
            prog=prog, description=_DESCRIPTION, epilog=_EPILOG, formatter_class=_Formatter, allow_abbrev=False
        )
        top.add_argument("--version", **version)
        platform = program.removesuffix(".py").partition("-")[2]
        _add_verb(top, VERBS["build"], platform if platform in PLATFORMS else "")
        return top
    top = _Parser(prog=prog, description=_DESCRIPTION, formatter_class=_Formatter, allow_abbrev=False)
    top.add_argument("--version", **version)
    verbs: argparse._SubParsersAction[Any] = top.add_subparsers(required=True, metavar="VERB")
    actions: dict[str, argparse._SubParsersAction[Any]] = {}
    for verb in _TABLE:
        parent, _, action = verb.name.partition(" ")
        if action and parent not in actions:
            holder = verbs.add_parser(parent, **_texts(_PARENTS[parent]))
            actions[parent] = holder.add_subparsers(required=True, metavar="ACTION")
        _add_verb((actions[parent] if action else verbs).add_parser(action or parent, **_texts(verb.help)), verb)
    return top


def _texts(text: str) -> dict[str, Any]:
    return {"help": text, "description": text, "formatter_class": _Formatter, "allow_abbrev": False}


def _add_verb(into: argparse.ArgumentParser, verb: Verb, platform: str = "") -> None:
    add_flags(into, verb.flags, GROUPS, platform)
    into.set_defaults(chosen=verb)


class _Parser(argparse.ArgumentParser):
    """A parser that reports errors as BadRequest, without a list of all flags."""

    def error(self, message: str) -> NoReturn:
        verb = re.fullmatch(r"argument VERB: invalid choice: '([^']*)'.*", message)
        if verb:
            message, meant = f"unknown verb {verb[1]!r}", _meant(verb[1], {name.split()[0] for name in VERBS})
        else:
            meant = ""
        raise BadRequest(message, f"{meant}{self.prog} --help lists the {'verbs' if verb else 'flags'}")


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Wrap descriptions, but keep the lines of examples."""
        if text.startswith("examples:"):
            return super()._fill_text(text, width, indent)
        return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent)
