"""A release of real archives: signed, sent to a bucket, read by a person's browser, and installed from by uv."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pythonbuild.home import checkout
from tests.distribution.conftest import Built, clean_environment
from tests.required import program

if sys.version_info < (3, 10):
    pytest.skip("moto is not for Python 3.9", allow_module_level=True)

from tests.bucket import BucketServer, bucket_server

UV = str(Path(sys.executable).with_name("uv"))


@pytest.fixture
def server() -> Iterator[BucketServer]:
    with bucket_server() as running:
        yield running


def release(folder: Path, *flags: str, status: int = 0, typed: str = "", **variables: str) -> str:
    """Run the verb; returns what it says."""
    command = [sys.executable, "-m", "pythonbuild", "release", str(folder), *flags]
    environment = {**os.environ, **variables}
    done = subprocess.run(command, cwd=checkout(), env=environment, input=typed, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def published(built: Built, server: BucketServer, tmp_path: Path) -> Path:
    """The folder of a release that was sent to the bucket."""
    folder = tmp_path / "release"
    flags = ["--output", str(folder), "--to", server.to, "--base-url", server.base_url]
    release(built.archives, *flags, **server.variables)
    return folder


def request(built: Built) -> str:
    """Return how uv is asked for the build."""
    version = json.loads((built.full / "python/PYTHON.json").read_text())["python_version"]
    wanted = [name for name in ("freethreaded", "debug") if name in built.options]
    return "+".join([version, *wanted])


def test_uv_installs_it_from_the_bucket_with_one_setting(
    built: Built, published: Path, server: BucketServer, tmp_path: Path
) -> None:
    environment = clean_environment(
        HOME=str(tmp_path / "home"), UV_PYTHON_DOWNLOADS_JSON_URL=f"{server.base_url}/download-metadata.json"
    )
    python = request(built)
    commands = [["install", "--no-bin", python], ["find", "--managed-python", python]]
    for command in commands:
        done = subprocess.run([UV, "python", *command], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    interpreter = Path(done.stdout.strip())
    assert tmp_path / "home" in interpreter.parents
    said = subprocess.run(
        [interpreter, "-c", "import ssl; print(6 * 7)"], env=environment, capture_output=True, text=True
    )
    assert said.stdout == "42\n", said.stderr


def test_a_browser_shows_every_file_and_loads_nothing_from_elsewhere(
    published: Path, server: BucketServer, tmp_path: Path
) -> None:
    log = tmp_path / "net.json"
    command = [program("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={log}", "--dump-dom"]
    page = f"{server.base_url}/index.html"
    done = subprocess.run(
        [*command, page], env=clean_environment(HOME=str(tmp_path)), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    shown = done.stdout
    (sums,) = (published / "download").glob("*/SHA256SUMS")
    files = [line.split("  ") for line in sums.read_text().splitlines()]
    assert len(files) >= 5
    for digest, name in files:
        assert f"<code>{digest}</code>" in shown
        assert f'href="download/{sums.parent.name}/{name.replace("+", "%2B")}"' in shown
        assert server.get(f"download/{sums.parent.name}/{name}").ok
    assert f'href="download/{sums.parent.name}/SHA256SUMS"' in shown
    assert f"UV_PYTHON_DOWNLOADS_JSON_URL={server.base_url}/download-metadata.json" in shown
    assert not re.search(r"<(script|link rel=.?stylesheet|img|iframe)", shown)
    events = json.loads(log.read_text())["events"]
    asked = {event["params"]["url"] for event in events if "url" in event.get("params", {})}
    assert page in asked
    assert {url for url in asked if not url.startswith((server.base_url, "data:", "chrome:"))} == set()


def test_sums_are_signed_by_minisign(built: Built, tmp_path: Path) -> None:
    minisign = program("minisign")
    for name, typed in (("plain", ""), ("locked", "a password\na password\n")):
        make = [minisign, "-G", "-f", "-s", f"{name}.key", "-p", f"{name}.pub", *([] if typed else ["-W"])]
        subprocess.run(make, cwd=tmp_path, input=typed, capture_output=True, text=True, check=True)
        folder = tmp_path / name
        flags = ["--output", str(folder), "--sign", f"minisign:{tmp_path}/{name}.key"]
        release(built.archives, *flags, typed=typed[:11])
        (sums,) = (folder / "download").glob("*/SHA256SUMS")
        verify = [minisign, "-V", "-p", f"{name}.pub", "-m", str(sums)]
        assert subprocess.run(verify, cwd=tmp_path, capture_output=True).returncode == 0
        assert "nothing changed" in release(built.archives, *flags, typed=typed[:11])
    assert "cannot sign" in release(built.archives, *flags, typed="another\n", status=2)
    (tmp_path / "empty").touch()
    assert "cannot sign" in release(built.archives, *flags[:3], f"minisign:{tmp_path}/empty", status=2)
    assert "no secret key" in release(built.archives, *flags[:3], f"minisign:{tmp_path}/nowhere", status=2)


def test_sums_are_signed_by_gpg(built: Built, tmp_path: Path) -> None:
    gpg = program("gpg")
    # A socket's path has to be short.
    home = tempfile.mkdtemp(prefix="gpg-", dir="/tmp")
    variables = {"GNUPGHOME": home}
    try:
        make = [gpg, "--batch", "--passphrase", "", "--quick-generate-key", "Ada <ada@example.org>", "ed25519", "sign"]
        subprocess.run(make, env={**os.environ, **variables}, capture_output=True, check=True)
        flags = ["--output", str(tmp_path / "release"), "--sign", "gpg:ada@example.org"]
        release(built.archives, *flags, **variables)
        (sums,) = (tmp_path / "release/download").glob("*/SHA256SUMS")
        verify = [gpg, "--batch", "--verify", f"{sums}.asc", str(sums)]
        assert subprocess.run(verify, env={**os.environ, **variables}, capture_output=True).returncode == 0
        signature = Path(f"{sums}.asc").read_bytes()
        assert "nothing changed" in release(built.archives, *flags, **variables)
        assert Path(f"{sums}.asc").read_bytes() == signature
        assert "gpg knows no secret key" in release(built.archives, "--sign", "gpg:nobody", status=2, **variables)
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env={**os.environ, **variables}, capture_output=True)
        shutil.rmtree(home)
