"""Releases Pythons for two targets to one bucket, from which uv installs both."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from pythonbuild.home import checkout

if sys.version_info < (3, 10):
    pytest.skip("moto does not support Python 3.9", allow_module_level=True)

from tests.bucket import bucket_server
from tests.tested import note_tested

UV = str(Path(sys.executable).with_name("uv"))
TARGETS = ("x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl")


def run(command: list[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(command, cwd=checkout(), env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def test_uv_installs_pythons_of_two_targets_with_one_setting(tmp_path: Path) -> None:
    words = [word for target in TARGETS for word in ("--target", target)]
    build = [sys.executable, "build-linux.py", "--engine", "host", *words, "--output", str(tmp_path)]
    run(build, os.environ)
    note_tested(tmp_path)
    with bucket_server() as server:
        release = [sys.executable, "-m", "pythonbuild", "release", str(tmp_path)]
        said = run([*release, "--to", server.to, "--base-url", server.base_url], {**os.environ, **server.variables})
        archives = [line for line in said.splitlines() if line.startswith("sent") and ".tar." in line]
        assert len(archives) == 6
        home = tmp_path / "home"
        clean = {"PATH": os.environ["PATH"], "HOME": str(home)}
        clean["UV_PYTHON_DOWNLOADS_JSON_URL"] = f"{server.base_url}/download-metadata.json"
        for libc in ("gnu", "musl"):
            run([UV, "python", "install", "--no-bin", f"cpython-3.13-linux-x86_64-{libc}"], clean)
            (python,) = (home / ".local/share/uv/python").glob(f"cpython-3.13.*-linux-x86_64-{libc}/bin/python3.13")
            assert libc == "gnu" or Path("/lib/ld-musl-x86_64.so.1").exists(), "Debian's package musl is missing"
            text = run([str(python), "-c", "import ssl, sysconfig; print(sysconfig.get_platform())"], clean)
            assert text == "linux-x86_64\n"
