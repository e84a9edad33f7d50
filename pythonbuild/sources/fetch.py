"""Download the sources of a plan, several at once, each from the first origin that delivers the right bytes."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pythonbuild.catalog.schema import Origin
from pythonbuild.errors import DiskFull, SourceUnavailable
from pythonbuild.events import Download, DownloadFinished, Note, Observer
from pythonbuild.locks import lock
from pythonbuild.plan.step import SourceFile
from pythonbuild.sources.cache import SourceCache, sha256_of
from pythonbuild.sources.downloaders import CannotFetch, Downloader, Progress

__all__ = ["fetch_all"]

_AT_ONCE = 4


def fetch_all(
    sources: Iterable[SourceFile], cache: SourceCache, downloader: Downloader, observer: Observer, *, offline: bool
) -> int:
    """Download every source that the cache lacks, and return their number.

    Raises SourceUnavailable with a list of all sources that no origin delivered.
    """
    missing = {source.origins: source for source in sources if source.local is None}
    todo = [source for source in missing.values() if not any(cache.find(origin) for origin in source.origins)]
    if offline:
        _refuse({source.name: ["not in the source cache, and --offline forbids downloads"] for source in todo})
        return 0
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fetch") as pool:
        reasons = dict(
            zip(
                (source.name for source in todo),
                pool.map(lambda source: _fetch(source, cache, downloader, observer), todo),
            )
        )
    _refuse({name: reason for name, reason in reasons.items() if reason})
    return len(todo)


def _refuse(reasons: dict[str, list[str]]) -> None:
    if reasons:
        lines = [f"  {name}: {reason}" for name, tried in sorted(reasons.items()) for reason in tried]
        raise SourceUnavailable(
            f"{len(reasons)} archives could not be fetched:\n" + "\n".join(lines),
            "check the network and apt's mirror;\n"
            "or run the verb `fetch` on a machine with a network, and copy its source cache here;\n"
            "or set a mirror that serves files by SHA-256: PYTHONBUILD_MIRRORS='https://host/path /a/folder'",
        )


def _fetch(source: SourceFile, cache: SourceCache, downloader: Downloader, observer: Observer) -> list[str]:
    """Download one source.  Return why no origin delivered it, an empty list if one did."""
    reasons = []
    # The origin of the plan comes first.
    for origin in dict.fromkeys((source.origin, *source.origins)):
        partial = cache.partial(origin)
        with open(partial.with_name(f"{partial.name}.lock"), "w") as mine:
            # Another build may be downloading the same file: wait for it, then look again.
            lock(mine)
            if cache.find(origin):
                return []
            reasons += _from_origin(source, origin, partial, cache, downloader, observer)
            if cache.find(origin):
                return []
    return reasons


def _from_origin(
    source: SourceFile,
    origin: Origin,
    partial: Path,
    cache: SourceCache,
    downloader: Downloader,
    observer: Observer,
) -> list[str]:
    reasons = []
    for place, fetch in downloader.places(origin):
        observer(Download(source.name, place, 0, origin.size))
        try:
            fetch(partial, _progress(source, place, origin, observer))
        except CannotFetch as error:
            reasons.append(f"{place}: {error}")
            continue
        except OSError as error:
            if error.errno == errno.ENOSPC:
                hint = "free some space, or set PYTHONBUILD_HOME to a folder on another disk"
                raise DiskFull(f"the disk is full: cannot write {partial}", hint) from error
            raise
        actual = sha256_of(partial)
        if actual == origin.sha256:
            cache.add(origin, partial)
            observer(DownloadFinished(source.name, place, origin.size))
            return reasons
        kept = cache.reject(partial, actual, origin.file_name)
        reason = f"{place}: wrong SHA-256: expected {origin.sha256}, got {actual}; the file is kept as {kept}"
        observer(Note("fetch", f"{source.name}: {reason}", "warning"))
        reasons.append(reason)
    return reasons


def _progress(source: SourceFile, place: str, origin: Origin, observer: Observer) -> Progress:
    return lambda done, total: observer(Download(source.name, place, done, total or origin.size))
