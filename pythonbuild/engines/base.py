"""The interface between the runner and its engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Optional, Protocol

from pythonbuild.engines.sccache.cache import Compilations
from pythonbuild.plan.step import ScriptAction
from pythonbuild.store.trees import TreeEntry

__all__ = ["BuildRoot", "Engine", "JobProtocol", "RootInputs", "ScriptResult", "StoredTree", "job_protocol"]

# How GNU make finds the job server: a named pipe; two descriptors, in --jobserver-auth (since 4.2) or --jobserver-fds; not at all
# without GNU make.
JobProtocol = Literal["fifo", "auth", "fds", "none"]


@dataclass(frozen=True)
class StoredTree:
    """A tree of the store: its path and its content."""

    path: Path
    manifest: tuple[TreeEntry, ...]


@dataclass(frozen=True)
class RootInputs:
    """What a build root is filled with.

    archives: source name -> archive to unpack; deps, tools: trees to merge into the folders of these names; references:
    placeholder name -> tree that stays where it is, such as the toolchain's.
    """

    archives: Mapping[str, Path]
    deps: tuple[StoredTree, ...]
    tools: tuple[StoredTree, ...]
    references: Mapping[str, Path]


@dataclass(frozen=True)
class ScriptResult:
    """A script's exit status, and the CPU seconds of all its processes."""

    status: int
    cpu_seconds: float


class BuildRoot(Protocol):
    """A private folder for one step."""

    path: Path

    def run(self, makeflags: str, inherited: tuple[int, ...], output: Callable[[str], None]) -> ScriptResult:
        """Run the step's script.

        makeflags: the value of MAKEFLAGS; inherited: file descriptors that children keep; output: gets each line.
        """

    def result(self) -> Path:
        """Return the tree that the script made."""

    def cancel(self) -> None:
        """End all processes of the root.  Another thread may call this."""

    def shell(self) -> int:
        """Open an interactive shell with the script's environment; return its exit status."""

    def discard(self) -> None:
        """Delete the root."""

    def close(self) -> None:
        """Release everything except the folder, which stays for inspection."""


class Engine(Protocol):
    """Makes build roots."""

    name: str
    # How make finds the job server in its roots.
    job_protocol: JobProtocol

    def makeflags(self, given: str, fifo: Optional[Path]) -> str:
        """Return the value of MAKEFLAGS for scripts.

        given: the value for processes of this machine; fifo: the job server's pipe, if it has a name.
        """

    def describe(self) -> str:
        """Return one line that describes the engine."""

    def overhead(self) -> float:
        """Return the seconds that the engine has taken so far for itself, not for scripts, over all steps."""

    def compilations(self) -> Compilations:
        """Return how many compilations scripts have requested so far, and how many sccache's cache answered."""

    def close(self) -> None:
        """Release what the run has used."""

    def open(self, label: str, key: str, action: ScriptAction, inputs: RootInputs) -> BuildRoot:
        """Return a fresh root for a step, filled with its inputs.  label: names the folder; key: the step's."""

    def existing(
        self, label: str, key: str, action: ScriptAction, references: Mapping[str, Path]
    ) -> Optional[BuildRoot]:
        """Return the root that a failed step left, None if it is gone."""


def job_protocol(make: tuple[int, int]) -> JobProtocol:
    """Return how a GNU make of that version finds the job server; macOS has 3.81."""
    return "fifo" if make >= (4, 4) else "auth" if make >= (4, 2) else "fds"
