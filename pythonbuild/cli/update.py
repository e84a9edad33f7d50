"""The verb `update`: finds newer versions of recipes and Pythons, verifies them, and pins them in the YAML files."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from pythonbuild.catalog.edit import rewrite
from pythonbuild.catalog.load import load_catalog
from pythonbuild.catalog.pins import Pin, pins
from pythonbuild.errors import BadCatalog, BadRequest, UnknownName
from pythonbuild.flags.catalog import UpdateFlags
from pythonbuild.home import checkout, home
from pythonbuild.sources.adopt import Adopted, adopt
from pythonbuild.sources.cache import SourceCache
from pythonbuild.sources.downloaders import CannotFetch, Downloader
from pythonbuild.sources.upstream import Offer, choose, offers
from pythonbuild.ui.text import Style
from pythonbuild.units import size

__all__ = ["update"]

_AT_ONCE = 4


@dataclass(frozen=True)
class _Answer:
    """The result for one pin: the offered version, without --check also the adopted one, or a failure."""

    pin: Pin
    offer: Optional[Offer] = None
    adopted: Optional[Adopted] = None
    failure: str = ""


def update(flags: UpdateFlags) -> int:
    """Find newer versions and pin them, or with --check only print them; return 1 if a request or a verification fails."""
    root = checkout() / "cpython-unix"
    known = pins(load_catalog(root), root)
    chosen = _chosen(flags, known)
    style, downloader, cache = Style(flags.color, sys.stdout), Downloader(), SourceCache(home() / "sources")
    newer = "newer" if flags.check else "updated"
    counts = {newer: 0, "up to date": 0, "failed": 0}
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="update") as pool:
        answers = pool.map(lambda pin: _ask(pin, flags.to, flags.check, downloader, cache), chosen)
        for answer in answers:
            failure = answer.failure
            if answer.adopted:
                failure = _write(root, answer.pin, answer.adopted, style)
            elif answer.offer:
                sys.stdout.write(f"{answer.pin.name} {_was(answer.pin)} -> {answer.offer.version}\n")
            elif not failure:
                sys.stdout.write(style.dim(f"{answer.pin.name} {_was(answer.pin)} is up to date") + "\n")
            if failure:
                sys.stderr.write(f"{Style(flags.color, sys.stderr).bad('failed:')} {answer.pin.name}: {failure}\n")
            counts["failed" if failure else newer if answer.offer else "up to date"] += 1
            sys.stdout.flush()
    unwatched = [] if flags.names else [name for name, pin in known.items() if pin.upstream.unwatched]
    if unwatched:
        sys.stdout.write(f"not watched: {', '.join(unwatched)}\n")
    sys.stdout.write(", ".join(f"{count} {what}" for what, count in counts.items()) + "\n")
    return 1 if counts["failed"] else 0


def _chosen(flags: UpdateFlags, known: dict[str, Pin]) -> list[Pin]:
    """Return the requested pins.  Raises BadRequest, UnknownName."""
    if flags.offline:
        raise BadRequest("update needs the network, which --offline forbids", "drop --offline")
    if flags.to and len(flags.names) != 1:
        raise BadRequest("--to is the version of one recipe or Python", "give exactly one NAME with it")
    for name in flags.names:
        if name not in known:
            raise UnknownName("recipe or Python", name, known)
        if known[name].upstream.unwatched:
            raise BadRequest(f"{name} is not watched: {known[name].upstream.unwatched}", f"edit {known[name].file}")
    names = dict.fromkeys(flags.names) or known
    return [known[name] for name in names if not known[name].upstream.unwatched]


def _ask(pin: Pin, wanted: str, check: bool, downloader: Downloader, cache: SourceCache) -> _Answer:
    """Find a newer version for a pin and, without --check, adopt it.  Raises BadRequest if the wanted version does not exist."""
    try:
        offer = choose(pin, offers(pin.upstream, downloader), wanted)
        if offer is None or check:
            return _Answer(pin, offer)
        sys.stdout.write(f"fetching {pin.name} {offer.version}\n")
        return _Answer(pin, offer, adopt(pin, offer, downloader, cache))
    except CannotFetch as error:
        return _Answer(pin, failure=str(error))


def _write(root: Path, pin: Pin, adopted: Adopted, style: Style) -> str:
    """Pin a new version and print the changed lines.  Return a failure's text, or ""."""
    try:
        before, after, dropped = rewrite(root, pin, adopted.version, adopted.origin)
    except BadCatalog as error:
        return " ".join(error.message.split())
    trust = (
        f"its SHA-256 is {adopted.proof}"
        if adopted.proof
        else "unverified: trust on first use, no checksum is published"
    )
    what = f"{pin.name} {pin.version} -> {adopted.version}"
    sys.stdout.write(f"{style.strong(what)}  {size(adopted.origin.size)}, {trust}\n")
    for place in dropped:
        sys.stdout.write(f"  dropped: {place}, because its URL for {adopted.version} is unknown\n")
    sys.stdout.write("".join(f"{line}\n" for line in _difference(pin.file, before, after, style)))
    return ""


def _was(pin: Pin) -> str:
    """Return a pin's version, with the upstream's version if it differs."""
    return pin.version if pin.version == pin.listed else f"{pin.version} (upstream's {pin.listed})"


def _difference(file: Path, before: str, after: str, style: Style) -> Iterator[str]:
    """Yield the lines of a unified diff."""
    name = Path(os.path.relpath(file, checkout())).as_posix()
    colours = {"---": style.strong, "+++": style.strong, "@@": style.dim, "-": style.bad, "+": style.good}
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{name}", f"b/{name}", lineterm=""):
        colour = next((colours[start] for start in colours if line.startswith(start)), str)
        yield colour(line)
