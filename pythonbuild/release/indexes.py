"""Writes the indexes that clients read before they download a Python, for all releases of a folder.

uv: download-metadata.json (see uv_index.py).
mise: tools/python-precompiled-TRIPLE.gz, one file name per line (get_bytes in src/plugins/core/python.rs of its repository).
pnpm: latest/download/SHA256SUMS (tools.python.mirror in its documentation), which folder.py writes.
People: index.html.
Files have the paths that they would have on GitHub, download/TAG/NAME, because uv, mise and pnpm expect these.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable
from pathlib import Path

from pythonbuild.catalog.load import Catalog
from pythonbuild.release.files import write
from pythonbuild.release.folder import Release, Released
from pythonbuild.release.page import page
from pythonbuild.release.uv_index import uv_index

__all__ = ["write_indexes"]

# The flavours that a client can install.
_FLAVOURS = ("install_only_stripped", "install_only", "full")


def write_indexes(releases: Iterable[Release], folder: Path, base_url: str, catalog: Catalog) -> list[str]:
    """Write all indexes of the releases, and return the paths in the folder of those that changed.

    base_url: the published address of the folder; "" means its local path.  Raises BadArchive for an archive of an unknown target.
    """
    releases = sorted(releases, key=lambda release: release.tag, reverse=True)
    base_url = base_url.rstrip("/") or folder.absolute().as_uri()
    contents = {"download-metadata.json": _for_uv(releases, base_url, catalog), "index.html": page(releases, base_url)}
    contents.update(_for_mise(releases))
    return [name for name, content in contents.items() if write(folder / name, content)]


def _installable(release: Release) -> list[Released]:
    """Return the archives that clients can install; among full archives, the best build comes first."""
    files = [file for file in release.files if file.file.flavour in _FLAVOURS]
    return sorted(files, key=lambda file: ("pgo" not in str(file.options), "lto" not in str(file.options), file.name))


def _for_uv(releases: Iterable[Release], base_url: str, catalog: Catalog) -> bytes:
    found: dict[str, dict[str, object]] = {}
    for release in releases:
        files = _installable(release)
        digests = {file.name: file.sha256 for file in files}
        entries = uv_index((Path(file.name) for file in files), f"{base_url}/download/{release.tag}", catalog, digests)
        found = {**entries, **found}
    return (json.dumps(found, indent=1, sort_keys=True) + "\n").encode()


def _for_mise(releases: Iterable[Release]) -> dict[str, bytes]:
    names: dict[str, list[str]] = {}
    for release in releases:
        for file in release.files:
            # mise chooses one archive of a version, and cannot distinguish the full archive of a debug build from others.
            if file.file.flavour in ("install_only", "install_only_stripped") and file.file.suffix == ".tar.gz":
                names.setdefault(file.file.triple, []).append(file.name)
    return {
        f"tools/python-precompiled-{triple}.gz": _compressed(sorted(listed)) for triple, listed in sorted(names.items())
    }


def _compressed(lines: Iterable[str]) -> bytes:
    """Return the lines compressed with gzip.  gzip.compress() writes a different header from Python 3.11 on."""
    content = io.BytesIO()
    with gzip.GzipFile("", "wb", fileobj=content, mtime=0) as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
    return content.getvalue()
