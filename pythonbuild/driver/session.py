"""The session of a command: the catalog, the places on disk, and the way from flags to a plan."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Optional

from pythonbuild.catalog.load import Catalog, own_catalog
from pythonbuild.catalog.schema import Origin
from pythonbuild.driver.engine_choice import EngineChoice, choose
from pythonbuild.driver.formats.base import OutputFormat
from pythonbuild.driver.formats.choose import check_engine, choose_format, words_of
from pythonbuild.driver.handlers import ARCHIVE_STEPS, PythonStep, inputs_of
from pythonbuild.driver.python_source import read_local_python
from pythonbuild.errors import BadRequest, UnknownName, listed
from pythonbuild.flags.build import Cached, ContainerFlags, RequestFlags
from pythonbuild.flags.declared import refuse
from pythonbuild.home import expanded, home
from pythonbuild.host.msvc import VisualStudioRequest, cpu_of_prompt, find_msvc
from pythonbuild.host.settings import read_settings
from pythonbuild.host.toolchains import Msvc
from pythonbuild.model.platforms import PLATFORMS, platform_of
from pythonbuild.model.target import building_machine, host_triple, system_of
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.step import Plan
from pythonbuild.request.build import BuildRequest, LocalPython, PgoProfile
from pythonbuild.sources.cache import SourceCache
from pythonbuild.store.connection import PATIENCE
from pythonbuild.store.places import place_of
from pythonbuild.store.shared import SharedStore
from pythonbuild.store.store import Store

__all__ = ["Session", "find_step", "open_store", "wanted_steps"]


_LONGEST = 3600.0  # seconds to wait for a shared store


@dataclass(frozen=True)
class Session:
    """Everything that one command works with."""

    catalog: Catalog
    store: Store
    sources: SourceCache
    cache: Path
    choice: EngineChoice
    logs: Path
    request: BuildRequest
    output: OutputFormat
    # Variables of the environment and of the user's settings files.
    settings: Mapping[str, str] = field(repr=False)
    # For `build-all --from`: (target, Python, options) of each build.  The request then has those of all of them.
    rows: tuple[tuple[str, str, str], ...] = ()

    @classmethod
    def start(cls, flags: RequestFlags, warn: Callable[[str], None]) -> Session:
        """Open catalog, store and caches, and read the request from the flags.

        warn: called with each warning about settings and stores.
        """
        settings = read_settings(os.environ, warn)
        cache = home()
        catalog = own_catalog()
        local_python = _local_python(flags)
        output = choose_format(flags, local_python)
        targets = _targets(flags, catalog)
        _refuse_on_windows(flags, targets)
        choice = choose(flags.engine, catalog, cache, output.image(catalog))
        check_engine(flags, output, choice.name)
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
            store=open_store(cache / "store", settings, warn),
            settings=settings,
            sources=SourceCache(cache / "sources"),
            cache=cache,
            choice=choice,
            logs=cache / "logs",
            request=request,
            output=output,
            rows=flags.rows,
        )

    def with_engine(self, choice: EngineChoice) -> Session:
        """Return this session with another engine, or with what is known of the engine since it started."""
        request = replace(self.request, engine=choice.name, llvm=choice.llvm, xcode=choice.xcode)
        return replace(self, choice=choice, request=request)

    def plan(self) -> Plan:
        """Return the plan of the request.  It depends on which sources are in the cache."""
        facts = PlanningFacts(
            machine=self.request.machine,
            llvm=self.request.llvm,
            xcode=self.request.xcode,
            msvc=self.request.msvc,
            choose_origin=self._choose_origin,
            handlers=inputs_of(self.python_steps()),
            packages=self.choice.packages,
        )
        return self.output.plan(self._requests(), self.catalog, facts)

    def python_steps(self) -> Mapping[str, PythonStep]:
        """Return the Python steps of all files that this command makes, by the names of their handlers."""
        return {**ARCHIVE_STEPS, **self.output.python_steps}

    def limits(self, flags: ContainerFlags) -> ContainerFlags:
        """Return the base image and the limits of this build's containers."""
        return replace(flags, base_image="") if self.output.takes_base_image else flags

    def _choose_origin(self, origins: tuple[Origin, ...]) -> int:
        """Return the index of an origin in the cache, else of the one that the shared store was built with, else 0."""
        here = [index for index, origin in enumerate(origins) if self.sources.find(origin)]
        if not here and self.store.shared and len(origins) > 1:
            return self.store.shared.chosen([origin.sha256 for origin in origins])
        return here[0] if here else 0

    def _requests(self) -> tuple[BuildRequest, ...]:
        """Return the request, or one for each row."""
        if not self.rows:
            return (self.request,)
        return tuple(
            replace(self.request, targets=(target,), pythons=(python,), options=(options,))
            for target, python, options in self.rows
        )


def open_store(folder: Path, settings: Mapping[str, str], warn: Callable[[str], None]) -> Store:
    """Return this machine's store, backed by the shared store of the settings.  Raises BadRequest for wrong settings."""
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
            f"give the number of seconds to wait for the shared store, at most {_LONGEST:.0f}",
        )
    shared = SharedStore(place_of(place, settings), patience)
    shared.say = lambda topic, text, level: warn(text) if level == "warning" else None
    return Store(folder, shared)


def _machine(flags: RequestFlags, catalog: Catalog, targets: tuple[str, ...]) -> tuple[str, Optional[Msvc]]:
    """Return the building machine, and Visual C++ for a Windows target.

    On another system, --plan gets those that a Windows machine would have.  Raises BadRequest for an impossible request,
    MissingPrerequisite if this machine lacks something.
    """
    if not _for_windows(targets):
        reason = "is for builds on Windows, and no target is for Windows"
        refuse(flags, "windows", reason, "drop it; build-windows.py builds for Windows")
        return building_machine(), None
    if len(targets) > 1:
        raise BadRequest("only one Windows target can be built at a time", "give one --target-triple")
    machine = building_machine()
    if system_of(machine) == "windows":
        wanted = VisualStudioRequest(studio=flags.vs, sdk=flags.windows_sdk_version, shell=flags.sh)
        return machine, find_msvc(catalog.target(targets[0]), machine, wanted, os.environ, catalog.prompts())
    if not flags.planning:
        raise BadRequest(
            "Pythons for Windows are built on Windows", "add --plan to print what a Windows machine would build"
        )
    # The plan does not depend on the Visual Studio, SDK and shell that flags choose.
    return f"{machine.partition('-')[0]}-windows", Msvc("Visual C++ of the machine that builds", Path("sh.exe"))


def _refuse_on_windows(flags: RequestFlags, targets: tuple[str, ...]) -> None:
    """Raise BadRequest for flags that have no effect, if a target is for Windows."""
    if not _for_windows(targets):
        return
    reason, hint = "has no effect on builds for Windows, which run on Windows itself", "drop it"
    refuse(flags, "containers", reason, hint)
    if flags.engine == "docker":
        raise BadRequest(f"--engine docker {reason}", hint)
    if isinstance(flags, Cached) and flags.sccache:
        raise BadRequest(f"--sccache {reason}, and sccache is not used there", hint)


def _targets(flags: RequestFlags, catalog: Catalog) -> tuple[str, ...]:
    """Return the triples of the targets.  The default is this machine's CPU on the entry script's platform.

    Raises UnknownName for an unknown target, BadRequest for one of another entry script.
    """
    for triple in flags.targets:
        own = catalog.target(triple).platform.name
        if flags.platform not in ("", own):
            raise BadRequest(f"{triple} is not a target for {flags.platform}", f"build it with build-{own}.py")
    if flags.targets:
        return flags.targets
    triple = host_triple()
    if not flags.platform:
        return (triple,)
    prompt = cpu_of_prompt(os.environ, catalog.prompts()) if flags.platform == "windows" else ""
    return (f"{prompt or triple.partition('-')[0]}-{PLATFORMS[flags.platform].native}",)


def _for_windows(targets: tuple[str, ...]) -> bool:
    return any(platform_of(triple).name == "windows" for triple in targets)


def _pgo_profile(flags: RequestFlags) -> Optional[PgoProfile]:
    if not flags.pgo_profile:
        return None
    path = expanded(flags.pgo_profile)
    if not path.is_file() or path.stat().st_size == 0:
        raise BadRequest(
            f"the profile {path} does not exist or is empty",
            "name the file python/build/pgo.profile of a full archive that was built with pgo",
        )
    content = path.read_bytes()
    return PgoProfile(path, hashlib.sha256(content).hexdigest(), content)


def find_step(plan: Plan, name: str) -> str:
    """Return the name of a step, given its name, its identity, or a beginning of its name that fits no other step.

    Raises BadRequest if several steps fit, UnknownName if none does.
    """
    if name in plan.steps:
        return name
    for step in plan:
        if step.identity == name:
            return step.name
    found = [step for step in plan.steps if re.match(re.escape(name) + r"[-@]", step)]
    if len(found) == 1:
        return found[0]
    if found:
        raise BadRequest(f"{name!r} fits several steps", listed("give the whole name of one: ", found))
    raise UnknownName("step", name, plan.steps)


def wanted_steps(session: Session, only: Sequence[str]) -> tuple[Plan, tuple[str, ...]]:
    """Return the plan and the steps that it exists for: the makers of outputs, or with --only the named steps and what they need."""
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


def _local_python(flags: RequestFlags) -> Optional[LocalPython]:
    if not flags.python_source:
        return None
    return read_local_python(expanded(flags.python_source))
