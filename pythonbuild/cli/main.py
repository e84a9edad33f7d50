"""Parse, call the verb, and convert errors to messages and an exit status.  No other module exits or prints errors."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from types import FrameType
from typing import Optional

from pythonbuild.cli.options import Verb, parse
from pythonbuild.errors import INTERRUPTED, BadRequest, PythonBuildError, StepsFailed
from pythonbuild.flags.archives import ConvertFlags
from pythonbuild.flags.common import Shown, VerbFlags
from pythonbuild.program import Program
from pythonbuild.ui.github import annotation

__all__ = ["function_of", "main"]


def function_of(verb: Verb) -> Callable[[VerbFlags], int]:
    """Return the function of a verb, which takes its flags and returns the exit status.

    Load only this verb's modules, because libraries that read archives take longer to load than most verbs take to run.
    """
    module, _, name = verb.function.partition(":")
    function: Callable[[VerbFlags], int] = getattr(import_module(f"pythonbuild.cli.{module}"), name)
    return function


def main(arguments: list[str], program: Program) -> int:
    """Run the program with its command line; return the exit status (see errors.py)."""
    # If a shell closed a stream with >&-, Python's stream is None.
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # Escape what a console or pipe cannot encode, instead of failing.  Windows has encodings other than UTF-8.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        verb, flags = parse(program, arguments)
    except BadRequest as error:
        _report(error, program)
        return error.exit_status
    # Clean up after `kill` as after Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        status = function_of(verb)(flags)
        sys.stdout.flush()
        return status
    except PythonBuildError as error:
        if not isinstance(error, StepsFailed):
            _report(error, program)
        return error.exit_status
    except KeyboardInterrupt:
        sys.stderr.write(
            f"\n{program.name}: interrupted; the store has all finished steps, and the same command continues from there\n"
        )
        return INTERRUPTED
    except BrokenPipeError:
        return 1
    except OSError as error:
        if isinstance(flags, (Shown, ConvertFlags)) and flags.verbose:
            traceback.print_exc()
        hint = (
            "free some space and run the same command again"
            if error.errno == errno.ENOSPC
            else "check its owner and permissions"
        )
        _report(PythonBuildError(f"{error.strerror}: {error.filename or ''}".rstrip(": "), hint), program)
        _drop_output()
        return 3


def _drop_output() -> None:
    """Discard buffered standard output, which the interpreter would otherwise fail to write again at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(number: int, frame: Optional[FrameType]) -> None:
    raise KeyboardInterrupt


def _report(error: PythonBuildError, program: Program) -> None:
    sys.stderr.write(f"{program.name}: {error.report()}\n")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        sys.stderr.write(f"{annotation('error', program.name, error.report())}\n")
