"""Releases real archives: signs them, uploads them to a bucket, opens the page in a browser, and installs with uv."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
import requests

from pythonbuild.home import checkout
from tests.build.conftest import wait_until
from tests.distribution.conftest import Built, clean_environment
from tests.required import program

if sys.version_info < (3, 10):
    pytest.skip("moto does not support Python 3.9", allow_module_level=True)

from tests.bucket import BucketServer, bucket_server

# These tests are about files, whichever Python is in them.
ONE_BUILD = True
UV = str(Path(sys.executable).with_name("uv"))


@pytest.fixture
def server() -> Iterator[BucketServer]:
    with bucket_server() as running:
        yield running


def release(
    folder: Path, *flags: str, status: int = 0, typed: str = "", variables: Optional[dict[str, str]] = None
) -> str:
    """Run `pythonbuild release`; returns its output."""
    command = [sys.executable, "-m", "pythonbuild", "release", str(folder), *flags]
    environment = {**os.environ, **(variables or {})}
    done = subprocess.run(command, cwd=checkout(), env=environment, input=typed, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def published(built: Built, server: BucketServer, tmp_path: Path) -> Path:
    """The folder of a release that was uploaded to the bucket."""
    folder = tmp_path / "release"
    flags = ["--output", str(folder), "--to", server.to, "--base-url", server.base_url]
    release(built.archives, *flags, variables=server.variables)
    return folder


def request(built: Built) -> str:
    """Return the version request that selects the build in uv."""
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


def browse(page: str, folder: Path) -> tuple[str, set[str]]:
    """Return the page as the browser renders it, and the addresses that the page made the browser load."""
    log = folder / "net.json"
    command = [program("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += [f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}", "--dump-dom", page]
    environment = clean_environment(HOME=str(folder))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told = [event["params"] for event in json.loads(log.read_text())["events"] if "params" in event]
    assert page in {params.get("url") for params in told}
    # Requests that the browser makes for itself do not have the page as their initiator.
    return done.stdout, {params["url"] for params in told if page.startswith(params.get("initiator", " "))}


@pytest.mark.needs("chromium")
def test_a_browser_shows_every_file_and_loads_nothing_else(
    published: Path, server: BucketServer, tmp_path: Path
) -> None:
    shown, loaded = browse(f"{server.base_url}/index.html", tmp_path)
    assert loaded == set()
    (sums,) = (published / "download").glob("*/SHA256SUMS")
    files = [line.split("  ") for line in sums.read_text().splitlines()]
    assert len(files) >= 3
    for digest, name in files:
        assert f"<code>{digest}</code>" in shown
        assert f'href="download/{sums.parent.name}/{name.replace("+", "%2B")}"' in shown
        assert server.get(f"download/{sums.parent.name}/{name}").ok
    assert f'href="download/{sums.parent.name}/SHA256SUMS"' in shown
    assert f"UV_PYTHON_DOWNLOADS_JSON_URL={server.base_url}/download-metadata.json" in shown
    # Show that this test would notice: remove the page's policy, and add a picture from elsewhere.
    elsewhere = f"http://localhost:{server.port}/picture.png"
    spoilt = shown.replace("Content-Security-Policy", "x").replace("</main>", f'<img src="{elsewhere}"></main>')
    requests.put(
        f"{server.base_url}/spoilt.html", data=spoilt.encode(), headers={"Content-Type": "text/html"}, timeout=30
    )
    assert browse(f"{server.base_url}/spoilt.html", tmp_path)[1] == {elsewhere}


@pytest.mark.needs("minisign")
def test_minisign_signs_the_sums(built: Built, tmp_path: Path) -> None:
    minisign = program("minisign")
    folder = tmp_path / "release"

    def sign(key: str, **more: Any) -> str:
        return release(built.archives, "--output", str(folder), "--sign", f"minisign:{tmp_path / key}", **more)

    for name, password in (("plain", ""), ("locked", "a password\n")):
        make = [minisign, "-G", "-f", "-s", f"{name}.key", "-p", f"{name}.pub", *([] if password else ["-W"])]
        subprocess.run(make, cwd=tmp_path, input=2 * password, capture_output=True, text=True, check=True)
        assert "changed  " in sign(f"{name}.key", typed=password)
        (sums,) = (folder / "download").glob("*/SHA256SUMS")
        for place in (sums, folder / "latest/download/SHA256SUMS"):
            verify = [minisign, "-V", "-p", f"{name}.pub", "-m", str(place)]
            assert subprocess.run(verify, cwd=tmp_path, capture_output=True).returncode == 0
    assert "cannot sign" in sign("locked.key", typed="another password\n", status=2)
    assert "changed  " in sign("plain.key")
    assert "nothing changed" in sign("plain.key")
    (tmp_path / "empty").touch()
    assert "cannot sign" in sign("empty", status=2)
    assert "nowhere does not exist" in sign("nowhere", status=2)


@pytest.mark.needs("gpg")
def test_gpg_signs_the_sums(built: Built, tmp_path: Path) -> None:
    gpg = program("gpg")
    # gpg's agent creates sockets in this folder, whose paths must be short.
    home = tempfile.mkdtemp(prefix="gpg-", dir="/tmp")
    variables = {"GNUPGHOME": home}
    try:
        make = [gpg, "--batch", "--passphrase", "", "--quick-generate-key", "Ada <ada@example.org>", "ed25519", "sign"]
        subprocess.run(make, env={**os.environ, **variables}, capture_output=True, check=True)
        flags = ["--output", str(tmp_path / "release"), "--sign", "gpg:ada@example.org"]
        release(built.archives, *flags, variables=variables)
        (sums,) = (tmp_path / "release/download").glob("*/SHA256SUMS")
        verify = [gpg, "--batch", "--verify", f"{sums}.asc", str(sums)]
        assert subprocess.run(verify, env={**os.environ, **variables}, capture_output=True).returncode == 0
        signature = Path(f"{sums}.asc").read_bytes()
        assert "nothing changed" in release(built.archives, *flags, variables=variables)
        assert Path(f"{sums}.asc").read_bytes() == signature
        assert "gpg does not have the secret key" in release(
            built.archives, "--sign", "gpg:nobody", status=2, variables=variables
        )
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env={**os.environ, **variables}, capture_output=True)
        # The agent deletes its sockets when it ends.
        wait_until(lambda: not list(Path(home).glob("S.gpg-agent*")), "the agent ends")
        shutil.rmtree(home)
