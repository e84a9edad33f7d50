#!/usr/bin/env python3
"""Measures how long Debian packages take: the first build from nothing, then another micro version.

    python3 benchmarks/package_time.py [--distro NAME] [--first VERSION] [--second VERSION]
        [--keep FOLDER] [flags of build-linux.py]

"From nothing" means an empty store, no sources, and no images of the release; the program deletes those first.  Docker or
Podman must be running.  Prints a row of the table in docs/debian.md.

Run nothing else at the same time: even processes at the lowest priority have made these builds take 1.5 times as long.
A full build takes half an hour.  With --keep, an interrupted command continues after the last finished build.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Measure both builds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--distro", default="debian:trixie")
    parser.add_argument("--first", default="3.13.5")
    parser.add_argument("--second", default="3.13.15")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work in this folder, and keep it")
    known, flags = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="package-time-") as passing:
        folder = known.keep or Path(passing)
        folder.mkdir(exist_ok=True)
        seconds = measured(folder, known.distro, (known.first, known.second), flags)
    columns = [
        f"`{' '.join(['--distro', known.distro, *flags])}`",
        *map(minutes, seconds),
        f"{seconds[1] / seconds[0]:.2f}",
    ]
    print(f"| {' | '.join(columns)} |")
    return 0


def measured(folder: Path, distro: str, versions: tuple[str, ...], flags: list[str]) -> list[float]:
    """Build the packages of each version whose time is not yet noted in the folder; return all times, in seconds."""
    note = folder / "seconds.json"
    times: dict[str, float] = json.loads(note.read_text()) if note.exists() else {}
    if not times:
        forget(distro.partition(":")[2].partition("-")[0])
    for version in versions:
        if version not in times:
            times[version] = build(folder, distro, version, flags)
            note.write_text(json.dumps(times))
    return [times[version] for version in versions]


def forget(release: str) -> None:
    """Delete the images in which packages for a release are built, and their base image."""
    listed = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}"]
    for name in subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split():
        if name.startswith((f"localhost/pythonbuild/deb-{release}:", f"localhost/pythonbuild/base-{release}:")):
            subprocess.run(["docker", "rmi", "--force", name], check=True, capture_output=True)


def build(folder: Path, distro: str, version: str, flags: list[str]) -> float:
    """Build the packages of one version; return the wall time in seconds."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [
        sys.executable,
        str(ROOT / "build-linux.py"),
        "--format",
        "deb",
        "--engine",
        "docker",
        "--distro",
        distro,
    ]
    command += ["--python", f"cpython-{version}", "--output", str(folder / "dist"), *flags]
    started = time.monotonic()
    subprocess.run(command, check=True, env={**kept, "PYTHONBUILD_HOME": str(folder / "cache")})
    return time.monotonic() - started


def minutes(seconds: float) -> str:
    """Return seconds as m:ss."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


if __name__ == "__main__":
    sys.exit(main())
