"""Moves the debug information of an installation into separate files, which a debugger finds by build ID.

gdb looks for .build-id/ab/cdef.debug below its debug-file-directory.  Source: GDB manual, "Separate Debug Files".
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pythonbuild.binaries.elf import elf_files
from pythonbuild.errors import PythonBuildError

__all__ = ["SYMBOLS", "strip_installation"]

# The folder of the symbols in the installation.  In gdb: `set debug-file-directory PREFIX/lib/debug`.
SYMBOLS = "lib/debug/.build-id"


def strip_installation(
    install: Path, stripped: Path, symbols: Path, objcopy: Path, threads: int, say: Callable[[str], None]
) -> None:
    """Copy an installation to `stripped` without its debug information, and write that below `symbols`.  Creates both folders.

    objcopy: the program of that name for the installation's platform; threads: how many files to strip at a time; say: reports
    progress, one line per call.  Raises PythonBuildError if a file has no build ID or objcopy fails.
    """
    shutil.copytree(install, stripped, symlinks=True)
    symbols.mkdir(parents=True)
    files = list(elf_files(stripped))
    with ThreadPoolExecutor(threads) as pool:
        sizes = list(pool.map(lambda file: _split(file, symbols, objcopy), files))
    before, after = (sum(column) for column in zip(*sizes))
    say(f"{len(files)} files stripped, {before / 1e6:.0f} MB to {after / 1e6:.0f} MB")


def _split(file: Path, symbols: Path, objcopy: Path) -> tuple[int, int]:
    """Strip a file in place; return its size in bytes before and after."""
    before = file.stat().st_size
    name = build_id(file, objcopy)
    target = symbols / SYMBOLS / name[:2] / f"{name[2:]}.debug"
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = file.stat().st_mode
    file.chmod(mode | 0o200)
    for flags in (["--only-keep-debug", str(file), str(target)], ["--strip-debug", str(file)]):
        done = subprocess.run([str(objcopy), *flags], capture_output=True, text=True)
        if done.returncode:
            raise PythonBuildError(f"{objcopy.name} could not strip {file.name}: {done.stderr.strip()}")
    target.chmod(0o644)
    file.chmod(mode)
    return before, file.stat().st_size


def build_id(file: Path, objcopy: Path) -> str:
    """Return the build ID of an ELF file in hexadecimal; raises PythonBuildError if it has none."""
    # With objcopy, because LIEF reads a whole interpreter into memory several times for these 20 bytes.
    with tempfile.NamedTemporaryFile() as note:
        command = [str(objcopy), "-O", "binary", "--only-section=.note.gnu.build-id", str(file), note.name]
        subprocess.run(command, capture_output=True)
        content = Path(note.name).read_bytes()
    if content[12:16] != b"GNU\0":
        raise PythonBuildError(f"{file.name} has no build ID, so a debugger could not find its symbols")
    return content[16:].hex()
