"""Engine `host`: a private folder and a scrubbed environment on this machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Optional

from pythonbuild.engines.base import JobProtocol, RootInputs, ScriptResult, job_protocol
from pythonbuild.engines.folder import RootFolder, folder_name, folders_of, is_of_key, remove_folder
from pythonbuild.engines.sccache.cache import Compilations, CompilerCache
from pythonbuild.engines.sccache.host import HostServer
from pythonbuild.host.doctor import HOST_TOOLS, find_program
from pythonbuild.model.target import building_machine, system_of
from pythonbuild.plan.step import ScriptAction

__all__ = ["HostEngine", "HostRoot", "make_version"]

_GRACE = 2.0  # seconds between asking processes to end and killing them


class HostEngine:
    """Makes build roots below a folder of this machine."""

    name = "host"

    def __init__(self, folder: Path, cache: Optional[CompilerCache] = None) -> None:
        self._folder = folder
        self._server = HostServer(cache) if cache and not _on_windows() else None
        self.job_protocol: JobProtocol = "none" if _on_windows() else job_protocol(make_version())

    def makeflags(self, given: str, fifo: Optional[Path]) -> str:
        """Return the value of MAKEFLAGS for scripts: the given one."""
        return given

    def describe(self) -> str:
        """Return one line that describes the engine."""
        return self.name

    def overhead(self) -> float:
        """Return 0: starting a process takes no time worth counting."""
        return 0.0

    def close(self) -> None:
        """Stop sccache's server, if it runs."""
        if self._server:
            self._server.close()

    def compilations(self) -> Compilations:
        """Return how many compilations the cache has answered so far."""
        return self._server.compilations() if self._server else Compilations()

    def open(self, label: str, key: str, action: ScriptAction, inputs: RootInputs) -> HostRoot:
        """Return a fresh root; remove what an earlier attempt at the same step left, also its processes."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for old in folders_of(self._folder, label):
            end_processes(old)
            remove_folder(old)
        launcher = self._server.variables() if self._server and action.compilers else {}
        root = HostRoot(self._folder / folder_name(label), action, inputs.references, launcher)
        root.folder.fill(key, inputs)
        return root

    def existing(
        self, label: str, key: str, action: ScriptAction, references: Mapping[str, Path]
    ) -> Optional[HostRoot]:
        """Return the root that a failed run left of that step, None if there is none."""
        path = self._folder / folder_name(label)
        return HostRoot(path, action, references) if is_of_key(path, key) else None


class HostRoot:
    """One step's private folder."""

    def __init__(
        self,
        path: Path,
        action: ScriptAction,
        references: Mapping[str, Path],
        launcher: Optional[Mapping[str, str]] = None,
    ) -> None:
        self.path = path
        self._launcher = launcher or {}
        places = {"ROOT": path, "PYTHON": Path(sys.executable), **references}
        # On Windows, the variables of Visual C++ name the folders of programs.
        self.folder = RootFolder(path, action, places, {} if _on_windows() else _programs(), references)
        self._running: Optional[subprocess.Popen[bytes]] = None
        self._cancelled = threading.Event()

    def run(self, makeflags: str, inherited: tuple[int, ...], output: Callable[[str], None]) -> ScriptResult:
        """Apply the patches and run the script, up to the first command that fails.

        The CPU seconds exclude those of sccache's server, which runs compilers for the script.
        """
        cpu = 0.0
        environment = {**self.folder.environment(makeflags), **self._launcher}
        for command in self.folder.commands():
            result = self._run(command, environment, inherited, output)
            cpu += result.cpu_seconds
            if result.status:
                return ScriptResult(result.status, cpu)
        self.folder.keep_licenses()
        return ScriptResult(0, cpu)

    def _run(
        self, command: list[str], environment: dict[str, str], inherited: tuple[int, ...], output: Callable[[str], None]
    ) -> ScriptResult:
        shell = self.folder.action.host_paths.get("SH")
        program = str(shell) if shell and command[0] == "sh" else find_program(command[0]) or command[0]
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
        ended: list[tuple[int, float]] = []
        waiter = threading.Thread(target=lambda: ended.append(_wait(process)), daemon=True)
        waiter.start()
        if self._cancelled.is_set():
            self.cancel()
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                output(line.decode("utf-8", "replace").rstrip("\n"))
        waiter.join()
        self._running = None
        return ScriptResult(*ended[0])

    def result(self) -> Path:
        """Return the tree that the script made."""
        return self.folder.output

    def cancel(self) -> None:
        """End all processes of the root: first with SIGTERM, then by force."""
        self._cancelled.set()
        process = self._running
        if process is not None:
            if _on_windows():
                subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True)
                process.kill()
                return
            _signal_group(process.pid, signal.SIGTERM)
            deadline = time.monotonic() + _GRACE
            while self._running is process and time.monotonic() < deadline:
                time.sleep(0.02)
            _signal_group(process.pid, signal.SIGKILL)
        end_processes(self.path)

    def shell(self) -> int:
        """Open the user's shell in the root, with variables of the script and of the terminal; return its exit status."""
        environment = self.folder.environment()
        # A user wants an editor and a pager, which the script must not see: the host's PATH follows the root's.
        environment["PATH"] += os.pathsep + os.environ.get("PATH", os.defpath)
        environment.update({name: os.environ[name] for name in ("TERM", "COLORTERM", "DISPLAY") if name in os.environ})
        environment["PS1"] = f"[{self.path.name}] \\w \\$ "
        shell = self.folder.action.host_paths.get("SH") or os.environ.get("SHELL", "/bin/sh")
        return subprocess.run([str(shell)], cwd=self.path, env=environment).returncode

    def discard(self) -> None:
        """Delete the root."""
        remove_folder(self.path)

    def close(self) -> None:
        """Do nothing: this root holds its folder only."""


def _programs() -> dict[str, str]:
    """Return those programs of the allow-list that the host has."""
    found = {name: find_program(name) for name in HOST_TOOLS}
    return {**{name: place for name, place in found.items() if place}, "python3": sys.executable}


def make_version() -> tuple[int, int]:
    """Return the version of the machine's GNU make, (0, 0) if it has none."""
    make = find_program("make")
    said = subprocess.run([make, "--version"], capture_output=True, text=True).stdout if make else ""
    match = re.search(r"GNU Make (\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _on_windows() -> bool:
    return system_of(building_machine()) == "windows"


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, float]:
    """Wait for a process; then end what it left in its group, which would keep the output open forever.

    Returns its exit status and the CPU seconds of all its processes, 0 on Windows, which does not report them.
    """
    if _on_windows():
        return process.wait(), 0.0
    _, status, usage = os.wait4(process.pid, 0)
    _signal_group(process.pid, signal.SIGKILL)
    process.returncode = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
    return process.returncode, usage.ru_utime + usage.ru_stime


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        pass


def end_processes(root: Path) -> None:
    """Kill every process whose environment names this root.  Works on Linux only, with /proc."""
    mark = f"\0ROOT={root}\0".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in b"\0" + (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
        except OSError:
            continue
