"""Take a new version of an archive in: download it, hold it against what upstream publishes, and say what it is pinned by."""

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
    """A version, its pinned origin, and what speaks for these bytes ("": nothing but that they came)."""

    version: str
    origin: Origin
    proof: str


def adopt(pin: Pin, offer: Offer, downloader: Downloader, cache: SourceCache) -> Adopted:
    """Download the archive of an offer into the source cache.

    Raises CannotFetch if it does not come, is not a complete archive, or is not what upstream says that it is (then it is kept aside).
    """
    offer = filled(offer, downloader)
    project = pin.upstream.pypi
    source = Origin(sha256="", size=0, sdist=f"{project}=={offer.version}" if project else None, url=offer.url or None)
    # In a folder of its own: what an earlier attempt left is not known to be of the same file.
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
                    f"{source.place}: upstream publishes {algorithm} {wanted}, but it has {actual}; the file is kept as {kept}"
                )
        version = _read(file, pin, offer.version)
        origin = Origin(sha256=sha256_of(file), size=file.stat().st_size, url=source.url, sdist=source.sdist)
        cache.add(origin, file)
    # pip holds an sdist against the sum that its index gives.
    proof = "that of the package index" if project else "that which upstream publishes" if sums else ""
    return Adopted(version, origin, proof)


def _published(pin: Pin, offer: Offer, downloader: Downloader) -> list[tuple[str, str]]:
    """Return the sum of an archive in the file that upstream has its sums in; raises CannotFetch if it is not there."""
    if not pin.upstream.sums:
        return []
    series = ".".join(offer.version.split(".")[:2])
    where = pin.upstream.sums.format(url=offer.url, version=offer.version, series=series)
    name = offer.url.rpartition("/")[2]
    text = downloader.page(where)[0]
    # The way of sha256sum, that of BSD, or nothing but the sum.
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
    """Read all of an archive, as a page that says sorry has a sum, too; returns the version, which may stand inside."""
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
        raise CannotFetch(f"what came as {file.name} is not a complete archive: {reason}") from None
    if not upstream.inside:
        return listed
    match = re.search(upstream.inside_pattern, found.decode(errors="replace"))
    if not match:
        raise CannotFetch(f"{file.name} has no {upstream.inside} that fits {upstream.inside_pattern!r}")
    return match[1]
