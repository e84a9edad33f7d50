"""What the runner expects of an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Optional, Protocol

from pythonbuild.engines.sccache import Compilations
from pythonbuild.plan.step import ScriptAction
from pythonbuild.store.trees import TreeEntry

__all__ = ["BuildRoot", "Engine", "JobProtocol", "RootInputs", "ScriptResult", "StoredTree", "job_protocol"]

# How GNU make is told of a job server: a pipe with a name, or two descriptors, by the word for them since 4.2 or the one before; or not
# at all, where there is no GNU make.
JobProtocol = Literal["fifo", "auth", "fds", "none"]


@dataclass(frozen=True)
class StoredTree:
    """A tree of the store, by where it lies and what is in it."""

    path: Path
    manifest: tuple[TreeEntry, ...]


@dataclass(frozen=True)
class RootInputs:
    """What a build root is filled with: archives to unpack (by source name), trees to merge into deps and tools, and
    trees that are only referred to (placeholder name -> tree), such as the toolchain's."""

    archives: Mapping[str, Path]
    deps: tuple[StoredTree, ...]
    tools: tuple[StoredTree, ...]
    references: Mapping[str, Path]


@dataclass(frozen=True)
class ScriptResult:
    """How a script ended: its exit status (0: well) and the CPU seconds of all its processes."""

    status: int
    cpu_seconds: float


class BuildRoot(Protocol):
    """A private place for one step."""

    path: Path

    def run(self, makeflags: str, inherited: tuple[int, ...], output: Callable[[str], None]) -> ScriptResult:
        """Run the step's script; `output` gets each line; `inherited`: file descriptors that children keep."""

    def result(self) -> Path:
        """Return the tree that the script made."""

    def cancel(self) -> None:
        """End all processes of the root; may be called from another thread."""

    def shell(self) -> int:
        """Open an interactive shell with the script's environment; returns its exit status."""

    def discard(self) -> None:
        """Delete the root."""

    def close(self) -> None:
        """Let go of all but the folder, which stays for a person to look into."""


class Engine(Protocol):
    """Makes build roots."""

    name: str
    # How its makes are told of a job server.
    job_protocol: JobProtocol

    def makeflags(self, given: str, fifo: Optional[Path]) -> str:
        """Return MAKEFLAGS for scripts.  given: those of the run's job server on this machine; fifo: its pipe, if named."""

    def describe(self) -> str:
        """Return a line about it for people."""

    def overhead(self) -> float:
        """Return the seconds that the engine itself has taken so far, besides the scripts; over all steps."""

    def compilations(self) -> Compilations:
        """Return how many objects scripts have compiled so far, and how many of them came out of the cache of sccache."""

    def close(self) -> None:
        """Let go of what a run has used."""

    def open(self, label: str, key: str, action: ScriptAction, inputs: RootInputs) -> BuildRoot:
        """Return a fresh root for a step, filled with its inputs.  `label` and `key` make its name."""

    def existing(
        self, label: str, key: str, action: ScriptAction, references: Mapping[str, Path]
    ) -> Optional[BuildRoot]:
        """Return the root of a step that failed, if it is still there."""


def job_protocol(make: tuple[int, int]) -> JobProtocol:
    """Return how a GNU make of that version is told of a job server; macOS has 3.81."""
    return "fifo" if make >= (4, 4) else "auth" if make >= (4, 2) else "fds"
