"""Target triples such as x86_64-unknown-linux-gnu, and what the running machine is."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

__all__ = ["cpu_flags", "host_triple"]


def host_triple() -> str:
    """Return the target triple of the running machine (glibc assumed on Linux)."""
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    if sys.platform == "darwin":
        return f"{machine}-apple-darwin"
    if sys.platform == "win32":
        return f"{machine}-pc-windows-msvc"
    return f"{machine}-unknown-linux-gnu"


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Return what this machine's CPU can do, in the words of Linux on x86; nothing where the kernel has no such line."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return frozenset()
    found = (line.partition(":")[2] for line in lines if line.split(":")[0].strip() == "flags")
    return frozenset(next(found, "").split())
