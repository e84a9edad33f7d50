"""The verb `cache`: lists, measures and prunes the results that builds keep."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from pythonbuild.catalog.load import own_catalog
from pythonbuild.cli import show
from pythonbuild.driver.compiler_cache import object_folders
from pythonbuild.engines.folder import kept_folders, remove_folder
from pythonbuild.flags.machine import CacheListFlags, CachePruneFlags, CacheSizeFlags
from pythonbuild.home import home
from pythonbuild.host.settings import read_settings
from pythonbuild.sources.cache import SourceCache
from pythonbuild.store.store import Store
from pythonbuild.units import counted, size

__all__ = ["list_results", "prune", "show_size"]


def list_results(flags: CacheListFlags) -> int:
    """Print the results in the store."""
    store = Store(home() / "store")
    for record in store.records():
        sys.stdout.write(show.record_line(record, sum(entry.size for entry in store.manifest(record))) + "\n")
    return 0


def show_size(flags: CacheSizeFlags) -> int:
    """Print how much disk each part of the cache uses."""
    entries, used = Store(home() / "store").size()
    archives, archived = SourceCache(home() / "sources").size()
    roots = _size(home() / "roots")
    objects = list(_objects())
    kept = sum(path.stat().st_size for path in objects)
    sys.stdout.write(
        f"store    {size(used):>9}  {entries} results\n"
        f"sources  {size(archived):>9}  {archives} archives\n"
        f"roots    {size(roots):>9}  build roots of failed steps\n"
        f"sccache  {size(kept):>9}  {len(objects)} compiled objects\n{home()}\n"
    )
    return 0


def prune(flags: CachePruneFlags) -> int:
    """Delete old results and compiled objects, or print what would be deleted."""
    store = Store(home() / "store")
    old = [path for path in _objects() if path.stat().st_mtime < time.time() - flags.days * 86400]
    doomed, roots = store.older(flags.days), _old_roots(flags.days)
    unpinned = SourceCache(home() / "sources").others(_pinned()) if flags.sources else []
    if flags.dry_run:
        sys.stdout.write("".join(f"{name}\n" for name in (*(record.identity for record in doomed), *roots, *unpinned)))
        archives = f", {counted(len(unpinned), 'source archive')}" if flags.sources else ""
        sys.stdout.write(
            f"would prune {counted(len(doomed), 'result')}, {counted(len(roots), 'build root')}{archives} "
            f"and {counted(len(old), 'compiled object')}\n"
        )
        return 0
    if doomed and len(doomed) == len(store.records()) and not (flags.yes or _agreed(len(doomed))):
        sys.stdout.write("nothing was deleted\n")
        return 0
    entries, freed = store.prune(flags.days)
    freed += sum(path.stat().st_size for path in (*old, *unpinned)) + sum(map(_size, roots))
    for path in (*old, *unpinned):
        path.unlink(missing_ok=True)
    for root in roots:
        remove_folder(root)
    sys.stdout.write(
        f"pruned {counted(entries, 'result')} and {counted(len(roots), 'build root')}, freed {size(freed)}\n"
    )
    return 0


def _old_roots(days: float) -> list[Path]:
    """Return the build roots of steps that failed longer ago, by engines host and docker."""
    folders = (home() / "roots", home() / "roots" / "docker")
    kept = [path for folder in folders for path in kept_folders(folder)]
    return [path for path in kept if path.stat().st_mtime < time.time() - days * 86400]


def _size(root: Path) -> int:
    return sum(path.lstat().st_size for path in root.rglob("*") if not path.is_dir())


def _objects() -> Iterator[Path]:
    """Yield the compiled objects that sccache keeps on this machine."""
    settings = read_settings(os.environ, lambda text: None)
    for folder in object_folders(settings, home()):
        yield from (path for path in folder.rglob("*") if path.is_file())


def _agreed(results: int) -> bool:
    """Ask at a terminal whether to delete every result.  Scripts are not asked."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return True
    sys.stdout.write(
        f"this deletes all {results} results of the store, and the next build starts from nothing; continue? [y/N] "
    )
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _pinned() -> set[str]:
    """Return the SHA-256 of every archive that the catalog names."""
    catalog = own_catalog()
    origins = [
        origin for folder in catalog.recipes.values() for source in folder.recipe.sources for origin in source.origins
    ]
    origins += [origin for release in catalog.releases.values() for origin in release.origins]
    origins += catalog.sccache.values()
    origins += [wheel for toolchain in catalog.toolchains.values() for wheel in toolchain.wheels.values()]
    return {origin.sha256 for origin in origins}
