"""An index of archives for uv, for its setting python-downloads-json-url.

Source: uv's own list, crates/uv-python/download-metadata.json in its repository; tried with uv 0.13.8.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Optional
from urllib.parse import quote

from pythonbuild.catalog.load import Catalog
from pythonbuild.errors import BadArchive
from pythonbuild.model.naming import ArchiveName
from pythonbuild.sources.cache import sha256_of

__all__ = ["uv_index"]

# The build options that uv's keys name; builds with any others count as the usual one of their version.
_VARIANTS = {"freethreaded", "debug"}


def uv_index(
    archives: Iterable[Path], base_url: str, catalog: Catalog, digests: Optional[Mapping[str, str]] = None
) -> dict[str, dict[str, object]]:
    """Return {key: entry} for install_only, install_only_stripped and full archives.

    base_url: the published address of their folder; "" means their local paths (file://); digests: file name -> SHA-256, where known.
    Of several archives with the same key, the smallest flavour counts: stripped, then install_only, then full.  Static builds are left
    out, because they load no wheel with C code.  Raises BadArchive if a file is not named like an archive of a known target.
    """
    found: dict[str, tuple[int, dict[str, object]]] = {}
    for path in archives:
        name = ArchiveName(path.name)
        rank = ("install_only_stripped", "install_only", "full").index(name.flavour)
        if name.triple not in catalog.targets:
            raise BadArchive(f"{path.name} is for {name.triple}, which is not in targets.yml")
        if "static" in str(name.options).split("+"):
            continue
        digest = (digests or {}).get(path.name) or sha256_of(path)
        key, entry = _entry(path, name, base_url, catalog, digest)
        if key not in found or rank < found[key][0]:
            found[key] = (rank, entry)
    return {key: found[key][1] for key in sorted(found)}


def _entry(
    path: Path, name: ArchiveName, base_url: str, catalog: Catalog, digest: str
) -> tuple[str, dict[str, object]]:
    target = catalog.target(name.triple)
    variant = "+".join(sorted(_VARIANTS & set(str(name.options).split("+")), reverse=True)) or None
    family = target.names.uv or target.arch
    # The libc, with its float ABI if there are two: gnueabi, gnueabihf.
    system, libc = "linux", target.triple.rsplit("-", 1)[1]
    if target.macos or target.windows:
        system, libc = "darwin" if target.macos else "windows", "none"
    described = f"{family}_{target.level}-{libc}" if target.level else f"{family}-{libc}"
    key = f"cpython-{name.python}{f'+{variant}' if variant else ''}-{system}-{described}"
    entry = {
        "name": "cpython",
        "arch": {"family": family, "variant": target.level or None},
        "os": system,
        "libc": libc,
        "major": name.python.major,
        "minor": name.python.minor,
        "patch": name.python.micro,
        "prerelease": name.python.prerelease,
        "url": f"{base_url.rstrip('/')}/{quote(path.name)}" if base_url else path.absolute().as_uri(),
        "sha256": digest,
        "variant": variant,
        "build": name.tag if re.fullmatch(r"\d{8}", name.tag) else None,
    }
    return key, entry
