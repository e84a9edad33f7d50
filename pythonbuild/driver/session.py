"""What the verbs share: the catalog, the places on disk, and the way from flags to a plan."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Optional

from pythonbuild.catalog.load import Catalog, load_catalog
from pythonbuild.catalog.schema import Origin
from pythonbuild.driver.engine_choice import Choice, choose
from pythonbuild.driver.formats.base import OutputFormat
from pythonbuild.driver.formats.choose import check_engine, choose_format, words_of
from pythonbuild.driver.python_source import read_local_python
from pythonbuild.errors import BadRequest, UnknownName
from pythonbuild.flags.build import Containers, RequestFlags
from pythonbuild.flags.declared import refuse
from pythonbuild.home import checkout, code, expanded, home
from pythonbuild.host.msvc import Wishes, cpu_of_prompt, find_msvc
from pythonbuild.host.settings import read_settings
from pythonbuild.host.toolchains import Msvc
from pythonbuild.model.target import building_machine, host_triple, system_of
from pythonbuild.plan.planner import Surroundings
from pythonbuild.plan.step import Plan
from pythonbuild.request.build import BuildRequest, LocalPython, PgoProfile
from pythonbuild.sources.cache import SourceCache
from pythonbuild.store.connection import PATIENCE
from pythonbuild.store.places import place_of
from pythonbuild.store.shared import SharedStore
from pythonbuild.store.store import Store

__all__ = ["Session", "code_digest", "find_step", "open_store", "wanted_steps"]

# What the triples of an entry script's targets have in common; and what follows the CPU in them where this machine is of another system.
_PLATFORMS = {"linux": "-linux-", "macos": "-apple-", "windows": "-windows-"}
_TARGETS = {"linux": "unknown-linux-gnu", "macos": "apple-darwin", "windows": "pc-windows-msvc"}
_LONGEST = 3600.0  # seconds that a shared store may be waited for


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
    output: OutputFormat
    # Of the environment, and of the user's files.
    settings: Mapping[str, str] = field(repr=False)
    # Where many are to be built, (target, Python, options) of each; the request's own are those of all then.
    rows: tuple[tuple[str, str, str], ...] = ()

    @classmethod
    def start(
        cls,
        flags: RequestFlags,
        warn: Callable[[str], None],
        choice: Optional[Choice] = None,
        before: Optional[Session] = None,
    ) -> Session:
        """Open catalog, store and caches, and read the request from the flags.

        warn: called with each warning about settings and stores; choice: the engine, if it is known already;
        before: an earlier session of this command, whose settings and store are used again.
        """
        settings = before.settings if before else read_settings(os.environ, warn)
        cache = home()
        catalog = load_catalog(checkout() / "cpython-unix")
        local_python = _local_python(flags)
        output = choose_format(flags, local_python)
        if choice is None:
            choice = choose(flags.engine, catalog, cache, output.image(catalog))
            check_engine(flags, output, choice.name)
        targets = _targets(flags)
        machine, msvc = _machine(flags, catalog, targets)
        request = BuildRequest(
            targets=targets,
            pythons=flags.pythons,
            options=flags.options,
            machine=machine,
            toolchain=flags.toolchain,
            local_python=local_python,
            engine=choice.name,
            llvm=choice.llvm,
            xcode=choice.xcode,
            msvc=msvc,
            formats=words_of(flags),
            release=flags.release,
            pgo_profile=_pgo_profile(flags),
        )
        return cls(
            catalog=catalog,
            store=before.store if before else open_store(cache / "store", settings, warn),
            settings=settings,
            sources=SourceCache(cache / "sources"),
            cache=cache,
            choice=choice,
            logs=cache / "logs",
            request=request,
            output=output,
            rows=flags.rows,
        )

    def plan(self) -> Plan:
        """Return the plan of the request, as the source cache stands now."""
        surroundings = Surroundings(
            machine=self.request.machine,
            llvm=self.request.llvm,
            xcode=self.request.xcode,
            msvc=self.request.msvc,
            choose_origin=self._choose_origin,
            handlers={
                "distribution": code_digest("distribution", "binaries"),
                "strip": code_digest("packaging", "binaries"),
                "archive": code_digest("packaging"),
                "oci": code_digest("oci", "packaging"),
            },
            packages=self.choice.packages,
        )
        return self.output.plan(self._requests(), self.catalog, surroundings)

    def limits(self, flags: Containers) -> Containers:
        """Return what the containers of this build are made from, and may take."""
        return replace(flags, base_image="") if self.output.takes_base_image else flags

    def _choose_origin(self, origins: tuple[Origin, ...]) -> int:
        """Return the index of the origin that is here, else of the one that the others have built with, else 0."""
        here = [index for index, origin in enumerate(origins) if self.sources.find(origin)]
        if not here and self.store.shared and len(origins) > 1:
            return self.store.shared.chosen([origin.sha256 for origin in origins])
        return here[0] if here else 0

    def _requests(self) -> tuple[BuildRequest, ...]:
        """Return the request, or those that it stands for."""
        if not self.rows:
            return (self.request,)
        return tuple(
            replace(self.request, targets=(target,), pythons=(python,), options=(options,))
            for target, python, options in self.rows
        )


def open_store(folder: Path, settings: Mapping[str, str], warn: Callable[[str], None]) -> Store:
    """Return the store of this machine, and behind it the one that the settings name.  Raises BadRequest if it names none."""
    place = settings.get("PYTHONBUILD_STORE", "")
    if not place:
        return Store(folder)
    text = settings.get("PYTHONBUILD_STORE_TIMEOUT", "")
    try:
        patience = float(text) if text else PATIENCE
    except ValueError:
        patience = 0.0
    if not 0 < patience <= _LONGEST:
        raise BadRequest(
            f"PYTHONBUILD_STORE_TIMEOUT is {text!r}",
            f"give the seconds until the shared store must have answered, {_LONGEST:.0f} at most",
        )
    shared = SharedStore(place_of(place, settings), patience)
    shared.say = lambda text, level: warn(text) if level == "warning" else None
    return Store(folder, shared)


def _machine(flags: RequestFlags, catalog: Catalog, targets: tuple[str, ...]) -> tuple[str, Optional[Msvc]]:
    """Return the building machine, and for a Python for Windows its compiler; on another system, where such a one is planned only, those
    that a Windows machine would have.

    Raises BadRequest for what cannot be, MissingPrerequisite if this machine lacks something.
    """
    if not any(_PLATFORMS["windows"] in triple for triple in targets):
        reason = "chooses what a Windows machine builds with, and no target is for Windows"
        refuse(flags, "windows", reason, "drop it; build-windows.py builds for Windows")
        return building_machine(), None
    if len(targets) > 1:
        raise BadRequest("only one Windows target can be built at a time", "give one --target-triple")
    machine = building_machine()
    if system_of(machine) == "windows":
        wishes = Wishes(studio=flags.vs, sdk=flags.windows_sdk_version, shell=flags.sh)
        return machine, find_msvc(catalog.target(targets[0]), machine, wishes, os.environ)
    if not flags.planning:
        raise BadRequest("Pythons for Windows are built on Windows", "use --plan to see what would be done there")
    # The plan is the same for every Visual Studio, SDK and shell that flags may choose.
    return f"{machine.partition('-')[0]}-windows", Msvc("Visual C++ of the machine that builds", Path("sh.exe"))


def _targets(flags: RequestFlags) -> tuple[str, ...]:
    """Return the triples of the targets asked for; by default this machine's CPU, of the entry script's platform.

    Raises BadRequest if one is another entry script's.
    """
    wanted = _PLATFORMS.get(flags.platform, "")
    for triple in flags.targets:
        other = next((name for name, part in _PLATFORMS.items() if part in triple), "")
        if wanted and other and other != flags.platform:
            raise BadRequest(f"{triple} is not a target for {flags.platform}", f"build it with build-{other}.py")
    if flags.targets:
        return flags.targets
    own = host_triple()
    prompt = cpu_of_prompt(os.environ) if flags.platform == "windows" else ""
    if prompt:
        own = f"{prompt}-{_TARGETS['windows']}"
    return (own if wanted in own else f"{own.partition('-')[0]}-{_TARGETS[flags.platform]}",)


def _pgo_profile(flags: RequestFlags) -> Optional[PgoProfile]:
    if not flags.pgo_profile:
        return None
    path = expanded(flags.pgo_profile)
    if not path.is_file() or path.stat().st_size == 0:
        raise BadRequest(
            f"there is no profile in {path}",
            "give the file python/build/pgo.profile from a full archive built with pgo",
        )
    content = path.read_bytes()
    return PgoProfile(path, hashlib.sha256(content).hexdigest(), content)


def find_step(plan: Plan, name: str) -> str:
    """Return the step that a user means by `name`: its name or identity, or a beginning of its name that fits no other step."""
    if name in plan.steps:
        return name
    for step in plan:
        if step.identity == name:
            return step.name
    found = [step for step in plan.steps if re.match(re.escape(name) + r"[-@]", step)]
    if len(found) == 1:
        return found[0]
    raise UnknownName("step", name, found or plan.steps)


def wanted_steps(session: Session, only: Sequence[str]) -> tuple[Plan, tuple[str, ...]]:
    """Return the plan and the steps that it is for: those of its outputs, or those that --only names, with what they need."""
    plan = session.plan()
    if not only:
        return plan, tuple(output.step for output in plan.outputs)
    steps: dict[str, None] = {}
    for name in only:
        found = plan.dependencies() if name == "dependencies" else (find_step(plan, name),)
        if not found:
            raise BadRequest("--only does not work for Debian packages, which are one step", "drop --only")
        steps.update(dict.fromkeys(found))
    return plan.closure(list(steps)), tuple(steps)


@lru_cache(maxsize=8)
def code_digest(*packages: str) -> str:
    """Return a digest of packages' code, so that a change to it makes the steps it does anew; without names, of all code."""
    files = [path for package in packages for path in sorted((code() / package).glob("*.py"))]
    digest = hashlib.sha256()
    for path in files if packages else sorted(code().rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _local_python(flags: RequestFlags) -> Optional[LocalPython]:
    if not flags.python_source:
        return None
    return read_local_python(expanded(flags.python_source))
