"""Run a plan that is ready to be run: on this machine by an engine, or by the workers of a cluster."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from pythonbuild.driver.cluster import cluster
from pythonbuild.driver.compiler_cache import describe
from pythonbuild.driver.preparing import Prepared
from pythonbuild.driver.session import Session
from pythonbuild.engines.host import HostEngine
from pythonbuild.errors import EngineLost
from pythonbuild.events import Display, Note
from pythonbuild.flags.build import RunFlags
from pythonbuild.plan.step import Plan
from pythonbuild.request.build import Build
from pythonbuild.run.execute import Executor, Steps
from pythonbuild.run.jobserver import JobTokens, LocalJobs, job_tokens
from pythonbuild.run.loop import Run, RunResult

__all__ = ["run_here", "run_on_cluster", "send_rest"]


def run_here(ready: Prepared, flags: RunFlags, display: Display) -> RunResult:
    """Run the steps on this machine."""
    session, jobs = ready.session, 1 if flags.serial else flags.jobs
    # Without an engine, no step runs a script.
    engine = ready.engine or HostEngine(session.cache / "roots")
    jobserver = job_tokens(jobs, session.store.work, engine.job_protocol)
    display(Note("engine", f"{engine.describe()}, {jobs} jobs at once"))
    executor = Executor(
        store=session.store,
        sources=session.sources,
        engine=engine,
        handlers={name: step.run for name, step in session.python_steps().items()},
        threads=jobs,
        makeflags=engine.makeflags(jobserver.makeflags, jobserver.fifo),
        inherited=jobserver.inherited,
    )
    before = engine.overhead()
    result = _run_plan(ready, flags, display, executor, jobserver)
    if result.failures and flags.break_on_failure:
        failed = result.failures[0].step
        root = executor.root_of(ready.plan.steps[failed])
        if root and sys.stdin.isatty():
            display(Note("", f"{failed} failed; this shell is in its build root ({root.path}); leave with exit"))
            display.close()
            root.shell()
    executor.close()
    kept = describe(engine.compilations())
    if kept:
        display(Note("sccache", kept))
    waited = engine.overhead() - before
    if waited:
        share = waited / result.seconds
        display(Note("engine", f"waited for {waited:.1f} s for the container daemon, {share:.1%} of the run's time"))
    return result


def run_on_cluster(ready: Prepared, flags: RunFlags, display: Display) -> RunResult:
    """Run the steps on a cluster's workers, and bring the requested results to this machine."""
    with cluster(flags.executor, ready.session, ready.plan) as (steps, slots):
        display(Note("cluster", f"{flags.executor}, {slots} steps at once"))
        result = _run_plan(ready, flags, display, steps, LocalJobs(slots))
    for name in ready.final:
        if name in result.records and not ready.session.store.bring(ready.plan.steps[name].key, anew=True):
            raise EngineLost(f"the result of {name} is missing from the shared store", "run the same command again")
    return result


def _run_plan(ready: Prepared, flags: RunFlags, display: Display, steps: Steps, tokens: JobTokens) -> RunResult:
    """Run a plan to its end, with one thread for each job token."""
    _show_notes(ready.session, ready.plan, display)
    pool = ThreadPoolExecutor(tokens.jobs, thread_name_prefix="step")
    run = Run(
        plan=ready.plan,
        found=ready.found,
        store=ready.session.store,
        executor=steps,
        jobserver=tokens,
        pool=pool,
        observer=display,
        logs=ready.session.logs,
        keep_going=flags.keep_going,
    )
    try:
        return run.go()
    finally:
        pool.shutdown(wait=True)
        tokens.close()


def _show_notes(session: Session, plan: Plan, display: Display) -> None:
    """Display notes about the Pythons to build, and the compilers of this machine."""
    builds = [output.build for output in plan.outputs if isinstance(output.build, Build)]
    for toolchain in (session.catalog.toolchain(name) for name in dict.fromkeys(build.toolchain for build in builds)):
        if toolchain.note:
            display(Note("note", f"{toolchain.name}: {toolchain.note}"))
    if session.request.xcode:
        display(Note("xcode", str(session.request.xcode)))
    elif session.request.msvc:
        display(Note("msvc", f"{session.request.msvc.studio}, {session.request.msvc}"))
    elif "APPLE_SDK_PATH" in os.environ and any(build.target.macos for build in builds):
        display(Note("", "APPLE_SDK_PATH is ignored: only builds on a Mac need Apple's SDK", "warning"))


def send_rest(session: Session, plan: Plan, result: RunResult, display: Display) -> None:
    """Wait until the shared store has all results, and display how many were downloaded and uploaded.

    The chosen origins of all sources are recorded there as well, because the keys depend on them.
    """
    shared = session.store.shared
    if not shared:
        return
    for source in (source for step in plan if result.built for source in step.sources):
        if source.chosen and source.local is None:
            shared.choose([origin.sha256 for origin in source.origins], source.chosen)
    if shared.waiting():
        display(Note("shared", f"sending {shared.waiting()} more results to {shared.place.name}"))
        shared.finish()
    if shared.brought or shared.sent:
        display(Note("shared", f"{shared.brought} results from {shared.place.name}, {shared.sent} to it"))
