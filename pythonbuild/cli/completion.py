"""The verb `completion`: scripts that let shells complete verbs, flags and their values."""

from __future__ import annotations

import sys

from pythonbuild.cli.options import parser
from pythonbuild.flags.machine import CompletionFlags

__all__ = ["completion"]

_PROGRAMS = ("pythonbuild", "build-linux.py", "build-macos.py", "build-windows.py")


def completion(flags: CompletionFlags) -> int:
    """Print the script for a shell; it covers the installed program and the entry scripts."""
    import shtab

    for program in _PROGRAMS:
        sys.stdout.write(f"{shtab.complete(parser(program), flags.shell)}\n")
    return 0
