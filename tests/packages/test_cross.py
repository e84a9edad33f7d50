"""Tests packages for another CPU, built with Debian's cross compiler and run under qemu-user."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pythonbuild.binaries.debian import read_control
from pythonbuild.home import checkout
from pythonbuild.validation.package_rules import validate_packages
from tests.packages.conftest import MAINTAINER
from tests.required import program
from tests.tested import note_tested

# These tests share one daemon, so one worker runs them.
pytestmark = pytest.mark.xdist_group("docker")


@pytest.mark.needs("qemu-aarch64-static")
def test_packages_for_arm64_run(daemon: None, tmp_path: Path) -> None:
    qemu = program("qemu-aarch64-static")
    command = [sys.executable, str(checkout() / "build-linux.py"), "--format", "deb", "--engine", "docker", "--fast"]
    command += ["--distro", "raspios:trixie", "--target", "aarch64-unknown-linux-gnu"]
    done = subprocess.run(
        [*command, "--maintainer", MAINTAINER, "--output", str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4000:]
    note_tested(tmp_path)
    packages = sorted(tmp_path.glob("*.deb"))
    assert [read_control(package)["Architecture"] for package in packages] == ["arm64", "arm64"]
    assert validate_packages(packages) == {package: [] for package in packages}

    # The image that built them has the release's libraries for that CPU.
    known = ["docker", "images", "localhost/pythonbuild/deb-trixie-arm64", "--format", "{{.Repository}}:{{.Tag}}"]
    image = subprocess.run(known, check=True, capture_output=True, text=True).stdout.split()[0]
    python = f"/qemu /opt/python/python{read_control(packages[0])['Version'][:4]}/bin/python"
    modules = "ssl, sqlite3, ctypes, tkinter, decimal, dbm.gnu, readline, curses, lzma, bz2, uuid, zlib, pyexpat, pip"
    script = f"""
        for package in /given/*.deb; do dpkg-deb --extract "$package" /; done
        {python}3 -c 'import platform, {modules}; print(platform.machine())'
        {python}3t -c 'import sys, {modules}; print(sys._is_gil_enabled())'
        {python}3 -c 'import sysconfig; print(sysconfig.get_config_var("CC"), sysconfig.get_platform())'
    """
    volumes = ["--volume", f"{tmp_path}:/given:ro", "--volume", f"{qemu}:/qemu:ro"]
    said = subprocess.run(
        ["docker", "run", "--rm", *volumes, image, "bash", "-ec", script], capture_output=True, text=True
    )
    assert said.stdout.splitlines() == ["aarch64", "False", "gcc linux-aarch64"], said.stderr
