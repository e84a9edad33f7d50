#!/usr/bin/env python3
"""Measures the time and memory that validating, converting and packing take.

    python3 benchmarks/archive_time.py ARCHIVE [--release]

ARCHIVE is a full archive.  --release also packs it with the compression level of releases, which takes minutes.  The program
restarts itself in pythonbuild's own virtual environment.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def verb(*words: str) -> tuple[float, int]:
    """Run a verb; returns its wall seconds and its peak resident memory in bytes."""
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "pythonbuild", *words], cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        sys.exit(f"{' '.join(words)} failed")
    return time.monotonic() - started, usage.ru_maxrss * 1024


def pack(archive: Path, folder: Path, hard: bool) -> None:
    """Pack the full archive's content once more, and print time and size."""
    from pythonbuild.packaging.archives import Compression, full_archive

    started = time.monotonic()
    target = folder / "packed.tar.zst"
    full_archive(folder / "tree", target, Compression(".tar.zst", hard, len(os.sched_getaffinity(0))))
    seconds = time.monotonic() - started
    ratio = target.stat().st_size / archive.stat().st_size
    print(
        f"full archive, {'hard' if hard else 'fast'}   {seconds:6.1f} s, {ratio:.2f} times the size of the one given",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--release", action="store_true")
    arguments = parser.parse_args()
    if sys.prefix == sys.base_prefix:
        from pythonbuild import bootstrap

        python = bootstrap.virtual_environment("requirements.txt") / "bin" / "python"
        os.execv(python, [str(python), *sys.argv])
    archive = arguments.archive.absolute()
    with tempfile.TemporaryDirectory(prefix="pythonbuild-benchmark-") as folder:
        for name, words in (
            ("validate", ["validate", str(archive)]),
            ("install_only", ["convert", "--formats", "install_only", "--output", folder, str(archive)]),
            ("stripped", ["convert", "--formats", "install_only_stripped", "--output", folder, str(archive)]),
        ):
            seconds, memory = verb(*words)
            print(f"{name:20} {seconds:6.1f} s, {memory / 1e6:.0f} MB", flush=True)
        from pythonbuild.binaries.archive import unpack

        unpack(archive, Path(folder) / "tree")
        pack(archive, Path(folder), hard=False)
        if arguments.release:
            pack(archive, Path(folder), hard=True)


if __name__ == "__main__":
    main()
