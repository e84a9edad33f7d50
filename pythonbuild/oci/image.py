"""Writes one image: a layer with an installation and its bytecode, on a given base or on none.  Equal inputs give equal bytes.

Source: https://github.com/opencontainers/image-spec, version 1.1.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

from pythonbuild.errors import PythonBuildError
from pythonbuild.oci.base import Base
from pythonbuild.packaging.members import install_only_members

__all__ = ["PREFIX", "TIME", "Facts", "Platform", "as_json", "write_image"]

# The folder of Python in an image.
PREFIX = "opt/python"
# The user of images without a base; other images keep the base's user.
_USER = 65532
_FILES = {
    "etc/passwd": f"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:{_USER}:{_USER}:nonroot:/home/nonroot:/sbin/nologin\n",
    "etc/group": f"root:x:0:\nnonroot:x:{_USER}:\n",
}
_FOLDERS = {"home/nonroot": (0o700, _USER), "tmp": (0o1777, 0)}
TIME = 1704067200  # 2024-01-01 00:00 UTC, as for archives
_CREATED = "2024-01-01T00:00:00Z"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
# An entry of a layer: its header, and the path of its content or the content itself.
_Entry = tuple[tarfile.TarInfo, Union[Path, bytes]]


@dataclass(frozen=True)
class Platform:
    """The system and CPU of an image, with Go's names, e.g. linux, arm, v7."""

    os: str
    architecture: str
    variant: str = ""

    def json(self) -> dict[str, str]:
        """Return the object for a configuration or an index, without empty fields."""
        found = {"architecture": self.architecture, "os": self.os, "variant": self.variant}
        return {name: text for name, text in found.items() if text}


@dataclass(frozen=True)
class Facts:
    """The facts for an image's configuration and tag.

    python: CPython's version; options: of the build, e.g. pgo+lto; base: the name of the base for tags, "" for none.
    """

    python: str
    options: str
    platform: Platform
    base: str = ""

    @property
    def tag(self) -> str:
        """The name that `docker load` gives the image.  A tag cannot contain "+", so options are joined by "-"."""
        parts = [
            self.python,
            self.options.replace("+", "-"),
            self.platform.architecture,
            self.platform.variant,
            self.base,
        ]
        return f"localhost/pythonbuild/cpython:{'-'.join(filter(None, parts))}"


def write_image(
    install: Path, bill: Path, facts: Facts, base: Optional[Base], compiler: Sequence[str], output: Path
) -> None:
    """Write blobs/ and image.json, which describes the manifest, into the empty folder `output`.

    install: the installation; bill: the file with its SBOM; base: None for an image without one; compiler: the start of a command that
    runs compileall of the same CPython.  Raises PythonBuildError if the standard library does not compile.
    """
    root = output / "root"
    _copy(install, root / PREFIX)
    shutil.copyfile(bill, root / PREFIX / "share" / bill.name)
    _compile(root, compiler)
    blobs = output / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    layers = [*(base.layers(blobs) if base else ()), _layer(root, base is None, blobs)]
    shutil.rmtree(root)
    config = _blob(blobs, as_json(_config(facts, base, [layer["diff"] for layer in layers])), _CONFIG)
    listed = [{name: layer[name] for name in ("mediaType", "digest", "size")} for layer in layers]
    manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": listed}
    descriptor = {**_blob(blobs, as_json(manifest), _MANIFEST), "platform": facts.platform.json()}
    # Read by `docker load` of versions that do not know OCI layouts.
    docker = {
        "Config": _path(config["digest"]),
        "RepoTags": [facts.tag],
        "Layers": [_path(layer["digest"]) for layer in listed],
    }
    (output / "image.json").write_bytes(as_json({"descriptor": descriptor, "docker": docker}))


def _copy(install: Path, target: Path) -> None:
    """Copy the files that the install_only archives contain."""
    for path, name in install_only_members(install):
        place = target / name.partition("/")[2]
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place, follow_symlinks=False)
    (target / "share").mkdir(exist_ok=True)


def _compile(root: Path, compiler: Sequence[str]) -> None:
    """Compile the standard library, with the paths that its files have in the image."""
    # Bytecode depends on the hash seed and on what its process compiled before, so one process compiles in sorted order.
    command = [*compiler, "-q", "--invalidation-mode", "unchecked-hash", "-s", str(root), "-p", "/"]
    folder = next((root / PREFIX / "lib").glob("python3.*"))
    variables = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONHASHSEED": "0"}
    done = subprocess.run([*command, str(folder)], cwd=root, env=variables, capture_output=True, text=True)
    if done.returncode:
        raise PythonBuildError(f"the standard library could not be compiled: {(done.stdout + done.stderr)[-1000:]}")


def _layer(root: Path, alone: bool, blobs: Path) -> dict[str, Any]:
    """Write the layer, and return its descriptor; alone: add the files that an image without a base needs."""
    whole = hashlib.sha256()
    partial = blobs / "layer"
    with (
        open(partial, "wb") as file,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=_Hashed(packed, whole), mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for info, path in _entries(root, alone):
            if isinstance(path, Path) and info.isreg():
                with open(path, "rb") as content:
                    tar.addfile(info, content)
            else:
                tar.addfile(info, io.BytesIO(path) if isinstance(path, bytes) else None)
    digest = hashlib.sha256(partial.read_bytes()).hexdigest()
    partial.rename(blobs / digest)
    size = (blobs / digest).stat().st_size
    return {
        "mediaType": f"{_LAYER}+gzip",
        "digest": f"sha256:{digest}",
        "size": size,
        "diff": f"sha256:{whole.hexdigest()}",
    }


class _Hashed(io.RawIOBase):
    """A stream that hashes all data written to it."""

    def __init__(self, stream: gzip.GzipFile, digest: Any) -> None:
        self._stream, self._digest = stream, digest

    def write(self, data: Any) -> int:
        self._digest.update(data)
        return self._stream.write(data)


def _entries(root: Path, alone: bool) -> Iterator[_Entry]:
    """Yield the entries of the layer, including folders, sorted by name."""
    found: dict[str, _Entry] = {}
    for path in root.rglob("*"):
        info = tarfile.TarInfo(path.relative_to(root).as_posix())
        if path.is_symlink():
            info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
        elif path.is_dir():
            info.type, info.mode = tarfile.DIRTYPE, 0o755
        else:
            status = path.stat()
            info.size, info.mode = status.st_size, 0o755 if status.st_mode & 0o111 else 0o644
        found[info.name] = info, path
    for name, text in _FILES.items() if alone else ():
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(text), 0o644
        found[name] = info, text.encode()
    for name, (mode, user) in _FOLDERS.items() if alone else ():
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.uid, info.gid = tarfile.DIRTYPE, mode, user, user
        found[name] = info, b""
    parents = {parent.as_posix() for each in found for parent in Path(each).parents} - {"."}
    for name in parents:
        info = tarfile.TarInfo(name)
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        found.setdefault(name, (info, b""))
    for name in sorted(found):
        found[name][0].mtime = TIME
        yield found[name]


def _config(facts: Facts, base: Optional[Base], diffs: Sequence[str]) -> dict[str, Any]:
    """Return the image's configuration: that of the base, with this Python first on PATH."""
    inherited: Mapping[str, Any] = base.config.get("config") or {} if base else {}
    variables = dict(text.partition("=")[::2] for text in inherited.get("Env") or ())
    variables["PATH"] = f"/{PREFIX}/bin:{variables.get('PATH', '/usr/local/bin:/usr/bin:/bin')}"
    variables.setdefault("LANG", "C.UTF-8")
    labels = {
        **(inherited.get("Labels") or {}),
        "org.opencontainers.image.title": "CPython",
        "org.opencontainers.image.version": facts.python,
        "org.opencontainers.image.description": f"CPython {facts.python} ({facts.options}), built by pythonbuild",
        "org.opencontainers.image.source": "https://github.com/python/cpython",
        "pythonbuild.options": facts.options,
        "pythonbuild.sbom": f"/{PREFIX}/share/sbom.cdx.json",
    }
    own = {"created": _CREATED, "created_by": f"pythonbuild: CPython {facts.python} ({facts.options})"}
    return {
        "created": _CREATED,
        **facts.platform.json(),
        "config": {
            **inherited,
            "User": inherited.get("User", "") if base else f"{_USER}:{_USER}",
            "Env": [f"{name}={text}" for name, text in sorted(variables.items())],
            "Cmd": ["python3"],
            "WorkingDir": inherited.get("WorkingDir") or "/",
            "Labels": dict(sorted(labels.items())),
        },
        "rootfs": {"type": "layers", "diff_ids": list(diffs)},
        "history": [*(base.history() if base else ()), own],
    }


def as_json(value: object) -> bytes:
    """Return JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _blob(blobs: Path, content: bytes, kind: str) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    (blobs / digest).write_bytes(content)
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}


def _path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
