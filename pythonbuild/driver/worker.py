"""The scheduler and the workers of a Dask cluster.  A worker runs a step as a build on its own machine would.

Only commands for clusters install Dask's `distributed` (requirements-cluster.txt), so functions import it when they need it.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pythonbuild.catalog.load import Catalog, own_catalog
from pythonbuild.driver.handlers import ARCHIVE_STEPS, code_digest
from pythonbuild.driver.session import open_store
from pythonbuild.engines.host import HostEngine
from pythonbuild.errors import BadRequest, EngineUnavailable, MissingPrerequisite, PythonBuildError, StepError
from pythonbuild.home import home
from pythonbuild.host import doctor
from pythonbuild.host.llvm import find_llvm
from pythonbuild.host.settings import read_settings
from pythonbuild.model.target import building_machine, cpu_flags
from pythonbuild.plan.step import ScriptAction, SourceFile, Step, UnpackAction
from pythonbuild.request.build import check_cpu
from pythonbuild.run.cluster import StepJob, StepOutcome
from pythonbuild.run.execute import Executor
from pythonbuild.run.jobserver import JobTokens, job_tokens
from pythonbuild.run.leftovers import describe_leftovers, remove_leftovers
from pythonbuild.sources.cache import SourceCache
from pythonbuild.sources.downloaders import Downloader
from pythonbuild.sources.fetch import fetch_all
from pythonbuild.store.record import Record
from pythonbuild.store.store import Store

__all__ = ["address_of", "perform", "serve_scheduler", "serve_worker"]

_ANSWER = 15  # seconds that the scheduler may take to answer
_POLL = 0.1  # seconds between attempts to take a job token


def address_of(text: str) -> str:
    """Return a scheduler's address in Dask's form: tcp://HOST:PORT for dask://HOST:PORT."""
    return f"tcp://{text[len('dask://') :]}" if text.startswith("dask://") else text


def serve_scheduler(host: str, port: int, say: Callable[[str], None]) -> None:
    """Run a scheduler until it is interrupted.  say: called with its address.  Raises BadRequest if it cannot listen."""
    import asyncio

    from distributed import Scheduler

    async def serve() -> None:
        async with Scheduler(host=host, port=port, dashboard=False) as running:
            say(str(running.address).replace("tcp://", "dask://"))
            await running.finished()

    try:
        asyncio.run(serve())
    except (OSError, OverflowError, RuntimeError) as error:
        reason = error.__cause__ or error
        raise BadRequest(
            f"the scheduler cannot listen on {host}:{port}: {getattr(reason, 'strerror', None) or reason}",
            "use an address of this machine for --host, and a free port for --port",
        ) from error


def serve_worker(scheduler: str, jobs: int, say: Callable[[str], None], warn: Callable[[str], None]) -> None:
    """Run a worker until its scheduler ends or it is interrupted.  say: called when the worker is ready.

    Raises EngineUnavailable if the scheduler does not answer, BadRequest without a shared store, MissingPrerequisite if this machine
    cannot build.
    """
    import asyncio

    from distributed import Worker
    from distributed.comm.core import connect

    address = address_of(scheduler)
    settings = read_settings(os.environ, warn)
    if not settings.get("PYTHONBUILD_STORE"):
        raise BadRequest(
            "a worker needs a shared store for its results", "set PYTHONBUILD_STORE to the cluster's shared store"
        )
    wrong = doctor.findings(home(), home())
    if wrong:
        raise MissingPrerequisite("this machine is not ready to build:\n" + "\n".join(f"- {line}" for line in wrong))
    world = _open_world(jobs, settings, warn)
    _worlds.append(world)

    async def serve() -> None:
        # Without this check, the worker would wait for its scheduler forever.
        reach: Any = connect  # it has no types
        await (await reach(address, timeout=_ANSWER)).close()
        name = f"{platform.node()}-{os.getpid()}"
        async with Worker(address, nthreads=jobs, name=name, dashboard=False, local_directory=str(home())) as running:
            say(f"{name} waits for steps from {scheduler}")
            await running.finished()

    try:
        asyncio.run(serve())
    except (OSError, asyncio.TimeoutError) as error:
        raise EngineUnavailable(
            f"{scheduler} does not answer: {error}", "start it with the verb `scheduler`"
        ) from error
    finally:
        world.executor.cancel()


@dataclass
class _World:
    """The objects that all steps of a worker process share."""

    catalog: Catalog
    store: Store
    sources: SourceCache
    downloader: Downloader
    executor: Executor
    tokens: JobTokens
    # The digest of the code that this process runs, even if the checkout changes later.
    code: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    running: int = 0


# The state of this process after it has become a worker; else empty.
_worlds: list[_World] = []


def _open_world(jobs: int, settings: Mapping[str, str], warn: Callable[[str], None]) -> _World:
    cache = home()
    store, sources = open_store(cache / "store", settings, warn), SourceCache(cache / "sources")
    removed = describe_leftovers(*remove_leftovers(store, cache / "roots"))
    if removed:
        warn(f"removed {removed}")
    engine = HostEngine(cache / "roots")
    tokens = job_tokens(jobs, store.work, engine.job_protocol)
    executor = Executor(
        store=store,
        sources=sources,
        engine=engine,
        handlers={name: step.run for name, step in ARCHIVE_STEPS.items()},
        threads=jobs,
        makeflags=engine.makeflags(tokens.makeflags, tokens.fifo),
        inherited=tokens.inherited,
        share_now=True,
    )
    mirrors = tuple(settings.get("PYTHONBUILD_MIRRORS", "").split())
    catalog = own_catalog()
    return _World(catalog, store, sources, Downloader(mirrors), executor, tokens, code_digest())


def perform(job: StepJob) -> StepOutcome:
    """Run a step on this worker: download its needs and sources, run it, and upload its result to the shared store."""
    (world,), lines = _worlds, list[str]()
    name = f"{platform.node()}-{os.getpid()}"
    _take_token(world)
    try:
        _check_same(job, world)
        with world.store.in_use():
            records = {need.name: _need(need, world, lines) for need in job.needs}
            _fetch(job.step, world)
            record, built = world.executor.run(job.step, records, lines.append)
        return StepOutcome(name, record, built, lines=tuple(lines))
    except PythonBuildError as error:
        root = world.executor.root_of(job.step)
        left = f"; its build root is {root.path}" if root else ""
        return StepOutcome(name, error=f"{error.message}{left}", lines=tuple(lines))
    except OSError as error:
        return StepOutcome(name, error=f"{error.strerror}: {error.filename or ''}", lines=tuple(lines))
    finally:
        _give_token(world)


def _take_token(world: _World) -> None:
    with world.lock:
        if not world.running:
            world.tokens.refill()
        world.running += 1
    while not world.tokens.try_acquire():
        time.sleep(_POLL)


def _give_token(world: _World) -> None:
    world.tokens.release()
    with world.lock:
        world.running -= 1


def _check_same(job: StepJob, world: _World) -> None:
    """Raise StepError if this worker differs from the planning machine, so that its result would not match the key."""
    shared = world.store.shared
    if job.code != world.code:
        raise StepError("this worker runs another version of pythonbuild; update its checkout and restart it")
    if job.machine != building_machine():
        raise StepError(f"this worker is {building_machine()}, but the build was planned for {job.machine}")
    if not shared or shared.place.name != job.store:
        raise StepError(f"this worker's shared store is {shared.place.name if shared else 'none'}, not {job.store}")
    if isinstance(job.step.action, ScriptAction):
        if job.step.action.host_paths and job.llvm != find_llvm(world.catalog.toolchains.values()):
            raise StepError(f"this worker does not have the LLVM of the plan: {job.llvm}")
        target = world.catalog.targets.get(job.step.target)
        if target:
            check_cpu(target, cpu_flags())


def _need(step: Step, world: _World, lines: list[str]) -> Record:
    """Return the record of a needed step, after downloading its tree.  A missing toolchain is unpacked here."""
    record = world.store.bring(step.key, anew=True)
    if record is None and isinstance(step.action, UnpackAction):
        _fetch(step, world)
        with world.lock:
            record, _ = world.executor.run(step, {}, lines.append)
    if record is None:
        raise StepError(f"its input {step.name} is missing from the shared store")
    return record


def _fetch(step: Step, world: _World) -> None:
    """Download the sources of a step, from the origins that are part of its key."""
    wanted = [SourceFile(source.name, (source.origin,)) for source in step.sources if source.local is None]
    local = [source.name for source in step.sources if source.local is not None]
    if local:
        raise StepError(f"{local[0]} is a file on the planning machine, which workers cannot read")
    fetch_all(wanted, world.sources, world.downloader, _silent, offline=False)


def _silent(event: Any) -> None:
    """Ignore progress of downloads, which nobody watches on a worker."""
