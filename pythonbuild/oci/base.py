"""The base of an image: its configuration and layers, read from an archive of `docker save`."""

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
# The compression of a layer -> its first bytes.
_PACKED = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}


@dataclass(frozen=True)
class Base:
    """A saved image: the folder with its unpacked files, its configuration, and the paths of its layers in that folder."""

    folder: Path
    config: Mapping[str, Any]
    paths: tuple[str, ...]

    def history(self) -> list[Any]:
        """Return the history of the image, with an added entry for each layer that has none."""
        found = list(self.config.get("history") or ())
        told = sum(not entry.get("empty_layer") for entry in found)
        return [*found, *({"created_by": "unknown"} for _ in self.paths[told:])]

    def layers(self, blobs: Path) -> list[dict[str, Any]]:
        """Copy the layers unchanged into a folder of blobs; return their descriptors, with the uncompressed digest as `diff`."""
        found = []
        for path, diff in zip(self.paths, self.config["rootfs"]["diff_ids"]):
            source = self.folder / path
            with open(source, "rb") as file:
                digest = hashlib.sha256(file.read()).hexdigest()
                file.seek(0)
                start = file.read(4)
            shutil.copyfile(source, blobs / digest)
            kind = next((f"{_LAYER}+{name}" for name, magic in _PACKED.items() if start.startswith(magic)), _LAYER)
            found.append({"mediaType": kind, "digest": f"sha256:{digest}", "size": source.stat().st_size, "diff": diff})
        return found


def read_base(saved: Path, folder: Path) -> Base:
    """Unpack an archive of `docker save` into a folder, and return its only image.  Raises PythonBuildError if that fails."""
    try:
        with tarfile.open(saved) as tar:
            for member in tar:
                name = Path(member.name)
                # Older versions of Docker write a repeated layer as a link; tarfile reads the file behind it.
                content = tar.extractfile(member) if member.isreg() or member.issym() else None
                if content and not name.is_absolute() and ".." not in name.parts:
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    with open(folder / name, "wb") as target:
                        shutil.copyfileobj(content, target)
        (image,) = json.loads((folder / "manifest.json").read_text())
        config = json.loads((folder / image["Config"]).read_text())
        layers = tuple(image["Layers"])
        if len(layers) != len(config["rootfs"]["diff_ids"]) or not all((folder / layer).is_file() for layer in layers):
            raise ValueError("it lacks layers")
    except (tarfile.TarError, OSError, ValueError, KeyError, TypeError) as error:
        raise PythonBuildError(f"the base image that the daemon saved cannot be read: {error}") from error
    return Base(folder, config, layers)
