"""The versions that an upstream offers, and the newest one that a pin accepts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Optional, TypeVar
from urllib.parse import quote, urljoin

import msgspec
from packaging.version import InvalidVersion, Version

from pythonbuild.catalog.pins import Pin
from pythonbuild.catalog.schema import Upstream
from pythonbuild.errors import BadRequest, nearest
from pythonbuild.sources.downloaders import CannotFetch, Downloader, package_versions

__all__ = ["Offer", "choose", "filled", "offers"]

_T = TypeVar("_T")
_PAGES = 10


@dataclass(frozen=True)
class Offer:
    """A version that an upstream offers.

    url: the address of its archive; sums: the published sums as (algorithm, hexadecimal); files: while the address is unknown, the page
    on which python.org lists the release's files.
    """

    version: str
    url: str = ""
    sums: tuple[tuple[str, str], ...] = ()
    files: str = ""


class _Asset(msgspec.Struct, frozen=True):
    """A file of a release in GitHub's API (docs.github.com/rest/releases)."""

    name: str
    browser_download_url: str
    digest: Optional[str] = None


class _GithubRelease(msgspec.Struct, frozen=True):
    draft: bool
    prerelease: bool
    assets: tuple[_Asset, ...]


class _Reference(msgspec.Struct, frozen=True):
    """A tag in GitHub's API (docs.github.com/rest/git/refs)."""

    ref: str


class _PythonRelease(msgspec.Struct, frozen=True):
    """A release in python.org's API (www.python.org/api/v2/downloads/release/)."""

    name: str
    is_published: bool
    resource_uri: str


class _PythonFile(msgspec.Struct, frozen=True):
    url: str
    sha256_sum: Optional[str] = None


def offers(upstream: Upstream, downloader: Downloader) -> list[Offer]:
    """Return the versions of an upstream, in its own order.  Raises CannotFetch if it does not answer, or nothing matches."""
    if upstream.pypi:
        return [Offer(version) for version in package_versions(upstream.pypi)]
    if upstream.github:
        where = f"{upstream.api}/repos/{upstream.github}/"
        where += f"git/matching-refs/tags/{quote(upstream.tags)}" if upstream.tags else "releases?per_page=100"
        found = list(_tags(upstream, where, downloader) if upstream.tags else _assets(upstream, where, downloader))
    elif upstream.python_org:
        where = f"{upstream.python_org}/release/?is_published=true"
        found = list(_pythons(upstream, where, downloader))
    else:
        where = upstream.listing
        matches = re.finditer(upstream.pattern, downloader.page(where)[0])
        found = [_offer(upstream, match, urljoin(where, _named(match).get("file", match[0]))) for match in matches]
    if not found:
        raise CannotFetch(f"{where} has nothing that matches {upstream.pattern!r}: correct `upstream:`")
    return found


def choose(pin: Pin, found: Iterable[Offer], wanted: str = "") -> Optional[Offer]:
    """Return the newest version that a pin accepts, or the `wanted` one; None if the pin has it already.

    Pre-releases count only if the pin is one.  Raises BadRequest if the wanted version does not exist, CannotFetch if no version fits
    or they cannot be compared.
    """
    known = _version(pin.listed)
    fitting = {offer.version: offer for offer in found if _fits(pin, offer.version)}
    ordered = sorted(fitting, key=lambda text: _version(text) or Version("0"))
    if wanted:
        if wanted in pin.others:
            raise BadRequest(f"{wanted} is pinned already, beside {pin.version}")
        if wanted not in fitting:
            within = f" of {pin.series} (`series:`)" if pin.series else ""
            names = nearest(wanted, ordered) or ordered[-3:]
            hint = f"choose for example {', '.join(names)}" if names else "omit --to to see the newest version"
            raise BadRequest(f"upstream has no version {wanted} of {pin.name}{within}", hint)
        return None if wanted == pin.listed else fitting[wanted]
    if not ordered:
        raise CannotFetch(
            f"upstream no longer lists a version of {pin.series}" if pin.series else "upstream lists no final release"
        )
    newest = _version(ordered[-1])
    if known is None or newest is None:
        raise CannotFetch(f"{pin.listed!r} cannot be compared with {ordered[-1]}: give --to VERSION")
    return fitting[ordered[-1]] if newest > known else None


def filled(offer: Offer, downloader: Downloader) -> Offer:
    """Return an offer with the address of its archive, requested from python.org if it is unknown.  Raises CannotFetch."""
    if not offer.files:
        return offer
    for file in _json(offer.files, downloader.page(offer.files)[0], tuple[_PythonFile, ...]):
        if file.url.endswith(".tar.xz"):
            sums = (("sha256", file.sha256_sum.lower()),) if file.sha256_sum else ()
            return Offer(offer.version, file.url, sums)
    raise CannotFetch(f"{offer.files} lists no .tar.xz")


def _version(text: str) -> Optional[Version]:
    """Return a version that can be compared, None if the text is not a version."""
    try:
        return Version(text.replace("-", ".").replace("_", "."))
    except InvalidVersion:
        return None


def _fits(pin: Pin, text: str) -> bool:
    version, known = _version(text), _version(pin.listed)
    if version is None or (version.is_prerelease and not (known and known.is_prerelease)):
        return False
    numbers = [int(part) for part in pin.series.split(".")] if pin.series else []
    return list(version.release[: len(numbers)]) == numbers


def _named(match: re.Match[str]) -> dict[str, str]:
    return {name: value for name, value in match.groupdict().items() if value}


def _offer(upstream: Upstream, match: re.Match[str], url: str, sums: tuple[tuple[str, str], ...] = ()) -> Offer:
    """Return the offer of a match.  url: the archive's address, unless `upstream.url` is set."""
    named = set(match.re.groupindex.values())
    version = ".".join(value for index, value in enumerate(match.groups(), 1) if value and index not in named)
    sums += tuple((name, value.lower()) for name, value in _named(match).items() if name in ("sha256", "sha3_256"))
    series = ".".join(version.split(".")[:2])
    return Offer(version, upstream.url.format(version=version, series=series) if upstream.url else url, sums)


def _assets(upstream: Upstream, where: str, downloader: Downloader) -> Iterator[Offer]:
    for release in _pages(where, downloader, tuple[_GithubRelease, ...]):
        for asset in () if release.draft or release.prerelease else release.assets:
            match = re.fullmatch(upstream.pattern, asset.name)
            if match:
                algorithm, _, value = (asset.digest or "").partition(":")
                sums = (("sha256", value),) if algorithm == "sha256" else ()
                yield _offer(upstream, match, asset.browser_download_url, sums)


def _tags(upstream: Upstream, where: str, downloader: Downloader) -> Iterator[Offer]:
    for reference in _pages(where, downloader, tuple[_Reference, ...]):
        match = re.fullmatch(upstream.pattern, reference.ref.removeprefix("refs/tags/"))
        if match:
            yield _offer(upstream, match, "")


def _pythons(upstream: Upstream, where: str, downloader: Downloader) -> Iterator[Offer]:
    for release in _pages(where, downloader, tuple[_PythonRelease, ...]):
        match = re.fullmatch(upstream.pattern, release.name)
        if match and release.is_published:
            number = release.resource_uri.rstrip("/").rpartition("/")[2]
            files = f"{upstream.python_org}/release_file/?release={number}"
            yield Offer(_offer(upstream, match, "").version, files=files)


def _pages(where: str, downloader: Downloader, kind: type[tuple[_T, ...]]) -> Iterator[_T]:
    """Yield the items of a JSON list, and those of the pages that follow it."""
    following = where
    for _ in range(_PAGES):
        page = following
        text, following = downloader.page(page)
        yield from _json(page, text, kind)
        if not following:
            return


def _json(where: str, text: str, kind: type[_T]) -> _T:
    decoder: Any = msgspec.json.Decoder(kind)
    try:
        found: _T = decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise CannotFetch(f"{where} has an unexpected format: {error}") from None
    return found
