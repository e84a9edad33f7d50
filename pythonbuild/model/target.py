"""Target triples such as x86_64-unknown-linux-gnu, and facts about the running machine."""

from __future__ import annotations

import platform
import shlex
from dataclasses import dataclass
from pathlib import Path

from pythonbuild.model.platforms import PLATFORMS, TargetPlatform

__all__ = ["System", "building_machine", "cpu_flags", "host_system", "host_triple", "system_of"]


def host_triple() -> str:
    """Return the target triple of the running machine.  On Linux, it is the one for glibc."""
    return f"{_cpu()}-{_own_platform().native}"


def building_machine() -> str:
    """Return the running machine's name in targets.yml and toolchains.yml: its CPU, with -darwin or -windows if it is not Linux."""
    return _own_platform().machine(_cpu())


def system_of(machine: str) -> str:
    """Return the operating system of a building machine: linux, darwin or windows."""
    return machine.partition("-")[2] or "linux"


def _own_platform() -> TargetPlatform:
    """Return the platform of this machine; Linux for an unknown system, which host/doctor.py refuses."""
    return next((found for found in PLATFORMS.values() if found.kernel == platform.system()), PLATFORMS["linux"])


def _cpu() -> str:
    machine = platform.machine().lower()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)


@dataclass(frozen=True)
class System:
    """A Linux distribution: ID and VERSION_CODENAME of /etc/os-release, "" if a value is missing."""

    name: str = ""
    codename: str = ""


def host_system(release: Path = Path("/etc/os-release")) -> System:
    """Return the distribution of this machine.  Format of the file: os-release(5), lines of shell assignments."""
    try:
        words = shlex.split(release.read_text(), comments=True)
    except (OSError, ValueError):
        return System()
    values = dict(word.partition("=")[::2] for word in words)
    return System(values.get("ID", ""), values.get("VERSION_CODENAME", ""))


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Return the flags of this machine's CPU, named as Linux names them on x86; empty if the kernel lists none."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return frozenset()
    found = (line.partition(":")[2] for line in lines if line.split(":")[0].strip() == "flags")
    return frozenset(next(found, "").split())
