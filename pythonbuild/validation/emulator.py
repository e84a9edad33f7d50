"""Run programs for another CPU or libc than this machine's, with qemu-user from Debian's packages."""

from __future__ import annotations

import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Optional

from pythonbuild.catalog.schema import Target
from pythonbuild.errors import MissingPrerequisite

__all__ = ["make_it_start"]


def make_it_start(interpreter: Path, target: Optional[Target], root: Path = Path("/")) -> bool:
    """If this machine cannot run an interpreter, replace it with a script that calls the emulator.

    interpreter: in a tree that may be modified; links are followed.  Returns whether it is emulated.
    root: where Debian's cross packages install libraries of other CPUs; / except in tests.
    Raises MissingPrerequisite if a Mac is needed, or if packages are missing, which it names.
    """
    if target is not None and target.macos and sys.platform != "darwin":
        raise MissingPrerequisite(
            f"programs for {target.triple} run only on a Mac",
            "unpack the archive on a Mac; `validate` also works on this machine",
        )
    machine = platform.machine()
    if target is None or target.emulator is None or target.gnu == f"{machine}-linux-gnu" or _starts(interpreter):
        return False
    wanted = target.emulator
    libraries = root / wanted.libraries
    if wanted.cpu == machine and (libraries / wanted.loader).exists():
        return False  # nothing is missing: the test will show why it does not start
    name = f"qemu-{wanted.cpu}"
    qemu = shutil.which(f"{name}-static") or shutil.which(name)
    if qemu is None or not (libraries / wanted.loader).exists():
        missing = name if qemu is None and wanted.cpu != machine else libraries / wanted.loader
        raise MissingPrerequisite(
            f"this machine cannot run programs for {target.triple}: {missing} is missing",
            _install(wanted.packages),
        )
    real = interpreter.resolve()
    program = real.with_name(f"{real.name}.emulated")
    real.rename(program)
    # An interpreter finds its virtual environment through argv[0], so the script passes on its own.
    emulator = shlex.join([qemu, "-L", str(libraries)])
    real.write_text(f'#!/bin/sh\nexec {emulator} -0 "$0" {shlex.quote(str(program))} "$@"\n')
    real.chmod(0o755)
    return True


def _install(packages: tuple[str, ...]) -> str:
    """Return the command that installs Debian packages; NAME:ARCHITECTURE is a package for another architecture."""
    others = sorted({name.partition(":")[2] for name in packages} - {""})
    first = [f"dpkg --add-architecture {other}" for other in others] + ["apt-get update"] * bool(others)
    return " && ".join([*first, f"apt-get install {' '.join(packages)}"])


def _starts(interpreter: Path) -> bool:
    try:
        return subprocess.run([interpreter, "-I", "-S", "-c", ""], capture_output=True).returncode == 0
    except OSError:
        return False
