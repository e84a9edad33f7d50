"""Which versions an upstream has, and the newest of them that a pin may become."""

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
    """A version that an upstream has, the address of its archive, and sums that it publishes: (algorithm, hexadecimal).

    files: where python.org lists the release's files, as long as the address is not known.
    """

    version: str
    url: str = ""
    sums: tuple[tuple[str, str], ...] = ()
    files: str = ""


class _Asset(msgspec.Struct, frozen=True):
    """A file of a release, as GitHub's API has it (docs.github.com/rest/releases)."""

    name: str
    browser_download_url: str
    digest: Optional[str] = None


class _GithubRelease(msgspec.Struct, frozen=True):
    draft: bool
    prerelease: bool
    assets: tuple[_Asset, ...]


class _Reference(msgspec.Struct, frozen=True):
    """A tag, as GitHub's API has it (docs.github.com/rest/git/refs)."""

    ref: str


class _PythonRelease(msgspec.Struct, frozen=True):
    """A release, as python.org's API has it (www.python.org/api/v2/downloads/release/)."""

    name: str
    is_published: bool
    resource_uri: str


class _PythonFile(msgspec.Struct, frozen=True):
    url: str
    sha256_sum: Optional[str] = None


def offers(upstream: Upstream, downloader: Downloader) -> list[Offer]:
    """Return what an upstream has, in its own order.  Raises CannotFetch if it cannot be asked, or has nothing of the pattern."""
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
        raise CannotFetch(f"{where} has nothing that fits {upstream.pattern!r}: correct `upstream:`")
    return found


def choose(pin: Pin, found: Iterable[Offer], wanted: str = "") -> Optional[Offer]:
    """Return the newest version that a pin may become, None if it is that already; or the `wanted` one.

    Pre-releases are left out unless the pin is one.  Raises BadRequest if the wanted version is not there.
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
            hint = f"there is, for example, {', '.join(names)}" if names else "see what there is without --to"
            raise BadRequest(f"upstream has no version {wanted} of {pin.name}{within}", hint)
        return None if wanted == pin.listed else fitting[wanted]
    if not ordered:
        raise CannotFetch(f"upstream lists no version of {pin.series or 'those that are no pre-releases'} any more")
    newest = _version(ordered[-1])
    if known is None or newest is None:
        raise CannotFetch(f"{pin.listed!r} cannot be compared with {ordered[-1]}: give --to VERSION")
    return fitting[ordered[-1]] if newest > known else None


def filled(offer: Offer, downloader: Downloader) -> Offer:
    """Return an offer with the address of its archive, for which python.org has to be asked; raises CannotFetch."""
    if not offer.files:
        return offer
    for file in _json(offer.files, downloader.page(offer.files)[0], tuple[_PythonFile, ...]):
        if file.url.endswith(".tar.xz"):
            sums = (("sha256", file.sha256_sum.lower()),) if file.sha256_sum else ()
            return Offer(offer.version, file.url, sums)
    raise CannotFetch(f"{offer.files} lists no .tar.xz")


def _version(text: str) -> Optional[Version]:
    """Return what can be compared; None if it is no version."""
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
    """Return the offer that a pattern has found; url: the archive's address where `upstream` does not say it."""
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
    """Return the items of a JSON list, and of the pages that it says come next."""
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
        raise CannotFetch(f"{where} does not answer as it did: {error}") from None
    return found
