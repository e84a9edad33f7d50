"""Sends a folder of releases to a bucket, in an order in which readers find every file that another one names.

A file is there already if its size and the SHA-256 in its metadata are equal.  A listing contains only sizes and ETags, and the ETag
of a file that was sent in parts or is encrypted is not a hash of its content.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import obstore

from pythonbuild.errors import BadRequest
from pythonbuild.release.bucket import Bucket, asking
from pythonbuild.release.folder import SUMS, Release, describe
from pythonbuild.release.sign import SUFFIXES
from pythonbuild.sources.cache import sha256_of

__all__ = ["Difference", "Upload", "compare", "published", "send", "uploads"]

_FOREVER = "public, max-age=31536000, immutable"
_SHORT = "public, max-age=300"
_TYPES = {
    ".tar.gz": "application/gzip",
    ".gz": "application/gzip",
    ".tar.zst": "application/zstd",
    ".cdx.json": "application/vnd.cyclonedx+json",
    ".intoto.jsonl": "application/vnd.in-toto+json",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
    ".asc": "application/pgp-signature",
}
# The first stage of sending sums and their signatures.
_SIGNED = 2
# The size of the parts in which larger files are sent, in bytes.
_PART = 16 << 20


@dataclass(frozen=True)
class Upload:
    """A file to send: its name in the bucket, its path, its size in bytes, and its SHA-256."""

    name: str
    path: Path
    size: int
    sha256: str

    @property
    def immutable(self) -> bool:
        """True if its name contains version and tag, so that it never changes."""
        return self.path.name.startswith("cpython-")

    @property
    def cache_control(self) -> str:
        """How long caches may keep it, as an HTTP header."""
        return _FOREVER if self.immutable else _SHORT

    @property
    def content_type(self) -> str:
        """Its media type."""
        return next((kind for end, kind in _TYPES.items() if self.name.endswith(end)), "text/plain; charset=utf-8")

    @property
    def attributes(self) -> dict[str, str]:
        """The headers and metadata that the bucket keeps with it."""
        return {"Content-Type": self.content_type, "Cache-Control": self.cache_control, "sha256": self.sha256}


def uploads(folder: Path, latest: bool = True) -> list[Upload]:
    """Return the files of a folder of releases in the order of sending: archives, indexes, signatures, sums, then those in latest/.

    latest: True if its newest release is the newest of all, so that latest/ must be sent.
    """
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    names = {path.relative_to(folder).as_posix(): path for path in found}
    ordered = sorted(
        (name for name in names if latest or not name.startswith("latest/")), key=lambda name: (_stage(name), name)
    )
    return [Upload(name, names[name], names[name].stat().st_size, sha256_of(names[name])) for name in ordered]


def _stage(name: str) -> int:
    last = name.rpartition("/")[2]
    if last.startswith("cpython-"):
        return 0
    if not last.startswith(SUMS):
        return 1
    return _SIGNED + 2 * name.startswith("latest/") + (last == SUMS)


def _listing(bucket: Bucket) -> dict[str, int]:
    """Return {name: bytes} of all files in the bucket."""
    with asking(bucket, "listing its files"):
        return {str(item["path"]): int(item["size"]) for part in obstore.list(bucket.store) for item in part}


def published(bucket: Bucket, without: Collection[str]) -> list[Release]:
    """Return the complete releases of a bucket, which have sums, except those with a tag of `without`.

    Raises UploadFailed if the bucket cannot be read, and BadArchive as `describe` does.
    """
    sizes: dict[str, dict[str, int]] = {}
    for name, size in _listing(bucket).items():
        words = name.split("/")
        if len(words) == 3 and words[0] == "download" and words[1] not in without:
            sizes.setdefault(words[1], {})[words[2]] = size

    def read(tag: str, name: str) -> bytes:
        with asking(bucket, f"reading {name}"):
            return bytes(obstore.get(bucket.store, f"download/{tag}/{name}").bytes())

    return [describe(tag, files, partial(read, tag)) for tag, files in sizes.items() if SUMS in files]


@dataclass(frozen=True)
class Difference:
    """The files of a folder that a bucket lacks, in the order of sending.

    stale: signatures in the bucket that the folder lacks, of sums that will be replaced.
    """

    missing: tuple[Upload, ...]
    stale: tuple[str, ...]


def compare(bucket: Bucket, wanted: Iterable[Upload], replace: bool = False) -> Difference:
    """Return how the bucket differs from the `wanted` files, without sending anything.

    replace: accept any difference.  Raises BadRequest if `replace` is False, and the bucket has other content under a name that never
    changes, or more files of these releases; UploadFailed if the bucket cannot be read.
    """
    there = _listing(bucket)
    wanted = list(wanted)
    missing = [upload for upload in wanted if not _same(bucket, upload, there)]
    names = {upload.name for upload in wanted}
    if not replace:
        _refuse(bucket, [upload.name for upload in missing if upload.immutable and upload.name in there], names, there)
    stale = {upload.name + end for upload in missing if upload.path.name == SUMS for end in SUFFIXES.values()} - names
    return Difference(tuple(missing), tuple(sorted(stale & set(there))))


def _refuse(bucket: Bucket, conflicts: list[str], names: Collection[str], there: Collection[str]) -> None:
    """Raise BadRequest if files cannot be published beside those of the bucket."""
    if conflicts:
        raise BadRequest(
            f"{bucket.address} has different files with these names: {', '.join(conflicts)}",
            "a published file must not change: use another --tag, or --replace if nobody has downloaded them yet",
        )
    tops = {name.rpartition("/")[0] for name in names if name.endswith(f"/{SUMS}")}
    files = (name for name in there if "/cpython-" in name and name.rpartition("/")[0] in tops)
    others = sorted(set(files) - set(names))
    if others:
        raise BadRequest(
            f"{bucket.address} has more files of the same release: {', '.join(others)}",
            "the new sums would not contain them: put all files into one folder, or use another --tag",
        )


def _same(bucket: Bucket, upload: Upload, there: Mapping[str, int]) -> bool:
    """Return True if the bucket already has this content."""
    if there.get(upload.name) != upload.size:
        return False
    options: Any = {"head": True}
    with asking(bucket, f"reading {upload.name}"):
        attributes: Any = obstore.get(bucket.store, upload.name, options=options).attributes
    return bool(attributes.get("sha256") == upload.sha256)


def send(bucket: Bucket, difference: Difference) -> Iterator[Upload]:
    """Send the missing files one after another, and yield each when the bucket has it.  Raises UploadFailed at the first failure."""
    stale = list(difference.stale)
    for upload in difference.missing:
        if stale and _stage(upload.name) >= _SIGNED:
            with asking(bucket, "deleting signatures of older sums"):
                obstore.delete(bucket.store, stale)
            stale = []
        attributes: Any = upload.attributes
        parts = upload.size > _PART
        with asking(bucket, f"sending {upload.name}"):
            content = upload.path if upload.size else b""
            obstore.put(
                bucket.store,
                upload.name,
                content,
                attributes=attributes,
                use_multipart=parts,
                chunk_size=_PART,
                max_concurrency=4,
            )
        yield upload
