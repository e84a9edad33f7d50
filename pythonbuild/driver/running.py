"""Run a plan that is ready to be run: on this machine by an engine, or by the workers of a cluster."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Optional

from pythonbuild.driver.cluster import cluster
from pythonbuild.driver.compiler_cache import describe
from pythonbuild.driver.handlers import handlers
from pythonbuild.driver.session import Session
from pythonbuild.engines.base import Engine
from pythonbuild.engines.host import HostEngine
from pythonbuild.errors import EngineLost
from pythonbuild.events import Display, Note
from pythonbuild.flags.build import RunFlags
from pythonbuild.plan.step import Plan
from pythonbuild.request.build import Build
from pythonbuild.run.cluster import shared_lookup
from pythonbuild.run.execute import Executor, Steps
from pythonbuild.run.jobserver import Jobs, LocalJobs, job_tokens
from pythonbuild.run.loop import Look, Run, RunResult, lookup

__all__ = ["run_here", "run_on_cluster", "send_rest"]


def run_here(
    session: Session,
    plan: Plan,
    final: tuple[str, ...],
    flags: RunFlags,
    display: Display,
    engine: Optional[Engine],
) -> RunResult:
    """Run the steps on this machine."""
    jobs = 1 if flags.serial else flags.jobs
    # Without one, what is to be done needs none, or nothing is to be done.
    engine = engine or HostEngine(session.cache / "roots")
    jobserver = job_tokens(jobs, session.store.work, engine.job_protocol)
    display(Note(f"engine   {engine.describe()}, {jobs} jobs at once"))
    executor = Executor(
        store=session.store,
        sources=session.sources,
        engine=engine,
        handlers=handlers(jobs),
        makeflags=engine.makeflags(jobserver.makeflags, jobserver.fifo),
        inherited=jobserver.inherited,
    )
    before = engine.overhead()
    result = _go(session, plan, final, flags, display, executor, jobserver)
    if result.failures and flags.break_on_failure:
        failed = result.failures[0].step
        root = executor.root_of(plan.steps[failed])
        if root and sys.stdin.isatty():
            display(Note(f"{failed} failed; this shell is in its build root ({root.path}); leave with exit"))
            display.close()
            root.shell()
    executor.close()
    kept = describe(engine.compilations())
    if kept:
        display(Note(kept))
    waited = engine.overhead() - before
    if waited:
        share = waited / result.seconds
        display(Note(f"engine   waited for {waited:.1f} s for the container daemon, {share:.1%} of the run's time"))
    return result


def run_on_cluster(
    session: Session, plan: Plan, final: tuple[str, ...], flags: RunFlags, display: Display
) -> RunResult:
    """Have the workers of a cluster run the steps; what is asked for is brought here at the end."""
    with cluster(flags.executor, session, plan) as (steps, slots):
        display(Note(f"cluster  {flags.executor}, {slots} steps at once"))
        result = _go(session, plan, final, flags, display, steps, LocalJobs(slots), shared_lookup)
    for name in final:
        if name in result.records and not session.store.bring(plan.steps[name].key, anew=True):
            raise EngineLost(f"the result of {name} is missing from the shared store", "run the same command again")
    return result


def _go(
    session: Session,
    plan: Plan,
    final: tuple[str, ...],
    flags: RunFlags,
    display: Display,
    steps: Steps,
    tokens: Jobs,
    look: Look = lookup,
) -> RunResult:
    """Run a plan to its end, by so many threads as there are job tokens."""
    _tell_notes(session, plan, display)
    pool = ThreadPoolExecutor(tokens.jobs, thread_name_prefix="step")
    run = Run(
        plan=plan,
        final=final,
        store=session.store,
        executor=steps,
        jobserver=tokens,
        pool=pool,
        observer=display,
        logs=session.logs,
        keep_going=flags.keep_going,
        look=look,
    )
    try:
        return run.go()
    finally:
        pool.shutdown(wait=True)
        tokens.close()


def _tell_notes(session: Session, plan: Plan, display: Display) -> None:
    """Tell what people have to know of the Pythons that are going to be built."""
    builds = [output.build for output in plan.outputs if isinstance(output.build, Build)]
    for toolchain in (session.catalog.toolchain(name) for name in dict.fromkeys(build.toolchain for build in builds)):
        if toolchain.note:
            display(Note(f"note     {toolchain.name}: {toolchain.note}"))
    if session.request.xcode:
        display(Note(f"xcode    {session.request.xcode}"))
    elif session.request.msvc:
        display(Note(f"msvc     {session.request.msvc.studio}, {session.request.msvc}"))
    elif "APPLE_SDK_PATH" in os.environ and any(build.target.macos for build in builds):
        display(Note("APPLE_SDK_PATH is ignored: only builds on a Mac need Apple's SDK", "warning"))


def send_rest(session: Session, plan: Plan, result: RunResult, display: Display) -> None:
    """Wait until the shared store has what was built, and tell how much came and went.

    Others need to know the origins of all sources to find it, also of those that this machine had built with before.
    """
    shared = session.store.shared
    if not shared:
        return
    for source in (source for step in plan if result.built for source in step.sources):
        if source.chosen and source.local is None:
            shared.choose([origin.sha256 for origin in source.origins], source.chosen)
    if shared.waiting():
        display(Note(f"shared   sending {shared.waiting()} more results to {shared.place.name}"))
        shared.finish()
    if shared.brought or shared.sent:
        display(Note(f"shared   {shared.brought} results from {shared.place.name}, {shared.sent} to it"))
