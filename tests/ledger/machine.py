"""Finds what this machine lacks for a subject's checks, before a build that may take half an hour."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

from pythonbuild.catalog.schema import Target
from tests.ledger.states import Ledger
from tests.ledger.subjects import Subject
from tests.required import LACKS, lacking

__all__ = ["lacking_for"]


def lacking_for(ledger: Ledger, subject: Subject, root: Path = Path("/")) -> list[str]:
    """Return what this machine lacks for a subject's checks, each with its cure.

    root: the folder below which libraries of other CPUs are installed; / but in tests.
    """
    checks = [ledger.check(name) for name in subject.checks]
    needs = sorted({need for check in checks for need in check.needs})
    found = [f"{LACKS[need].what}: {LACKS[need].cure}" for need in needs if need in LACKS and lacking(need)]
    found += [f"there is no {need}: apt-get install {need}" for need in needs if need not in LACKS and not _has(need)]
    target = ledger.catalog.target(subject.target)
    if any(check.runs for check in checks) and not subject.packages and not _can_emulate(target, root):
        packages = " ".join(target.emulator.packages) if target.emulator else ""
        found.append(f"programs for {target.triple} do not run here: apt-get install {packages}")
    return found


def _has(program: str) -> bool:
    return shutil.which(program) is not None


def _can_emulate(target: Target, root: Path) -> bool:
    """Is the emulator of another CPU installed, with its libraries?  Always true for this machine's own CPU."""
    emulator = target.emulator
    if emulator is None or emulator.cpu == platform.machine():
        return True
    qemu = f"qemu-{emulator.cpu}"
    return (_has(f"{qemu}-static") or _has(qemu)) and (root / emulator.libraries / emulator.loader).exists()
