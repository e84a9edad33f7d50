"""The flags of verbs about this machine: what it lacks, keeps, and does for a cluster.  Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from pythonbuild.flags import read
from pythonbuild.flags.common import Jobs, VerbFlags
from pythonbuild.flags.declared import argument, switch, value

__all__ = [
    "CacheListFlags",
    "CachePruneFlags",
    "CacheSizeFlags",
    "CompletionFlags",
    "DoctorFlags",
    "ImagesFlags",
    "SchedulerFlags",
    "WorkerFlags",
]


@dataclass(frozen=True)
class SchedulerFlags(VerbFlags):
    """The flags of `scheduler`."""

    host: str = value(
        "--host",
        default="127.0.0.1",
        text="the address to listen on; anyone who can reach it can run programs on all workers",
    )
    port: int = value("--port", read=read.port, default=8786, text="the port to listen on; 0 is any free one")


@dataclass(frozen=True)
class WorkerFlags(Jobs, VerbFlags):
    """The flags of `worker`."""

    scheduler: str = argument("dask://HOST:PORT", read=read.scheduler, text="the address that `scheduler` printed")


@dataclass(frozen=True)
class DoctorFlags(VerbFlags):
    """The flags of `doctor`."""

    output: str = value("--output", default="dist", metavar="DIR", text="the folder for archives")


@dataclass(frozen=True)
class CacheListFlags(VerbFlags):
    """The flags of `cache list`."""


@dataclass(frozen=True)
class CacheSizeFlags(VerbFlags):
    """The flags of `cache size`."""


@dataclass(frozen=True)
class CachePruneFlags(VerbFlags):
    """The flags of `cache prune`."""

    days: float = value(
        "--days",
        read=read.days,
        default=30.0,
        metavar="DAYS",
        text="keep results and build roots made in the last DAYS days",
        usual="30",
    )
    dry_run: bool = switch("--dry-run", text="print what would be deleted; delete nothing")
    yes: bool = switch("--yes", text="do not ask before deleting every result")
    sources: bool = switch("--sources", text="also delete source archives that no recipe pins")


@dataclass(frozen=True)
class ImagesFlags(VerbFlags):
    """The flags of `images`."""

    remove: bool = switch("--remove", text="delete all of them; the next build makes what it needs")


@dataclass(frozen=True)
class CompletionFlags(VerbFlags):
    """The flags of `completion`."""

    shell: str = argument("SHELL", choices=("bash", "fish", "zsh"), text="bash, fish or zsh")
