#!/usr/bin/env python3
"""How long do Debian packages take, from nothing, and for another micro version after that?

    python3 benchmarks/package_time.py [--distro NAME] [--first VERSION] [--second VERSION]
        [--keep FOLDER] [flags of build-linux.py]

From nothing means: no image of the release, no base of it, an empty store, no source; Docker or Podman runs already.  Prints a row of
README's table.  The images of that release are deleted first, and made anew.
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


def main() -> int:
    """Measure both builds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--distro", default="debian:trixie")
    parser.add_argument("--first", default="3.13.5")
    parser.add_argument("--second", default="3.13.15")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work in this new folder, and leave all there")
    known, flags = parser.parse_known_args()
    forget(known.distro.partition(":")[2].partition("-")[0])
    with tempfile.TemporaryDirectory(prefix="package-time-") as passing:
        folder = known.keep or Path(passing)
        folder.mkdir(exist_ok=folder == Path(passing))
        seconds = [build(folder, known.distro, version, flags) for version in (known.first, known.second)]
    columns = [
        f"`{' '.join(['--distro', known.distro, *flags])}`",
        *map(minutes, seconds),
        f"{seconds[1] / seconds[0]:.2f}",
    ]
    print(f"| {' | '.join(columns)} |")
    return 0


def forget(release: str) -> None:
    """Delete the images that packages for a release are built in, and their base."""
    listed = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}"]
    for name in subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split():
        if name.startswith((f"localhost/pythonbuild/deb-{release}:", f"localhost/pythonbuild/base-{release}:")):
            subprocess.run(["docker", "rmi", "--force", name], check=True, capture_output=True)


def build(folder: Path, distro: str, version: str, flags: list[str]) -> float:
    """Build the packages of one version; returns the seconds it took."""
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
