"""The folder behind a build root: what every engine puts into it, whatever then runs the script there.

A root's bin/ is all of PATH: the compiler wrappers of the step, an allow-list of programs, and Python.  The pinned
compilers look into their own sysroot only, so that nothing of the machine's headers, libraries or settings gets in.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from pythonbuild.engines.base import RootInputs
from pythonbuild.engines.sccache.wrappers import call_text, compiler_text
from pythonbuild.engines.unpack import unpack_source
from pythonbuild.plan.step import ScriptAction
from pythonbuild.store.trees import copy_tree

__all__ = ["RootFolder", "folder_name", "folders_of", "is_of_key", "keep_folder", "left_folders", "remove_folder"]

_KEY = "key"
# A file that is there while a step is at work in its folder.
_AT_WORK = "at-work"


class RootFolder:
    """A step's folder at `path` of this machine; the script sees it, and what it refers to, at the paths in `places`.

    places: placeholder name (ROOT, TOOLCHAIN, ...) -> path for the script; programs: command name -> path for the script;
    trees: placeholder name -> tree of the store, for those that are one.
    """

    def __init__(
        self,
        path: Path,
        action: ScriptAction,
        places: Mapping[str, Path],
        programs: Mapping[str, str],
        trees: Mapping[str, Path],
    ) -> None:
        self.path = path
        self.action = action
        # Programs of Windows, and shells there, know slashes, too.
        self._places = {f"@{name}@": place.as_posix() for name, place in {**places, **action.host_paths}.items()}
        self._programs = programs
        self._trees = trees

    def fill(self, key: str, inputs: RootInputs) -> None:
        """Make the folder for the step of that key and put everything in: sources, patches, files, trees, programs, the script."""
        for name in ("bin", "compilers", "deps", "files", "home", "out", "patches", "src", "tmp", "tools"):
            (self.path / name).mkdir(parents=True)
        (self.path / _AT_WORK).touch()
        (self.path / _KEY).write_text(key)
        for name, archive in inputs.archives.items():
            if self.action.packed and archive.is_file():
                (self.path / "src" / name).mkdir()
                shutil.copyfile(archive, self.path / "src" / name / archive.name)
            else:
                unpack_source(archive, self.path / "src" / name)
        for name, content in self.action.patches:
            (self.path / "patches" / name).write_bytes(content)
        for name, content in self.action.files.items():
            target = self.path / "files" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        for folder, trees in (("deps", inputs.deps), ("tools", inputs.tools)):
            for tree in trees:
                copy_tree(tree.path, tree.manifest, self.path / folder)
        self._fill_bin()
        # Bytes: on Windows, texts would get other line ends, which no shell knows.
        (self.path / "build.sh").write_bytes(self.action.script.encode())

    def _fill_bin(self) -> None:
        folder = self.path / "bin"
        for name, place in self._programs.items():
            (folder / name).symlink_to(place)
        for name, command in self.action.wrappers.items():
            words = self._expand(command, shlex.quote)
            text = f'#!/bin/sh\nexec {words} "$@"\n'
            if name in self.action.compilers:
                text = call_text(words, shlex.quote(self._expand(f"@ROOT@/compilers/{name}")))
                _program(self.path / "compilers" / name, compiler_text(words, self._identity(name)))
            _program(folder / name, text)

    def _identity(self, compiler: str) -> str:
        """Return what tells a compiler from another one with the same command line: its version, and the trees that it is made of."""
        command = self.action.wrappers[compiler]
        trees = [f"{name} {tree.parent.name}" for name, tree in self._trees.items() if f"@{name}@" in command]
        return ", ".join([self.action.compilers[compiler], *sorted(trees)])

    def _expand(self, text: str, quote: Callable[[str], str] = str) -> str:
        for placeholder, place in self._places.items():
            text = text.replace(placeholder, quote(place))
        return text

    def environment(self, makeflags: str = "") -> dict[str, str]:
        """Return the whole environment of the script."""
        values = {name: self._expand(value) for name, value in self.action.environment.items()}
        given = self.action.host_variables
        if given:
            path = [str(self.path / "bin"), given["PATH"]]
            values = {**given, **values, "PATH": os.pathsep.join(path)}
        return {**values, "MAKEFLAGS": makeflags} if makeflags else values

    def commands(self) -> list[list[str]]:
        """Return what to run, in this order, in the folder: the patches, then the script."""
        environment = self.environment()
        patch = ["patch", "-d", environment["SRC"], "-p1", "--forward", "--batch", "-i"]
        return [
            *([*patch, f"{environment['ROOT']}/patches/{name}"] for name, _ in self.action.patches),
            ["sh", "-eu", "build.sh"],
        ]

    @property
    def output(self) -> Path:
        """The tree that the script makes."""
        return self.path / self.action.output

    def keep_licenses(self) -> None:
        """Copy the licence files of the source into the result."""
        source = self.path / Path(self.environment()["SRC"]).relative_to(self.environment()["ROOT"])
        for name in self.action.license_files:
            target = self.output / "licenses" / source.name / Path(name).name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, target)


def folder_name(label: str) -> str:
    """Return the name of the folder for a step: the same whatever the key, as it is in the command lines that sccache keeps objects by."""
    return f"{_slug(label)}-{hashlib.sha256(label.encode()).hexdigest()[:12]}"


def is_of_key(folder: Path, key: str) -> bool:
    """Was that folder filled for the step of that key?"""
    try:
        return (folder / _KEY).read_text() == key
    except OSError:
        return False


def keep_folder(path: Path) -> None:
    """Note that a folder is that of a failed step, which a person may want to look into."""
    (path / _AT_WORK).unlink(missing_ok=True)


def left_folders(parent: Path) -> list[Path]:
    """Return the folders in which a step is still at work, or was when its build was killed."""
    return sorted(path.parent for path in parent.glob(f"*/{_AT_WORK}"))


def folders_of(parent: Path, label: str) -> Iterator[Path]:
    """Yield the folders that earlier attempts at a step have left, whatever its key was then."""
    pattern = re.compile(re.escape(_slug(label)) + "-[0-9a-f]{12}")
    for path in parent.iterdir():
        if pattern.fullmatch(path.name):
            yield path


def remove_folder(path: Path) -> None:
    """Delete a tree, also one whose folders a build made read-only."""

    def allow(function: Callable[[str], object], name: str, _: object) -> None:
        os.chmod(os.path.dirname(name), 0o700)
        function(name)

    shutil.rmtree(path, onerror=allow)


def _program(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(text.encode())
    path.chmod(0o755)


def _slug(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9.+_]", "_", label)
