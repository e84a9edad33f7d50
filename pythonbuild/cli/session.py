"""What the verbs share: the catalog, the places on disk, and the way from flags to a plan."""

from __future__ import annotations

import argparse
import hashlib
import platform
import re
import tarfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Optional

from pythonbuild.catalog.load import Catalog, load_catalog
from pythonbuild.cli.engines import Choice, choose
from pythonbuild.errors import BadRequest, UnknownName
from pythonbuild.home import checkout, home
from pythonbuild.model.target import host_triple
from pythonbuild.plan.planner import Planner, Surroundings
from pythonbuild.plan.step import Plan
from pythonbuild.request.build import BuildRequest, LocalPython, PgoProfile, read_patchlevel, resolve
from pythonbuild.sources.cache import SourceCache, sha256_of
from pythonbuild.store.store import Store
from pythonbuild.store.trees import digest_of, manifest_of

__all__ = ["Session", "find_step"]


@dataclass(frozen=True)
class Session:
    """The world as one command sees it."""

    catalog: Catalog
    store: Store
    sources: SourceCache
    cache: Path
    choice: Choice
    logs: Path
    request: BuildRequest

    @classmethod
    def start(cls, flags: argparse.Namespace, choice: Optional[Choice] = None) -> Session:
        """Open catalog, store and caches, and read the request from the flags.  choice: the engine, if it is known already."""
        cache = home()
        catalog = load_catalog(checkout() / "cpython-unix")
        choice = choice or choose(flags, catalog, cache)
        request = BuildRequest(
            targets=tuple(flags.targets or (host_triple(),)),
            pythons=tuple(flags.pythons or ()),
            options=tuple(flags.options or ()),
            machine=platform.machine(),
            toolchain=flags.toolchain,
            local_python=_local_python(flags),
            engine=choice.name,
            llvm=choice.llvm,
            formats=tuple(part for text in flags.formats or () for part in text.split(",")),
            release=flags.release,
            pgo_profile=_pgo_profile(flags),
        )
        return cls(
            catalog=catalog,
            store=Store(cache / "store"),
            sources=SourceCache(cache / "sources"),
            cache=cache,
            choice=choice,
            logs=cache / "logs",
            request=request,
        )

    def plan(self) -> Plan:
        """Return the plan of the request, as the source cache stands now."""
        builds = resolve(self.request, self.catalog)
        surroundings = Surroundings(
            machine=self.request.machine,
            llvm=self.request.llvm,
            choose_origin=self.sources.choose,
            handlers={
                "distribution": _code_digest("distribution", "binaries"),
                "strip": _code_digest("packaging", "binaries"),
                "archive": _code_digest("packaging"),
            },
        )
        return Planner(self.catalog, surroundings).plan(builds)


def _pgo_profile(flags: argparse.Namespace) -> Optional[PgoProfile]:
    if not flags.pgo_profile:
        return None
    path = Path(flags.pgo_profile)
    if not path.is_file() or path.stat().st_size == 0:
        raise BadRequest(
            f"there is no profile in {path}",
            "give the file python/build/pgo.profile out of a full archive built with pgo",
        )
    content = path.read_bytes()
    return PgoProfile(path, hashlib.sha256(content).hexdigest(), content)


def find_step(plan: Plan, name: str) -> str:
    """Return the step a user means by `name`: its name, or a beginning of it that fits one step only."""
    if name in plan.steps:
        return name
    found = [step for step in plan.steps if re.match(re.escape(name) + r"[-@]", step)]
    if len(found) == 1:
        return found[0]
    raise UnknownName("step", name, found or plan.steps)


@lru_cache(maxsize=8)
def _code_digest(*packages: str) -> str:
    """Return a digest of packages' code, so that a change to it makes the steps it does anew."""
    digest = hashlib.sha256()
    for path in (path for package in packages for path in sorted((checkout() / "pythonbuild" / package).glob("*.py"))):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _local_python(flags: argparse.Namespace) -> Optional[LocalPython]:
    if not flags.python_source:
        return None
    path = Path(flags.python_source).expanduser().absolute()
    if flags.pythons:
        raise BadRequest("--python and --python-source both say which CPython to build", "drop one of them")
    if path.is_dir():
        header = path / "Include" / "patchlevel.h"
        if not header.is_file():
            raise BadRequest(f"{path} is no CPython source tree: it has no Include/patchlevel.h")
        tree = [entry for entry in manifest_of(path) if not entry.path.startswith(".git/")]
        return LocalPython(path, read_patchlevel(header.read_text()), digest_of(tuple(tree)))
    if not path.is_file():
        raise BadRequest(f"there is no {path}")
    return LocalPython(path, read_patchlevel(_patchlevel_in(path)), sha256_of(path))


def _patchlevel_in(archive: Path) -> str:
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.name.endswith("Include/patchlevel.h"):
                    file = tar.extractfile(member)
                    return file.read().decode() if file else ""
    except tarfile.TarError as error:
        raise BadRequest(f"{archive} cannot be read as a tar archive: {error}") from None
    raise BadRequest(f"{archive} holds no Include/patchlevel.h", "is it a CPython source archive?")
