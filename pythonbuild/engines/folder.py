"""The folder behind a build root: what every engine puts into it.

PATH consists of the root's bin/: the compiler wrappers of the step, an allow-list of programs, and Python.  The pinned
compilers search their own sysroot only, so the machine's headers, libraries and settings have no effect.
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

__all__ = [
    "RootFolder",
    "folder_name",
    "folders_of",
    "is_of_key",
    "keep_folder",
    "kept_folders",
    "left_folders",
    "remove_folder",
]

_KEY = "key"
# This file exists while a step runs in its folder.
_AT_WORK = "at-work"


class RootFolder:
    """A step's folder at `path` of this machine; its script may see it at another path, in a container.

    places: placeholder name (ROOT, TOOLCHAIN, ...) -> path that the script sees; programs: command name -> path that the
    script sees; trees: placeholder name -> tree of the store.
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
        # Programs and shells on Windows accept slashes, too.
        self._places = {f"@{name}@": place.as_posix() for name, place in {**places, **action.host_paths}.items()}
        self._programs = programs
        self._trees = trees

    def fill(self, key: str, inputs: RootInputs) -> None:
        """Create the folder for the step of that key, with sources, patches, files, trees, programs and the script."""
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
        # Bytes: Windows would write line ends that no shell accepts.
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
        """Return what distinguishes compilers with the same command line: the version, and the trees that contain it."""
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
        """Return the commands to run in the folder: one for each patch, then the script."""
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
    """Return the name of a step's folder.  It does not depend on the key: sccache's keys contain command lines, and these the name."""
    return f"{_slug(label)}-{hashlib.sha256(label.encode()).hexdigest()[:12]}"


def is_of_key(folder: Path, key: str) -> bool:
    """Return whether that folder was filled for the step of that key."""
    try:
        return (folder / _KEY).read_text() == key
    except OSError:
        return False


def keep_folder(path: Path) -> None:
    """Mark a folder as that of a failed step, which stays for inspection."""
    (path / _AT_WORK).unlink(missing_ok=True)


def left_folders(parent: Path) -> list[Path]:
    """Return the folders in which a step runs, or ran when its build was killed."""
    return sorted(path.parent for path in parent.glob(f"*/{_AT_WORK}"))


def kept_folders(parent: Path) -> list[Path]:
    """Return the folders of failed steps, in which nothing runs."""
    return sorted(path.parent for path in parent.glob(f"*/{_KEY}") if not (path.parent / _AT_WORK).exists())


def folders_of(parent: Path, label: str) -> Iterator[Path]:
    """Yield the folders that earlier attempts at a step have left, whatever their key."""
    pattern = re.compile(re.escape(_slug(label)) + "-[0-9a-f]{12}")
    for path in parent.iterdir():
        if pattern.fullmatch(path.name):
            yield path


def remove_folder(path: Path) -> None:
    """Delete a tree, even if a build made its folders read-only."""

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
