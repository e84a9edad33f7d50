"""A machine that runs the release makes the packages itself: a container of it plays such a machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

from pythonbuild.home import checkout
from tests.packages.conftest import MAINTAINER, Box, Made


def test_a_machine_of_the_release_makes_the_same_packages(made: Made, box: Box) -> None:
    # What README asks of a machine.
    box.install("ca-certificates", "gcc", "git", "make", "perl", "python3-venv", "python3-pip")
    fetch_wheels(box)
    shutil.copytree(
        checkout(), box.folder / "checkout", ignore=shutil.ignore_patterns(".git", "__pycache__", ".*_cache")
    )
    build = [
        *("env", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=/given/wheels", "PYTHONBUILD_HOME=/home-of-it"),
        *("python3", "/given/checkout/build-linux.py", "--format", "deb", "--engine", "host", "--output", "/given/own"),
        *(f"'{word}'" for word in (*made.flags, "--maintainer", MAINTAINER)),
    ]
    # The first error says what is missing, and its second line is the cure.
    said = box.fails(" ".join(build))
    assert "Traceback" not in said
    cure = re.search(r"^\s*apt-get install (.+)$", said, re.MULTILINE)
    assert cure, said
    box.install(cure[1])
    box.run(" ".join(build))
    for package in made.packages:
        assert (box.folder / "own" / package.name).read_bytes() == package.read_bytes(), package.name


def fetch_wheels(box: Box) -> None:
    """Fetch what pythonbuild is made of, for the release's Python, as the container may not know where this machine's pip looks."""
    version = box.run("python3 -c 'import sys; print(\"%d.%d\" % sys.version_info[:2])'")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(box.folder / "wheels")]
    command += ["--only-binary", ":all:", "--python-version", version, "--require-hashes"]
    subprocess.run([*command, "-r", str(checkout() / "requirements.txt")], check=True, capture_output=True)
