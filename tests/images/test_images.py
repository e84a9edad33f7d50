"""Container images of Pythons, run by a real daemon."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from pythonbuild.home import checkout, home
from pythonbuild.store.store import Store
from tests.images.conftest import Loaded, base, build
from tests.required import REQUIRED

# One daemon runs them all.
pytestmark = pytest.mark.xdist_group("docker")

_WORKS = """
import bz2, ctypes, decimal, email.mime.text, hashlib, lzma, os, sqlite3, ssl, sys, zlib
assert sqlite3.connect(":memory:").execute("select json('[1]')").fetchone() == ("[1]",)
assert ssl.create_default_context().minimum_version
assert hashlib.sha256(b"abc").hexdigest().startswith("ba7816bf")
print(sys.prefix, os.getuid() != 0, sys.version.split()[0])
"""
_BYTECODE = """
import email.mime.text, os
cached = email.mime.text.__cached__
with open(cached, "rb") as file:
    content = file.read()
named = email.mime.text.__file__ in content.decode("latin-1")
print(os.path.dirname(cached).startswith("/opt/python/lib/python3"), int.from_bytes(content[4:8], "little"), named)
"""


def contents(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isreg()}  # type: ignore[union-attr]


def read(files: dict[str, bytes], digest: str) -> Any:
    return json.loads(files[f"blobs/{digest.replace(':', '/')}"])


def test_its_python_works_for_the_user_of_the_base_or_an_ordinary_one(image: Loaded) -> None:
    version = image.archive.name.split("-")[1]
    assert image.run(_WORKS) == f"/opt/python {image.static} {version}"


def test_it_has_bytecode_that_is_never_checked_against_the_sources(image: Loaded) -> None:
    assert image.run(_BYTECODE) == "True 1 True"


def test_a_static_one_has_nothing_but_python_and_a_place_for_temporary_files(image: Loaded) -> None:
    if not image.static:
        pytest.skip("this image has a base")
    assert (
        image.run("import os; print(*sorted(set(os.listdir('/')) & {'bin', 'usr', 'lib', 'opt', 'tmp'}))") == "opt tmp"
    )
    assert image.run("import pwd, os; print(pwd.getpwuid(os.getuid()).pw_name)") == "nonroot"


def test_the_same_build_gives_the_same_bytes(image: Loaded, tmp_path: Path) -> None:
    store = Store(home() / "store")
    made = [record for record in store.records() if record.identity.startswith("oci-")]
    assert made
    for record in made:
        store.drop(record)
    build(image.command, tmp_path)
    assert (tmp_path / image.archive.name).read_bytes() == image.archive.read_bytes()


def test_it_is_an_image_layout_whose_digests_are_right(image: Loaded) -> None:
    files = contents(image.archive)
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    for name, content in files.items():
        if name.startswith("blobs/"):
            assert name == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"
    (entry,) = json.loads(files["index.json"])["manifests"]
    manifest = read(files, entry["digest"])
    config = read(files, manifest["config"]["digest"])
    layers = [files[f"blobs/{layer['digest'].replace(':', '/')}"] for layer in manifest["layers"]]
    assert [layer["size"] for layer in manifest["layers"]] == list(map(len, layers))
    whole = [gzip.decompress(layer) if layer[:2] == b"\x1f\x8b" else layer for layer in layers]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in whole]
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    assert config["config"]["Labels"]["org.opencontainers.image.version"] == image.archive.name.split("-")[1]


def test_it_carries_its_bill_of_materials(image: Loaded) -> None:
    program = "import json; print(json.load(open('/opt/python/share/sbom.cdx.json'))['bomFormat'])"
    assert image.run(program) == "CycloneDX"


def test_its_provenance_names_the_file(image: Loaded) -> None:
    (statement,) = image.archive.parent.glob("*-oci*.intoto.jsonl")
    told = json.loads(statement.read_text())
    (subject,) = told["subject"]
    definition = told["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["formats"] == ["oci"]
    assert ("base image" in [found["name"] for found in definition["resolvedDependencies"]]) != image.static
    digest = hashlib.sha256(image.archive.read_bytes()).hexdigest()
    assert subject == {"name": image.archive.name, "digest": {"sha256": digest}}


def test_a_base_that_the_daemon_lacks_is_one_clear_error(daemon: None) -> None:
    command = [sys.executable, str(checkout() / "build-linux.py"), "--format", "oci", "--base-image", "nowhere:1"]
    done = subprocess.run([*command, "--engine", "host", "--plan"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "build-linux.py: the container daemon has no image nowhere:1\n  docker pull nowhere:1\n"


def test_a_base_with_another_c_library_is_one_clear_error(daemon: None) -> None:
    command = [sys.executable, str(checkout() / "build-linux.py"), "--format", "oci", "--base-image", base(), "--plan"]
    musl = [*command, "--engine", "host", "--target", "x86_64-unknown-linux-musl"]
    done = subprocess.run(musl, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"the base image {base()} has no /lib/ld-musl-x86_64.so.1" in done.stderr
    glibc = [*command, "--engine", "host", "--target", "x86_64-unknown-linux-gnu"]
    assert subprocess.run(glibc, capture_output=True).returncode == 0


@pytest.mark.parametrize("name", ["skopeo", "podman"])
def test_other_tools_read_it(image: Loaded, name: str) -> None:
    if not shutil.which(name):
        assert name not in REQUIRED, f"{name} is required, and is not installed"
        pytest.skip(f"{name} is not installed: apt-get install {name}")
    command = {
        "skopeo": ["skopeo", "inspect", "--config", f"oci-archive:{image.archive}"],
        "podman": ["podman", "load", "--input", str(image.archive)],
    }
    done = subprocess.run(command[name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
