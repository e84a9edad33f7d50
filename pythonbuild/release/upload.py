"""Send a folder of releases to a bucket, in an order in which whoever reads there finds all that he was told of.

Whether a file is there already is told by its size and the SHA-256 that was put into its metadata: a listing has sizes and ETags
only, and the ETag of what was sent in parts, or is encrypted, is no sum of the content.
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
# From this stage of sending on there are sums and their signatures.
_SIGNED = 2
# Files of this size and more are sent in parts.
_PART = 16 << 20


@dataclass(frozen=True)
class Upload:
    """A file to send: its name in the bucket, and what is said of it there."""

    name: str
    path: Path
    size: int
    sha256: str

    @property
    def immutable(self) -> bool:
        """Is it named by version and tag, so that it never changes?"""
        return self.path.name.startswith("cpython-")

    @property
    def cache_control(self) -> str:
        """How long others may keep it."""
        return _FOREVER if self.immutable else _SHORT

    @property
    def content_type(self) -> str:
        """Its media type."""
        return next((kind for end, kind in _TYPES.items() if self.name.endswith(end)), "text/plain; charset=utf-8")

    @property
    def attributes(self) -> dict[str, str]:
        """What goes with it as headers and metadata."""
        return {"Content-Type": self.content_type, "Cache-Control": self.cache_control, "sha256": self.sha256}


def uploads(folder: Path, latest: bool = True) -> list[Upload]:
    """Return the files of a folder of releases in the order of sending: archives, indexes, signatures, sums, those in latest/ at the end.

    latest: whether its newest release is the newest of all, so that latest/ is to be sent.
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
    """Return the sizes of all files in the bucket by their names."""
    with asking(bucket, "asking what is there"):
        return {str(item["path"]): int(item["size"]) for part in obstore.list(bucket.store) for item in part}


def published(bucket: Bucket, without: Collection[str]) -> list[Release]:
    """Return the releases of a bucket that are whole (have sums), but for those of some tags.  Raises UploadFailed, BadArchive."""
    sizes: dict[str, dict[str, int]] = {}
    for name, size in _listing(bucket).items():
        words = name.split("/")
        if len(words) == 3 and words[0] == "download" and words[1] not in without:
            sizes.setdefault(words[1], {})[words[2]] = size

    def read(tag: str, name: str) -> bytes:
        with asking(bucket, f"asking for {name}"):
            return bytes(obstore.get(bucket.store, f"download/{tag}/{name}").bytes())

    return [describe(tag, files, partial(read, tag)) for tag, files in sizes.items() if SUMS in files]


@dataclass(frozen=True)
class Difference:
    """What a bucket lacks of a folder, in the order of sending.

    stale: signatures there of sums that will be replaced, and have no such signature now.
    """

    missing: tuple[Upload, ...]
    stale: tuple[str, ...]


def compare(bucket: Bucket, wanted: Iterable[Upload], replace: bool = False) -> Difference:
    """Return in what the bucket differs from what is `wanted` there; nothing is sent.

    Raises BadRequest if it has other content under a name that never changes, or more files of these releases, unless that is to be
    replaced; UploadFailed.
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
    """Raise BadRequest for what cannot be published beside what is there."""
    if conflicts:
        raise BadRequest(
            f"{bucket.address} has other files under these names: {', '.join(conflicts)}",
            "a published file does not change: take another --tag, or --replace them if nobody has them yet",
        )
    tops = {name.rpartition("/")[0] for name in names if name.endswith(f"/{SUMS}")}
    files = (name for name in there if "/cpython-" in name and name.rpartition("/")[0] in tops)
    others = sorted(set(files) - set(names))
    if others:
        raise BadRequest(
            f"{bucket.address} has more files of the same release: {', '.join(others)}",
            "sums of what is here would not name them: make one folder of all of them, or take another --tag",
        )


def _same(bucket: Bucket, upload: Upload, there: Mapping[str, int]) -> bool:
    """Is this content there already?"""
    if there.get(upload.name) != upload.size:
        return False
    options: Any = {"head": True}
    with asking(bucket, f"asking for {upload.name}"):
        attributes: Any = obstore.get(bucket.store, upload.name, options=options).attributes
    return bool(attributes.get("sha256") == upload.sha256)


def send(bucket: Bucket, difference: Difference) -> Iterator[Upload]:
    """Send what is missing, one file after the other, yielding each when it is there; raises UploadFailed at the first that fails."""
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
