"""Engine `host`: a private folder and a scrubbed environment on this machine.

A root's bin/ is all of PATH: the compiler wrappers of the step, an allow-list of the host's programs, and Python.  The pinned
compilers look into their own sysroot only, so nothing of the host's headers, libraries or settings gets in.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Optional

from pythonbuild.doctor import HOST_TOOLS
from pythonbuild.engines.base import RootInputs, ScriptResult
from pythonbuild.engines.unpack import unpack_source
from pythonbuild.plan.step import ScriptAction
from pythonbuild.store.trees import copy_tree

__all__ = ["HostEngine", "HostRoot"]

_GRACE = 2.0  # seconds between asking processes to end and killing them


class HostEngine:
    """Makes build roots below a folder of this machine."""

    name = "host"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, label: str, key: str, action: ScriptAction, inputs: RootInputs) -> HostRoot:
        """Return a fresh root; what an earlier attempt at the same step left, also running processes, is removed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for old in self._roots_of(label):
            end_processes(old)
            _remove(old)
        root = HostRoot(self._path(label, key), action, inputs.references)
        root.fill(inputs)
        return root

    def existing(
        self, label: str, key: str, action: ScriptAction, references: Mapping[str, Path]
    ) -> Optional[HostRoot]:
        """Return the root of that step if a failed run left it."""
        path = self._path(label, key)
        return HostRoot(path, action, references) if path.is_dir() else None

    def _path(self, label: str, key: str) -> Path:
        return self._folder / f"{_slug(label)}-{key[:12]}"

    def _roots_of(self, label: str) -> Iterator[Path]:
        pattern = re.compile(re.escape(_slug(label)) + "-[0-9a-f]{12}")
        for path in self._folder.iterdir():
            if pattern.fullmatch(path.name):
                yield path


class HostRoot:
    """One step's private folder."""

    def __init__(self, path: Path, action: ScriptAction, references: Mapping[str, Path]) -> None:
        self.path = path
        self._action = action
        places = {"ROOT": path, **references, **action.host_paths}
        self._places = {f"@{name}@": str(place) for name, place in places.items()}
        self._running: Optional[subprocess.Popen[bytes]] = None
        self._cancelled = threading.Event()

    def fill(self, inputs: RootInputs) -> None:
        """Make the folder and put everything in: sources, patches, files, trees, programs, the script."""
        for name in ("bin", "deps", "files", "home", "out", "patches", "src", "tmp", "tools"):
            (self.path / name).mkdir(parents=True)
        for name, archive in inputs.archives.items():
            unpack_source(archive, self.path / "src" / name)
        for name, content in self._action.patches:
            (self.path / "patches" / name).write_bytes(content)
        for name, content in self._action.files.items():
            target = self.path / "files" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        for folder, trees in (("deps", inputs.deps), ("tools", inputs.tools)):
            for tree in trees:
                copy_tree(tree.path, tree.manifest, self.path / folder)
        self._fill_bin()
        (self.path / "build.sh").write_text(self._action.script)

    def _fill_bin(self) -> None:
        programs = self.path / "bin"
        for name in HOST_TOOLS:
            found = shutil.which(name)
            if found:
                (programs / name).symlink_to(found)
        (programs / "python3").symlink_to(sys.executable)
        for name, command in self._action.wrappers.items():
            wrapper = programs / name
            wrapper.unlink(missing_ok=True)
            wrapper.write_text(f'#!/bin/sh\nexec {self._expand(command)} "$@"\n')
            wrapper.chmod(0o755)

    def _expand(self, text: str) -> str:
        for placeholder, place in self._places.items():
            text = text.replace(placeholder, place)
        return text

    def environment(self, makeflags: str) -> dict[str, str]:
        """Return the whole environment of the script."""
        values = {name: self._expand(value) for name, value in self._action.environment.items()}
        return {**values, "MAKEFLAGS": makeflags} if makeflags else values

    def run(self, makeflags: str, inherited: tuple[int, ...], output: Callable[[str], None]) -> ScriptResult:
        """Apply the patches and run the script; the first command that fails ends it."""
        source = self.environment("")["SRC"]
        commands = [
            ["patch", "-d", source, "-p1", "--forward", "--batch", "-i", f"{self.path}/patches/{name}"]
            for name, _ in self._action.patches
        ]
        commands.append(["sh", "-eu", "build.sh"])
        cpu = 0.0
        for command in commands:
            result = self._run(command, self.environment(makeflags), inherited, output)
            cpu += result.cpu_seconds
            if result.status:
                return ScriptResult(result.status, cpu)
        self._keep_licenses()
        return ScriptResult(0, cpu)

    def _run(
        self, command: list[str], environment: dict[str, str], inherited: tuple[int, ...], output: Callable[[str], None]
    ) -> ScriptResult:
        program = shutil.which(command[0]) or command[0]
        process = subprocess.Popen(
            [program, *command[1:]],
            cwd=self.path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=inherited,
        )
        self._running = process
        ended: list[tuple[int, resource.struct_rusage]] = []
        waiter = threading.Thread(target=lambda: ended.append(_wait(process.pid)), daemon=True)
        waiter.start()
        if self._cancelled.is_set():
            self.cancel()
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                output(line.decode("utf-8", "replace").rstrip("\n"))
        waiter.join()
        status, usage = ended[0]
        process.returncode = status  # reaped by wait4, which also tells the CPU time
        self._running = None
        return ScriptResult(status, usage.ru_utime + usage.ru_stime)

    def _keep_licenses(self) -> None:
        for name in self._action.license_files:
            source = Path(self.environment("")["SRC"])
            target = self.result() / "licenses" / source.name / Path(name).name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, target)

    def result(self) -> Path:
        """Return the tree that the script made."""
        return self.path / self._action.output

    def cancel(self) -> None:
        """End all processes of the root: first by asking, then by force."""
        self._cancelled.set()
        process = self._running
        if process is not None:
            _signal_group(process.pid, signal.SIGTERM)
            deadline = time.monotonic() + _GRACE
            while self._running is process and time.monotonic() < deadline:
                time.sleep(0.02)
            _signal_group(process.pid, signal.SIGKILL)
        end_processes(self.path)

    def shell(self) -> int:
        """Open the user's shell in the root, with the script's environment and the terminal's own."""
        environment = self.environment("")
        # A person wants an editor and a pager, which the script must not see: the host's PATH comes after the root's.
        environment["PATH"] += os.pathsep + os.environ.get("PATH", os.defpath)
        environment.update({name: os.environ[name] for name in ("TERM", "COLORTERM", "DISPLAY") if name in os.environ})
        environment["PS1"] = f"[{self.path.name}] \\w \\$ "
        return subprocess.run([os.environ.get("SHELL", "/bin/sh")], cwd=self.path, env=environment).returncode

    def discard(self) -> None:
        """Delete the root."""
        _remove(self.path)


def _wait(pid: int) -> tuple[int, resource.struct_rusage]:
    """Wait for a process; then end what it left in its group, as that would keep the output open for ever."""
    _, status, usage = os.wait4(pid, 0)
    _signal_group(pid, signal.SIGKILL)
    return (os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)), usage


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        pass


def end_processes(root: Path) -> None:
    """Kill every process whose environment says that it belongs to this root (Linux: read from /proc)."""
    mark = f"\0ROOT={root}\0".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in b"\0" + (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
        except OSError:
            continue


def _remove(path: Path) -> None:
    """Delete a tree, also one whose folders a build made read-only."""

    def allow(function: Callable[[str], object], name: str, _: object) -> None:
        os.chmod(os.path.dirname(name), 0o700)
        function(name)

    shutil.rmtree(path, onerror=allow)


def _slug(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9.+_]", "_", label)
