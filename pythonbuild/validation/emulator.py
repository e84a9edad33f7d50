"""Start programs for another CPU, or another libc, than this machine's: by qemu-user, from Debian's packages."""

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
    """Let an interpreter start that this machine cannot run: a script that calls the emulator takes its place.

    interpreter: in a tree that may be changed; links are followed.  Returns whether it is emulated.
    root: where libraries of other CPUs are installed (Debian's cross packages), / but in tests.
    Raises MissingPrerequisite, which names the packages, if it takes what is not installed, or a Mac.
    """
    if target is not None and target.macos and sys.platform != "darwin":
        raise MissingPrerequisite(
            f"programs for {target.triple} run on a Mac only",
            "unpack the archive there; `validate` judges it here, too",
        )
    machine = platform.machine()
    if target is None or target.emulator is None or target.gnu == f"{machine}-linux-gnu" or _starts(interpreter):
        return False
    wanted = target.emulator
    libraries = root / wanted.libraries
    if wanted.cpu == machine and (libraries / wanted.loader).exists():
        return False  # all is there: it is for the test to say what is wrong
    name = f"qemu-{wanted.cpu}"
    qemu = shutil.which(f"{name}-static") or shutil.which(name)
    if qemu is None or not (libraries / wanted.loader).exists():
        missing = name if qemu is None and wanted.cpu != machine else libraries / wanted.loader
        raise MissingPrerequisite(
            f"programs for {target.triple} do not run on this machine, and there is no {missing} to run them by",
            _install(wanted.packages),
        )
    real = interpreter.resolve()
    program = real.with_name(f"{real.name}.emulated")
    real.rename(program)
    # The name it was called by is how an interpreter finds its virtual environment.
    emulator = shlex.join([qemu, "-L", str(libraries)])
    real.write_text(f'#!/bin/sh\nexec {emulator} -0 "$0" {shlex.quote(str(program))} "$@"\n')
    real.chmod(0o755)
    return True


def _install(packages: tuple[str, ...]) -> str:
    """Return the command that installs Debian packages, some of them perhaps of another architecture (NAME:ARCHITECTURE)."""
    others = sorted({name.partition(":")[2] for name in packages} - {""})
    first = [f"dpkg --add-architecture {other}" for other in others] + ["apt-get update"] * bool(others)
    return " && ".join([*first, f"apt-get install {' '.join(packages)}"])


def _starts(interpreter: Path) -> bool:
    try:
        return subprocess.run([interpreter, "-I", "-S", "-c", ""], capture_output=True).returncode == 0
    except OSError:
        return False
