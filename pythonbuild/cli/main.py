"""Parse, call the verb, turn errors into text and exit status.  Nothing else of pythonbuild exits or prints errors."""

from __future__ import annotations

import argparse
import errno
import io
import shlex
import signal
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from types import FrameType
from typing import Optional

from pythonbuild.cli.options import parser
from pythonbuild.cli.values import empty_value
from pythonbuild.errors import BadRequest, Interrupted, PythonBuildError, StepsFailed

__all__ = ["function_of", "main"]

# Verb -> module of this package and function.
_VERBS = {
    "build": "verbs:build",
    "build-all": "verbs:build_all",
    "scheduler": "worker:scheduler",
    "worker": "worker:worker",
    "plan": "verbs:plan",
    "explain": "verbs:explain",
    "fetch": "verbs:fetch",
    "update": "update:update",
    "shell": "verbs:shell",
    "doctor": "verbs:doctor",
    "cache": "verbs:cache",
    "images": "verbs:images",
    "features": "packages:features",
    "release": "publish:release",
    "list": "verbs:list_catalog",
    "matrix": "matrix:show_matrix",
    "validate": "archives:validate",
    "convert": "archives:convert",
    "inspect": "archives:inspect",
    "diff": "archives:diff",
    "test": "archives:test",
    "index": "archives:index",
}


def function_of(verb: str) -> Callable[[argparse.Namespace], int]:
    """Return what does a verb, from its flags to the exit status.  Libraries that read archives take longer to load than most verbs to
    run, so no other verb's modules are."""
    module, _, name = _VERBS[verb].partition(":")
    function: Callable[[argparse.Namespace], int] = getattr(import_module(f"pythonbuild.cli.{module}"), name)
    return function


def main(arguments: list[str], program: str) -> int:
    """Run the program with its command line; returns the exit status (see errors.py)."""
    for stream in (sys.stdout, sys.stderr):
        # A console or pipe of another encoding than UTF-8, as Windows has them, is no reason to end.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    empty = empty_value(arguments)
    if empty:
        _report(BadRequest(f"{empty} has an empty value", "give it a value, or leave it out"), program)
        return BadRequest.exit_status
    flags = parser(program).parse_args(arguments)
    flags.command_line = _command_line(arguments, program)
    # A plain kill is as good a reason to clean up as Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return function_of(flags.verb)(flags)
    except PythonBuildError as error:
        if not isinstance(error, StepsFailed):
            _report(error, program)
        return error.exit_status
    except KeyboardInterrupt:
        sys.stderr.write(
            f"\n{program}: interrupted; what was finished is in the store, and the same command goes on from there\n"
        )
        return Interrupted.exit_status
    except BrokenPipeError:
        return 1
    except OSError as error:
        if getattr(flags, "verbose", False):
            traceback.print_exc()
        hint = (
            "free some space and run the same command again"
            if error.errno == errno.ENOSPC
            else "check its owner and permissions"
        )
        _report(PythonBuildError(f"{error.strerror}: {error.filename or ''}".rstrip(": "), hint), program)
        return 3


def _command_line(arguments: list[str], program: str) -> str:
    """Return what the user typed, for messages that say how to do it again."""
    if program.startswith("build-"):
        # The verb and the platform are the entry script's, see build-linux.py.
        typed = (word for word in arguments if word != "build" and not word.startswith("--platform="))
        return shlex.join([f"./{program}", *typed])
    return shlex.join(["python3", "-m", "pythonbuild", *arguments])


def _interrupt(number: int, frame: Optional[FrameType]) -> None:
    raise KeyboardInterrupt


def _report(error: PythonBuildError, program: str) -> None:
    sys.stderr.write(f"{program}: {error.report()}\n")
