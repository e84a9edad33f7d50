"""A repository for apt: packages, indexes of them, and signatures of the indexes.

The layout is Debian's own (dists/, pool/), so that one folder serves several releases.
Source: https://wiki.debian.org/DebianRepository/Format
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from pythonbuild.binaries.debian import read_control
from pythonbuild.errors import BadRequest
from pythonbuild.release.files import write
from pythonbuild.release.keys import check_key

__all__ = ["apt_repository"]

# The release in the version of a package: 3.13.15-1+trixie1.
_RELEASE = re.compile(r"\+([a-z]+)\d+$")


def apt_repository(packages: Iterable[Path], folder: Path, key: str = "") -> list[str]:
    """Add packages to the repository in `folder`, and return the names of all releases in it.  Creates the folder if needed.

    packages: .deb files; key: the GnuPG key that signs the index of each release.  Without one, users must configure apt to trust the
    repository.  Raises BadRequest if a package names no release or the key cannot sign, BadArchive if a file is not a Debian package,
    and MissingPrerequisite if gpg is not installed.
    """
    if key:
        check_key(key)
    for package in packages:
        fields = read_control(package)
        place = folder / "pool" / _release_of(package, fields["Version"]) / fields["Package"] / package.name
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_name(f".{place.name}.{os.getpid()}")
        shutil.copyfile(package, partial)
        partial.replace(place)
    releases = sorted(path.name for path in (folder / "pool").iterdir() if path.is_dir())
    for release in releases:
        _index(folder, release, key)
    return releases


def _release_of(package: Path, version: str) -> str:
    match = _RELEASE.search(version)
    if not match:
        raise BadRequest(
            f"{package.name} does not name its release: its version is {version}",
            "packages made by pythonbuild have versions such as 3.13.15-1+trixie1",
        )
    return match[1]


def _index(folder: Path, release: str, key: str) -> None:
    """Write dists/RELEASE: first the files that Release refers to, its signatures last."""
    paragraphs: dict[str, list[str]] = {}
    for package in sorted((folder / "pool" / release).rglob("*.deb")):
        fields = read_control(package)
        content = package.read_bytes()
        fields["Filename"] = str(package.relative_to(folder))
        fields["Size"] = str(len(content))
        fields["SHA256"] = hashlib.sha256(content).hexdigest()
        text = "".join(f"{name}: {value}\n" for name, value in fields.items())
        paragraphs.setdefault(fields["Architecture"], []).append(text)
    top = folder / "dists" / release
    written = {}
    for architecture, found in sorted(paragraphs.items()):
        plain = "\n".join(found).encode()
        for name, content in (("Packages", plain), ("Packages.gz", gzip.compress(plain, mtime=0))):
            path = f"main/binary-{architecture}/{name}"
            written[path] = content
            write(top / path, content)
    lines = [
        "Origin: pythonbuild",
        "Label: pythonbuild",
        f"Suite: {release}",
        f"Codename: {release}",
        f"Architectures: {' '.join(sorted(paragraphs))}",
        "Components: main",
        f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}",
        "SHA256:",
        *(f" {hashlib.sha256(content).hexdigest()} {len(content)} {path}" for path, content in written.items()),
    ]
    write(top / "Release", ("\n".join(lines) + "\n").encode())
    for name, how in (("Release.gpg", ["--armor", "--detach-sign"]), ("InRelease", ["--clearsign"])):
        (top / name).unlink(missing_ok=True)
        if key:
            _sign(top / "Release", top / name, key, how)


def _sign(file: Path, signature: Path, key: str, how: list[str]) -> None:
    command = ["gpg", "--batch", "--yes", "--local-user", key, "--output", str(signature), *how, str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise BadRequest(
            f"gpg cannot sign with {key}: {said[-1] if said else 'no reason given'}",
            "the index is unsigned until you run the command again",
        )
