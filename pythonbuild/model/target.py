"""Target triples such as x86_64-unknown-linux-gnu."""

from __future__ import annotations

import platform
import sys

__all__ = ["host_triple"]


def host_triple() -> str:
    """Return the target triple of the running machine (glibc assumed on Linux)."""
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    if sys.platform == "darwin":
        return f"{machine}-apple-darwin"
    if sys.platform == "win32":
        return f"{machine}-pc-windows-msvc"
    return f"{machine}-unknown-linux-gnu"
