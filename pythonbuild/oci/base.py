"""The base of an image: its configuration and layers, out of what `docker save` writes."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pythonbuild.errors import PythonBuildError

__all__ = ["Base", "read_base"]

_LAYER = "application/vnd.oci.image.layer.v1.tar"
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Base:
    """A saved image: the folder that it was unpacked to, its configuration, and the paths of its layers there."""

    folder: Path
    config: Mapping[str, Any]
    paths: tuple[str, ...]

    def layers(self, blobs: Path) -> list[dict[str, Any]]:
        """Copy the layers, as they are, into a folder of blobs; returns their descriptors, with `diff`: the digest unpacked."""
        found = []
        for path, diff in zip(self.paths, self.config["rootfs"]["diff_ids"]):
            source = self.folder / path
            with open(source, "rb") as file:
                digest = hashlib.sha256(file.read()).hexdigest()
                file.seek(0)
                packed = file.read(2) == _GZIP
            shutil.copyfile(source, blobs / digest)
            kind = f"{_LAYER}+gzip" if packed else _LAYER
            found.append({"mediaType": kind, "digest": f"sha256:{digest}", "size": source.stat().st_size, "diff": diff})
        return found


def read_base(saved: Path, folder: Path) -> Base:
    """Unpack a tar archive of `docker save` into a folder, and return its only image.  Raises PythonBuildError."""
    try:
        with tarfile.open(saved) as tar:
            for member in tar:
                name = Path(member.name)
                if member.isreg() and not name.is_absolute() and ".." not in name.parts:
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    content = tar.extractfile(member)
                    assert content is not None
                    with open(folder / name, "wb") as target:
                        shutil.copyfileobj(content, target)
        (image,) = json.loads((folder / "manifest.json").read_text())
        config = json.loads((folder / image["Config"]).read_text())
        layers = tuple(image["Layers"])
        if len(layers) != len(config["rootfs"]["diff_ids"]):
            raise ValueError("another number of layers than its configuration has")
    except (tarfile.TarError, OSError, ValueError, KeyError) as error:
        raise PythonBuildError(f"the base image that the daemon saved cannot be read: {error}") from error
    return Base(folder, config, layers)
