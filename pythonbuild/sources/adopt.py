"""Adopt a new version of a source: download the archive, check it against the published sums, and return its pin."""

from __future__ import annotations

import hashlib
import re
import tarfile
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path

from pythonbuild.catalog.pins import Pin
from pythonbuild.catalog.schema import Origin
from pythonbuild.sources.cache import SourceCache, sha256_of
from pythonbuild.sources.downloaders import CannotFetch, Downloader
from pythonbuild.sources.upstream import Offer, filled

__all__ = ["Adopted", "adopt"]


@dataclass(frozen=True)
class Adopted:
    """A version and its pinned origin.  proof: which published sum the archive matches, "" if none is published."""

    version: str
    origin: Origin
    proof: str


def adopt(pin: Pin, offer: Offer, downloader: Downloader, cache: SourceCache) -> Adopted:
    """Download the archive of an offer into the source cache.

    Raises CannotFetch if the download fails, the archive is incomplete, or its sum differs from the published one.  In the last case
    the file is kept for inspection.
    """
    offer = filled(offer, downloader)
    project = pin.upstream.pypi
    source = Origin(sha256="", size=0, sdist=f"{project}=={offer.version}" if project else None, url=offer.url or None)
    # In a temporary folder, because a partial file of an earlier attempt may belong to another file.
    with tempfile.TemporaryDirectory(dir=cache.partial(source).parent) as folder:
        file = Path(folder) / source.file_name
        ((_, fetch),) = downloader.places(source)
        fetch(file, lambda done, total: None)
        sums = [*offer.sums, *_published(pin, offer, downloader)]
        for algorithm, wanted in sums:
            actual = sha256_of(file) if algorithm == "sha256" else hashlib.new(algorithm, file.read_bytes()).hexdigest()
            if actual != wanted:
                kept = cache.reject(file, sha256_of(file), source.file_name)
                raise CannotFetch(
                    f"{source.place}: upstream publishes {algorithm} {wanted}, but the file has {actual}; it is kept as {kept}"
                )
        version = _read(file, pin, offer.version)
        origin = Origin(sha256=sha256_of(file), size=file.stat().st_size, url=source.url, sdist=source.sdist)
        cache.add(origin, file)
    # pip checks an sdist against the sum of its package index.
    proof = "that of the package index" if project else "that which upstream publishes" if sums else ""
    return Adopted(version, origin, proof)


def _published(pin: Pin, offer: Offer, downloader: Downloader) -> list[tuple[str, str]]:
    """Return the sum of an archive from the file in which upstream publishes sums.  Raises CannotFetch if it has none."""
    if not pin.upstream.sums:
        return []
    series = ".".join(offer.version.split(".")[:2])
    where = pin.upstream.sums.format(url=offer.url, version=offer.version, series=series)
    name = offer.url.rpartition("/")[2]
    text = downloader.page(where)[0]
    # Formats: sha256sum, BSD, or the sum alone.
    lines = re.findall(r"^([0-9a-fA-F]{64})[ \t]+\*?(?:\S*/)?(\S+)[ \t\r]*$", text, re.MULTILINE)
    lines += [
        (value, file) for file, value in re.findall(r"^SHA256 ?\((\S+)\) ?= ?([0-9a-fA-F]{64})", text, re.MULTILINE)
    ]
    lines += [(text.strip(), name)] if re.fullmatch(r"\s*[0-9a-fA-F]{64}\s*", text) else []
    found = {value.lower() for value, file in lines if file == name}
    if len(found) != 1:
        raise CannotFetch(f"{where} has {len(found) or 'no'} SHA-256 of {name}")
    return [("sha256", found.pop())]


def _read(file: Path, pin: Pin, listed: str) -> str:
    """Read a whole archive, because a server may deliver an error page instead.  Return its version, which may be inside."""
    upstream = pin.upstream
    found = b""
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as files:
                broken = files.testzip()
            if broken:
                raise CannotFetch(f"{file.name} is damaged: {broken}")
        else:
            with tarfile.open(file) as tar:
                for member in tar:
                    if upstream.inside and member.name.partition("/")[2] == upstream.inside:
                        content = tar.extractfile(member)
                        found = content.read() if content else b""
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, LZMAError, OSError, zlib.error) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        reason = str(error).partition("\n")[0].rstrip(":")
        raise CannotFetch(f"{file.name} is not a complete archive: {reason}") from None
    if not upstream.inside:
        return listed
    match = re.search(upstream.inside_pattern, found.decode(errors="replace"))
    if not match:
        raise CannotFetch(f"{file.name} has no {upstream.inside} that matches {upstream.inside_pattern!r}")
    return match[1]
