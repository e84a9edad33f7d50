"""Packs images into one tar archive: an OCI image layout, which `docker load`, `podman load` and `skopeo` read."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pythonbuild.oci.image import TIME, as_json

__all__ = ["pack"]

_INDEX = "application/vnd.oci.image.index.v1+json"
_VERSION = "1.0.0"


def pack(images: Sequence[Path], name: str, target: Path) -> None:
    """Write an archive of images; several images become one index of platforms.

    images: folders that `write_image` has filled; name: the reference by which tools find the image or index in the layout;
    target: the archive.
    """
    described = [json.loads((folder / "image.json").read_text()) for folder in images]
    blobs = {path.name: path for folder in images for path in (folder / "blobs" / "sha256").iterdir()}
    made: dict[str, bytes] = {}
    first: dict[str, Any] = described[0]["descriptor"]
    if len(images) > 1:
        index = as_json(
            {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [each["descriptor"] for each in described]}
        )
        digest = hashlib.sha256(index).hexdigest()
        made[digest] = index
        first = {"mediaType": _INDEX, "digest": f"sha256:{digest}", "size": len(index)}
    annotated = {**first, "annotations": {"org.opencontainers.image.ref.name": name}}
    files = {
        "index.json": as_json({"schemaVersion": 2, "mediaType": _INDEX, "manifests": [annotated]}),
        "manifest.json": as_json([each["docker"] for each in described]),
        "oci-layout": as_json({"imageLayoutVersion": _VERSION}),
        **{f"blobs/sha256/{digest}": content for digest, content in made.items()},
    }
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for folder in ("blobs", "blobs/sha256"):
            info = _info(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)
        for path in sorted([*files, *(f"blobs/sha256/{digest}" for digest in blobs)]):
            info = _info(path)
            if path in files:
                info.size = len(files[path])
                tar.addfile(info, io.BytesIO(files[path]))
            else:
                source = blobs[path.rpartition("/")[2]]
                info.size = source.stat().st_size
                with open(source, "rb") as content:
                    tar.addfile(info, content)


def _info(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mtime, info.mode = TIME, 0o644
    return info
