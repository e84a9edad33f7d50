"""How the user started pythonbuild.  The commands that it prints start the same way, and can be pasted into the same shell.

This module uses the standard library only, because bootstrap imports it before anything is installed.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable
from dataclasses import astuple, dataclass

from pythonbuild.home import code

__all__ = ["Program", "pasted", "started"]

# Words without special characters of cmd.exe and PowerShell.
_PLAIN = re.compile(r"[\w.:\\/][\w.:\\/=+-]*|-[\w-]+")


@dataclass(frozen=True)
class Program:
    """What the user typed to start pythonbuild.

    name: in messages, e.g. build-linux.py; start: the words that start it again from the same folder; verbs: the words in
    front of any verb, which an entry script does not take.
    """

    name: str
    start: tuple[str, ...]
    verbs: tuple[str, ...]

    @classmethod
    def named(cls, name: str) -> Program:
        """Return the program of that name, as it is started from the checkout: an entry script, pythonbuild, or python3 -m pythonbuild."""
        if name.startswith("build-"):
            return cls(name, (f"./{name}",), ("python3", "-m", "pythonbuild"))
        return cls(name, tuple(name.split()), tuple(name.split()))

    @classmethod
    def read(cls, text: str) -> Program:
        """Parse the output of `written`."""
        name, start, verbs = json.loads(text)
        return cls(name, tuple(start), tuple(verbs))

    def written(self) -> str:
        """Return the program as one word of a command line."""
        return json.dumps(astuple(self))

    @property
    def is_script(self) -> bool:
        """True for an entry script, which builds for one platform."""
        return self.name.startswith("build-")

    def words(self, verb: str) -> list[str]:
        """Return the words that start a verb."""
        if self.is_script and verb == "build":
            return list(self.start)
        return [*self.verbs, *verb.split()]


def started(script: str = "") -> Program:
    """Return how this process was started; script: the name of the entry script, if one was started."""
    python, path = _interpreter(), sys.argv[0]
    module = (python, "-m", "pythonbuild")
    if script:
        here = os.path.samefile(os.curdir, code().parent)
        return Program(script, _script(path, python), module if here else (python, str(code())))
    if os.path.basename(path) == "__main__.py":
        return Program(f"{os.path.basename(python)} -m pythonbuild", module, module)
    start = (python, path) if os.path.isdir(path) else (_on_path(path),)
    return Program("pythonbuild", start, start)


def _script(path: str, python: str) -> tuple[str, ...]:
    """Return the words that start an entry script: its path alone if its first line finds this interpreter."""
    usual = os.path.realpath(shutil.which("python3") or "")
    if os.name == "nt" or not os.access(path, os.X_OK) or usual != os.path.realpath(sys.executable):
        return python, path
    return (path if os.path.dirname(path) else f"./{path}",)


def _interpreter() -> str:
    """Return what starts this interpreter."""
    found = _on_path(sys.executable)
    # PowerShell does not start a program whose name is in quotes.
    return "py" if os.name == "nt" and not _PLAIN.fullmatch(found) and shutil.which("py") else found


def _on_path(program: str) -> str:
    """Return the name of a program if PATH finds it under that name, else its path."""
    name = os.path.basename(program)
    return name if os.path.normcase(shutil.which(name) or "") == os.path.normcase(program) else program


def pasted(words: Iterable[str], windows: bool = os.name == "nt") -> str:
    """Return words as a line to be pasted into a shell: a POSIX one, or on Windows cmd.exe and PowerShell."""
    return " ".join(map(_quoted_for_windows if windows else shlex.quote, words))


def _quoted_for_windows(word: str) -> str:
    if _PLAIN.fullmatch(word):
        return word
    # As the C library of Windows' programs reads it: a backslash counts only before a quote.
    text = re.sub(r'(\\*)"', r'\1\1\\"', word)
    return '"' + re.sub(r"(\\+)$", r"\1\1", text) + '"'
