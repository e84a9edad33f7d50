"""The build verb: plan, check the machine, fetch, run, deliver, report."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Optional, Union

from pythonbuild import doctor
from pythonbuild.cli.compiler_cache import describe, find_cache, wheel
from pythonbuild.cli.deliver import Delivered, check_signing, deliver
from pythonbuild.cli.engines import check_release, start
from pythonbuild.cli.environment import read_settings
from pythonbuild.cli.handlers import handlers
from pythonbuild.cli.session import Session, find_step
from pythonbuild.engines.base import Engine
from pythonbuild.engines.host import HostEngine
from pythonbuild.errors import BadRequest, MissingPrerequisite, StepsFailed
from pythonbuild.events import Note
from pythonbuild.model.target import cpu_flags
from pythonbuild.plan.step import Plan, PythonAction, ScriptAction, SourceFile, Step
from pythonbuild.request.build import Build, check_cpu, check_runs_on
from pythonbuild.run.execute import Executor
from pythonbuild.run.jobserver import job_tokens
from pythonbuild.run.loop import Run, RunResult, lookup
from pythonbuild.run.schedule import State
from pythonbuild.sources.downloaders import Downloader
from pythonbuild.sources.fetch import fetch_all
from pythonbuild.ui.jsonl import JsonObserver
from pythonbuild.ui.live import LiveObserver
from pythonbuild.ui.plain import PlainObserver
from pythonbuild.ui.text import Style, failure_block, seconds, size

__all__ = ["build_plan", "finished", "make_step"]

_Observer = Union[JsonObserver, LiveObserver, PlainObserver]


def build_plan(flags: argparse.Namespace, fetch_only: bool) -> int:
    """Build what the flags ask for (or only fetch its sources); returns the exit status."""
    started = time.monotonic()
    if fetch_only:
        _make(flags, fetch_only=True)
        return 0
    check_signing(flags.sign)
    session, plan, result = _make(flags)
    delivered = deliver(session.store, finished(plan, result), result.records, Path(flags.output), flags.sign)
    _summary(plan, result, delivered, time.monotonic() - started, flags)
    _raise_failures(result, flags)
    return 0


def finished(plan: Plan, result: RunResult) -> Plan:
    """Return the plan with the outputs of those builds only of which nothing is missing: other builds may have failed."""
    missing = {output.build for output in plan.outputs if output.step not in result.records}
    return replace(plan, outputs=tuple(output for output in plan.outputs if output.build not in missing))


def make_step(flags: argparse.Namespace, name: str) -> Path:
    """Make one step of what the flags ask for, if the store does not have it; returns its tree."""
    flags.only = name
    session, plan, result = _make(flags)
    _raise_failures(result, flags)
    (step,) = (step for step in plan if step.name == find_step(plan, name))
    return session.store.tree(result.records[step.name])


def _make(flags: argparse.Namespace, fetch_only: bool = False) -> tuple[Session, Plan, RunResult]:
    """Plan, fetch, run."""
    if not fetch_only and flags.jobs < 1:
        raise BadRequest(f"--jobs {flags.jobs} is less than one job")
    session = Session.start(flags)
    plan, final = _wanted(session, flags)
    observer = _observer(flags)
    engine: Optional[Engine] = None

    def warn(text: str) -> None:
        observer(Note(text, "warning"))

    try:
        settings = read_settings(os.environ, warn)
        with session.store.in_use():
            todo = _to_do(session, plan, final)
            if fetch_only:
                _fetch(session, [*_sources(list(plan)), *wheel(flags, session)], flags, observer)
                return session, plan, RunResult({}, (), (), (), 0.0)
            _check_machine(todo, session, flags)
            if any(isinstance(step.action, ScriptAction) for step in todo):
                _fetch(session, wheel(flags, session), flags, observer)
                find = partial(find_cache, flags, session, settings, warn)
                choice, engine = start(session.choice, flags, session.catalog, session.cache, observer, find)
                session = Session.start(flags, choice)
                plan, final = _wanted(session, flags)
                todo = _to_do(session, plan, final)
                _check_machine(todo, session, flags)  # it may have turned out to be this machine after all
            _fetch(session, _sources(todo), flags, observer)
            # What was fetched decides the keys: another origin may carry other bytes.
            plan, final = _wanted(session, flags)
            result = _run(session, plan, final, flags, observer, engine)
    finally:
        if engine:
            engine.close()
        observer.close()
    return session, plan, result


def _to_do(session: Session, plan: Plan, final: tuple[str, ...]) -> list[Step]:
    """Return the steps that are to be built."""
    found, _ = lookup(plan, session.store, final)
    return [step for step in plan if found[step.name] is State.BUILD]


def _wanted(session: Session, flags: argparse.Namespace) -> tuple[Plan, tuple[str, ...]]:
    """Return the plan and the steps it is for: those of its outputs, or that of --only."""
    plan = session.plan()
    only = getattr(flags, "only", None)
    if only:
        step = find_step(plan, only)
        return plan.closure([step]), (step,)
    return plan, tuple(output.step for output in plan.outputs)


def _check_machine(todo: list[Step], session: Session, flags: argparse.Namespace) -> None:
    """Raise MissingPrerequisite with all that is wrong here, if there is anything to be built; BadRequest if it would not run here."""
    for triple in session.request.targets:
        target = session.catalog.target(triple)
        if any(isinstance(step.action, ScriptAction) and f"@{triple}/" in step.identity for step in todo):
            check_cpu(target, cpu_flags())
        if target.windows and any(isinstance(step.action, PythonAction) for step in todo):
            check_runs_on(target, session.request.machine)
    if session.debian and todo:
        check_release(session.choice, session.debian, session.catalog)
    output = Path(flags.output).absolute()
    wrong = doctor.findings(session.cache, output, tools=session.choice.name == "host") if todo else []
    if wrong:
        raise MissingPrerequisite(
            "this machine is not ready to build:\n" + "\n".join(f"- {finding}" for finding in wrong)
        )


def _sources(steps: list[Step]) -> list[SourceFile]:
    return [source for step in steps for source in step.sources]


def _fetch(session: Session, sources: list[SourceFile], flags: argparse.Namespace, observer: _Observer) -> None:
    """Bring sources into the cache."""
    mirrors = tuple(read_settings(os.environ, lambda text: None).get("PYTHONBUILD_MIRRORS", "").split())
    fetch_all(sources, session.sources, Downloader(mirrors), observer, offline=flags.offline)


def _run(
    session: Session,
    plan: Plan,
    final: tuple[str, ...],
    flags: argparse.Namespace,
    observer: _Observer,
    engine: Optional[Engine],
) -> RunResult:
    jobs = 1 if flags.serial else flags.jobs
    # Without one, what is to be done needs none, or nothing is to be done.
    engine = engine or HostEngine(session.cache / "roots")
    jobserver = job_tokens(jobs, session.store.work, engine.job_protocol)
    observer(Note(f"engine   {engine.describe()}, {jobs} jobs at once"))
    _notes(session, plan, observer)
    executor = Executor(
        plan=plan,
        store=session.store,
        sources=session.sources,
        engine=engine,
        handlers=handlers(jobs),
        makeflags=engine.makeflags(jobserver.makeflags, jobserver.fifo),
        inherited=jobserver.inherited,
    )
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="step")
    run = Run(
        plan=plan,
        final=final,
        store=session.store,
        executor=executor,
        jobserver=jobserver,
        pool=pool,
        observer=observer,
        logs=session.logs,
        keep_going=flags.keep_going,
    )
    before = engine.overhead()
    try:
        result = run.go()
    finally:
        pool.shutdown(wait=True)
        jobserver.close()
    if result.failures and flags.break_on_failure:
        observer.close()
        root = executor.root_of(result.failures[0].step)
        if root and sys.stdin.isatty():
            sys.stderr.write(
                f"{result.failures[0].step} failed; this shell is in its build root ({root.path}); leave with exit\n"
            )
            root.shell()
    executor.close()
    kept = describe(engine.compilations())
    if kept:
        observer(Note(kept))
    waited = engine.overhead() - before
    if waited:
        share = waited / result.seconds
        observer(
            Note(f"engine   waited for {waited:.1f} s for the daemon over all steps, {share:.1%} of the run's time")
        )
    return result


def _notes(session: Session, plan: Plan, observer: _Observer) -> None:
    """Tell what people have to know of the Pythons that are going to be built."""
    builds = [output.build for output in plan.outputs if isinstance(output.build, Build)]
    for toolchain in (session.catalog.toolchain(name) for name in dict.fromkeys(build.toolchain for build in builds)):
        if toolchain.note:
            observer(Note(f"note     {toolchain.name}: {toolchain.note}"))
    if session.request.xcode:
        observer(Note(f"xcode    {session.request.xcode}"))
    elif session.request.msvc:
        observer(Note(f"msvc     {session.request.msvc.studio}, {session.request.msvc}"))
    elif "APPLE_SDK_PATH" in os.environ and any(build.target.macos for build in builds):
        observer(Note("APPLE_SDK_PATH is read on a Mac only: on Linux an SDK of Apple's is not needed", "warning"))


def _observer(flags: argparse.Namespace) -> _Observer:
    if flags.json:
        return JsonObserver(sys.stdout, flags.verbose)
    style = Style(flags.color, sys.stderr)
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        return LiveObserver(sys.stderr, style, flags.verbose)
    return PlainObserver(sys.stderr, style, flags.verbose)


def _raise_failures(result: RunResult, flags: argparse.Namespace) -> None:
    """Raise StepsFailed, after telling which, if something failed."""
    if not result.failures:
        return
    style = Style(flags.color, sys.stderr)
    for failure in result.failures:
        what = _request_arguments(flags)
        enter = shlex.join(["python3", "-m", "pythonbuild", "shell", failure.step, *what])
        sys.stderr.write("\n" + failure_block(failure, style, flags.command_line, enter) + "\n")
    raise StepsFailed(f"{len(result.failures)} steps failed")


def _request_arguments(flags: argparse.Namespace) -> list[str]:
    """Return the flags that choose what is built, for a command that must mean the same plan."""
    arguments = []
    for flag, values in (
        ("--target", flags.targets),
        ("--python", flags.pythons),
        ("--options", flags.options),
        ("--formats", flags.formats),
    ):
        arguments += [part for value in values or () for part in (flag, value)]
    for flag, value in (
        ("--python-source", flags.python_source),
        ("--pgo-profile", flags.pgo_profile),
        ("--distro", flags.distro),
        ("--distro-name", flags.distro_name),
        ("--revision", "" if flags.revision == "1" else flags.revision),
        ("--maintainer", flags.maintainer),
        ("--package-name", flags.package_name),
        ("--engine", "" if flags.engine == "auto" else flags.engine),
        ("--toolchain", "" if flags.toolchain == "auto" else flags.toolchain),
    ):
        arguments += [flag, value] if value else []
    for flag, chosen in (
        ("--release", flags.release),
        ("--fast", flags.fast),
        ("--enable-shared", flags.enable_shared),
    ):
        arguments += [flag] if chosen else []
    if flags.freethreaded is not None:
        arguments.append("--freethreaded" if flags.freethreaded else "--no-freethreaded")
    return arguments


def _summary(
    plan: Plan, result: RunResult, delivered: list[Delivered], elapsed: float, flags: argparse.Namespace
) -> None:
    if flags.json:
        return
    lines = []
    slowest = sorted(result.built, key=lambda name: -result.records[name].seconds)[:5]
    if slowest:
        lines.append("slowest: " + ", ".join(f"{name} {seconds(result.records[name].seconds)}" for name in slowest))
    cached = len(result.records) - len(result.built)
    lines.append(f"{len(result.built)} steps built, {cached} from the store, in {seconds(elapsed)}")
    lines += [f"{file.path}  {size(file.bytes)}" for file in delivered]
    if not delivered and plan.steps and not result.failures:
        lines += [f"{name} is in the store" for name in list(result.records)[-1:]]
    sys.stdout.write("\n".join(lines) + "\n")
