"""Where `update` looks for newer versions: each pattern finds the version that is pinned now."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import msgspec
import pytest

from pythonbuild.catalog.edit import edited
from pythonbuild.catalog.load import load_catalog
from pythonbuild.catalog.pins import Pin, pins
from pythonbuild.catalog.schema import Origin, Source, Upstream
from pythonbuild.errors import BadCatalog, BadRequest
from pythonbuild.home import checkout
from pythonbuild.sources.downloaders import CannotFetch, Downloader
from pythonbuild.sources.upstream import Offer, choose, filled, offers

ROOT = checkout() / "cpython-unix"
CATALOG = load_catalog(ROOT)
PINS = pins(CATALOG, ROOT)
WATCHED = {name: pin for name, pin in PINS.items() if not pin.upstream.unwatched}
# How these upstreams call the tag of a version; {dashes} is the version with dashes in place of dots.
TAGS = {
    "krb5/krb5": "krb5-{version}-final",
    "python/cpython-source-deps": "zstd-{version}",
    "tcltk/tcl": "core-{dashes}",
    "tcltk/tk": "core-{dashes}",
    "util-linux/util-linux": "v{version}",
}
# What stands beside the archives there, and is none of them.
NOISE = (
    "{name}-{version}.tar.gz.sig",
    "{name}-99.0-rc1.tar.gz",
    "{name}-99.0beta2.tar.xz",
    "{name}-with-gold-99.tar.xz",
)


@dataclass
class Pages:
    """In a downloader's place: what a web server would say."""

    texts: dict[str, str]
    following: str = ""

    def page(self, url: str) -> tuple[str, str]:
        following, self.following = self.following, ""
        return self.texts[url], following

    def offers(self, upstream: Upstream) -> list[Offer]:
        return offers(upstream, cast("Downloader", self))


def pinned_url(pin: Pin) -> str:
    """Return where upstream has what is pinned; "" where only Debian's archive is."""
    return next((origin.url for origin in pin.sources[0].origins if origin.url), "")


def page(pin: Pin) -> tuple[str, str]:
    """Return an address that is asked, and what is found there, in the form of that upstream, of the version that is pinned."""
    upstream, url, version = pin.upstream, pinned_url(pin), pin.version
    file = url.rpartition("/")[2] or f"{pin.name}-{version}.tar.xz"
    names = [file, *(text.format(name=pin.name, version=version) for text in NOISE)]
    if upstream.tags:
        tag = TAGS[upstream.github].format(version=version, dashes=version.replace(".", "-"))
        references = [{"ref": f"refs/tags/{text}"} for text in (tag, f"{tag}-rc1", f"{tag}b2", upstream.tags)]
        return f"{upstream.api}/repos/{upstream.github}/git/matching-refs/tags/{upstream.tags}", json.dumps(references)
    if upstream.github:
        assets = [{"name": name, "browser_download_url": url.replace(file, name), "digest": None} for name in names]
        release = {"tag_name": "", "draft": False, "prerelease": False, "assets": assets}
        return f"{upstream.api}/repos/{upstream.github}/releases?per_page=100", json.dumps([release])
    if upstream.python_org:
        release = {
            "name": f"Python {version}",
            "is_published": True,
            "resource_uri": "https://python.org/api/release/7/",
        }
        return f"{upstream.python_org}/release/?is_published=true", json.dumps([release])
    if "sqlite" in upstream.listing:
        # As the page says of itself: PRODUCT,VERSION,RELATIVE-URL,SIZE-IN-BYTES,SHA3-HASH
        return upstream.listing, f"PRODUCT,{version},{'/'.join(url.split('/')[-2:])},3275272,{'5' * 64}\n"
    folders = [f"{version}/", f"{version}rc1/", "snapshots/"]
    return upstream.listing, "".join(f'<a href="{name}">{name}</a>\n' for name in [*names, *folders])


@pytest.mark.parametrize("name", [name for name, pin in WATCHED.items() if not pin.upstream.pypi])
def test_each_pattern_finds_the_pinned_version(name: str) -> None:
    pin = WATCHED[name]
    asked, text = page(pin)
    files = f"{pin.upstream.python_org}/release_file/?release=7"
    pages = Pages({asked: text, files: json.dumps([{"url": pinned_url(pin), "sha256_sum": "A" * 64}])})
    found = {filled(offer, cast("Downloader", pages)) for offer in pages.offers(pin.upstream)}
    assert {offer.version for offer in found} == {pin.version}
    (offer,) = found
    assert offer.url == pinned_url(pin) or not pinned_url(pin)
    assert offer.url.startswith(("https://", "http://download.qt.io/"))
    assert choose(pin, found) is None
    assert choose(replace(pin, version="0.0.1"), found) == offer
    assert pin.series in ("", pin.version[: len(pin.series)])


def test_where_only_debians_archive_is_pinned_upstreams_is_called_as_the_others_of_its_kind() -> None:
    only = {name for name, pin in WATCHED.items() if not pin.upstream.pypi and not pinned_url(pin)}
    assert only <= {"binutils", "tcl8"}  # one that was updated has an address of upstream's
    tcl = pinned_url(PINS["tcl"]).replace(PINS["tcl"].version, "{version}")
    assert PINS["tcl8"].upstream.url == tcl == PINS["tcl"].upstream.url
    listing = Pages({"https://ftp.gnu.org/gnu/binutils/": '<a href="binutils-2.44.tar.xz">'})
    (offer,) = listing.offers(PINS["binutils"].upstream)
    assert offer.url == "https://ftp.gnu.org/gnu/binutils/binutils-2.44.tar.xz"


def test_sums_are_looked_for_beside_the_archive() -> None:
    places = {name: pin.upstream.sums for name, pin in WATCHED.items() if pin.upstream.sums}
    assert set(places) == {"openssl", "uuid"}
    uuid = PINS["uuid"]
    series = ".".join(uuid.version.split(".")[:2])
    assert places["uuid"].format(series=series) == f"{pinned_url(uuid).rpartition('/')[0]}/sha256sums.asc"


def test_a_version_inside_an_sdist_is_that_of_the_library() -> None:
    pin = PINS["zlib-ng"]
    match = re.search(
        pin.upstream.inside_pattern, f'#define ZLIBNG_VERSION "{pin.version}"\n#define ZLIBNG_VERNUM 0x1L'
    )
    assert match
    assert match[1] == pin.version
    assert pin.sources[0].origins[0].sdist == f"zlib-ng=={pin.listed}"


def test_every_recipe_with_sources_says_where_newer_ones_are_or_why_it_does_not() -> None:
    recipes = [*CATALOG.recipes.values(), *CATALOG.windows_recipes.values()]
    silent = [
        folder.path
        for folder in recipes
        if folder.recipe.sources and not folder.recipe.like and not folder.recipe.upstream
    ]
    assert silent == []
    unwatched = {name: pin.upstream.unwatched for name, pin in PINS.items() if pin.upstream.unwatched}
    assert set(unwatched) == {"tcltk", "tcltk9", "windows/zlib-ng"}
    assert all("CPython" in reason for reason in unwatched.values())
    assert {name for name in PINS if name.startswith("cpython-")} == {
        f"cpython-{version.series}" for version in CATALOG.releases
    }


def pin(version: str, series: str = "", others: tuple[str, ...] = ()) -> Pin:
    return Pin("it", Path("it.yml"), (), version, Upstream(listing="https://h/", pattern="(.*)"), (), series, others)


@pytest.mark.parametrize(
    ("pinned", "there", "taken"),
    [
        ("1.2.9", ["1.2.9", "1.2.10", "1.2.1"], "1.2.10"),
        ("1.2.9", ["1.2.8", "1.2.9"], None),
        ("1.2.9", ["1.2.8"], None),
        ("1.2.9", ["1.3.0rc1", "1.3.0-beta2", "1.3.0.dev1"], "error"),
        ("1.2.9", ["1.2.9", "1.3.0rc1", "1.3.0-beta2"], None),
        ("1.3.0rc1", ["1.2.10", "1.3.0rc2"], "1.3.0rc2"),
        ("1.3.0rc1", ["1.3.0rc2", "1.3.0"], "1.3.0"),
        ("6.5-20250216", ["6.5-20250216", "6.5-20251231", "6.4-20260101"], "6.5-20251231"),
        ("20250104-3.1", ["20240808-3.1", "20251016-3.1"], "20251016-3.1"),
        ("2.16.03", ["2.16.03", "2.16.1", "3.01", "nonsense"], "3.01"),
    ],
)
def test_the_newest_final_release_is_chosen(pinned: str, there: list[str], taken: str | None) -> None:
    found = [Offer(version) for version in there]
    if taken == "error":
        with pytest.raises(CannotFetch, match="lists no final release"):
            choose(pin(pinned), found)
        return
    offer = choose(pin(pinned), found)
    assert (offer.version if offer else None) == taken


def test_a_series_is_not_left() -> None:
    found = [Offer(version) for version in ("3.5.7", "3.5.8", "3.50.1", "3.6.0", "4.0.0")]
    assert choose(pin("3.5.7", "3.5"), found) == Offer("3.5.8")
    with pytest.raises(BadRequest, match=r"no version 3\.6\.0 of it of 3\.5"):
        choose(pin("3.5.7", "3.5"), found, "3.6.0")
    with pytest.raises(CannotFetch, match=r"no longer lists a version of 3\.4"):
        choose(pin("3.4.7", "3.4"), found)


def test_a_version_may_be_named_also_an_older_one() -> None:
    found = [Offer("1.0"), Offer("1.1"), Offer("1.2")]
    assert choose(pin("1.1"), found, "1.0") == Offer("1.0")
    assert choose(pin("1.1"), found, "1.1") is None
    with pytest.raises(BadRequest) as caught:
        choose(pin("1.1"), found, "1.3")
    assert "1.2" in caught.value.hint
    with pytest.raises(BadRequest, match="pinned already"):
        choose(pin("1.1", others=("1.0",)), found, "1.0")


def test_lists_of_several_pages_are_read_to_their_end() -> None:
    upstream = Upstream(github="o/n", tags="v", pattern=r"v(\d+)", url="https://h/{version}.tar")
    pages = Pages(
        {
            "https://api.github.com/repos/o/n/git/matching-refs/tags/v": '[{"ref": "refs/tags/v1"}]',
            "next": '[{"ref": "refs/tags/v2"}]',
        },
        "next",
    )
    assert [offer.url for offer in pages.offers(upstream)] == ["https://h/1.tar", "https://h/2.tar"]


@pytest.mark.parametrize("text", ["<html>", "{}", '[{"name": "Python 3.13.16"}]'])
def test_an_answer_of_unknown_form_is_an_error(text: str) -> None:
    asked, _ = page(PINS["cpython-3.13"])
    with pytest.raises(CannotFetch, match="has an unexpected format"):
        Pages({asked: text}).offers(PINS["cpython-3.13"].upstream)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, "one of github, listing"),
        ({"listing": "https://h/", "pypi": "x", "pattern": "(.)"}, "one of github, listing"),
        ({"listing": "https://h/"}, "python_org need a pattern"),
        ({"pypi": "x", "pattern": "(.)"}, "python_org need a pattern"),
        ({"listing": "https://h/", "pattern": "("}, "is not a regular expression"),
        ({"listing": "https://h/", "pattern": "x"}, "no group for the version"),
        ({"github": "o/n", "tags": "v", "pattern": "(.)"}, "tags need a url"),
        ({"pypi": "x", "inside": "f"}, "inside"),
        ({"pypi": "x", "where": "f"}, "unknown field"),
    ],
)
def test_contradictory_data_is_an_error_when_it_is_read(fields: dict[str, str], wrong: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=wrong):
        msgspec.convert(fields, Upstream)


NEW = Origin(url="https://h/it-2.tar", sha256="9" * 64, size=99)
BEFORE = """\
# above
name: it   # beside
version: 'one' # of the old
sources:
  - origins:
      # All of them.
      - debian: pool/it_1.orig.tar.xz
        sha256: aaaa
        size: 1
      - {url: "https://h/it-1.tar", sha256: bbbb, size: 2} # upstream's

      # Debian's own.
      # In two lines.
      - debian: pool/it_1+dfsg.orig.tar.xz
        size: 3   # odd
        sha256: cccc
      # An older one, that stays.
      - debian: pool/it_0.orig.tar.xz
        version: "0"
        sha256: dddd
        size: 4
  - name: second
    origins:
    - debian: pool/it_1.deb
      sha256: eeee
      size: 5
# below
needs: []
"""
AFTER = """\
# above
name: it   # beside
version: '2.10' # of the old
sources:
  - origins:
      # All of them.
      - {url: "https://h/it-2.tar", sha256: 9999, size: 99} # upstream's

      # An older one, that stays.
      - debian: pool/it_0.orig.tar.xz
        version: "0"
        sha256: dddd
        size: 4
  - name: second
    origins:
    - url: https://h/it-2.tar
      sha256: 9999
      size: 99
# below
needs: []
"""


def test_only_the_version_is_edited_and_all_other_bytes_stay() -> None:
    text, dropped = edited(BEFORE, pin("one"), "2.10", NEW)
    # Digits alone would be a number: they are quoted.
    assert text == AFTER.replace("9999", f'"{"9" * 64}"')
    assert dropped == ("pool/it_1.orig.tar.xz", "pool/it_1+dfsg.orig.tar.xz", "pool/it_1.deb")
    crlf, _ = edited(BEFORE.replace("\n", "\r\n"), pin("one"), "2.10", NEW)
    assert crlf == text.replace("\n", "\r\n")


def test_a_release_is_changed_where_it_stands_among_the_others() -> None:
    text, newest = (ROOT / "pythons.yml").read_text(), PINS["cpython-3.13"]
    new = Origin(url="https://h/Python-3.13.99.tar.xz", sha256="f" * 64, size=99)
    changed, dropped = edited(text, newest, "3.13.99", new)
    gone = set(text.splitlines()) - set(changed.splitlines())
    assert all(newest.version in line or line.split()[0] in ("sha256:", "size:") for line in gone)
    assert f"{newest.version}/" not in changed
    assert newest.others
    for other in newest.others:
        assert changed.count(f"{other}/") == text.count(f"{other}/") == 1
    assert dropped == tuple(origin.debian for origin in newest.sources[0].origins if origin.debian)


@pytest.mark.parametrize("name", WATCHED)
def test_each_pin_can_be_changed_in_place(name: str) -> None:
    found = PINS[name]
    text = found.file.read_text()
    project = found.upstream.pypi
    new = Origin(sdist=f"{project}==99", sha256=NEW.sha256, size=NEW.size) if project else NEW
    changed, _ = edited(text, found, "99.9", new)
    assert changed.count('"99.9"') == 1
    assert changed.count("9" * 64) == len(found.sources)
    comments = [line for line in text.splitlines() if line.strip().startswith("#")]
    kept = [line for line in changed.splitlines() if line.strip().startswith("#")]
    assert [line for line in comments if line in kept] == kept


@pytest.mark.parametrize(
    ("origins", "wrong"),
    [
        ("[{url: a, sha256: b, size: 1}, {debian: c, sha256: d, size: 1}]", "are on one line"),
        ('[{url: a, sha256: b, size: 1, version: "1"}]', "has its own version"),
    ],
)
def test_a_file_that_cannot_be_edited_in_place_is_refused(origins: str, wrong: str) -> None:
    with pytest.raises(BadCatalog, match=wrong):
        edited(f"version: '1'\nsources:\n  - origins: {origins}\n", pin("1"), "2", NEW)


def test_several_sources_of_one_archive_all_become_the_new_one() -> None:
    both = PINS["xcb-proto"]
    assert len(both.sources) == 2
    assert all(isinstance(source, Source) for source in both.sources)
    text, dropped = edited(both.file.read_text(), both, "1.18.0", NEW)
    assert text.count(NEW.url or "") == 2
    assert len(dropped) == 2
