"""The loop that runs a plan: it starts ready steps while job tokens are free, collects results, and cancels."""

from __future__ import annotations

import errno
import time
from collections.abc import Collection, Mapping
from concurrent.futures import Executor as Pool
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pythonbuild.errors import DamagedArtifact, DiskFull, PythonBuildError, StepError
from pythonbuild.events import (
    Failure,
    Note,
    Observer,
    PlanReady,
    RunFinished,
    StepCached,
    StepFailed,
    StepFinished,
    StepOutput,
    StepSkipped,
    StepStarted,
)
from pythonbuild.plan.step import Plan, Step
from pythonbuild.run.execute import Steps
from pythonbuild.run.failure import first_error
from pythonbuild.run.jobserver import JobTokens
from pythonbuild.run.schedule import State, priorities, ready, states
from pythonbuild.store.record import Record, slug
from pythonbuild.store.store import Store

__all__ = ["Lookup", "Run", "RunResult", "lookup", "states_without_verifying"]

_POLL = 0.3  # seconds between looks at a step that another process is building

Lookup = tuple[dict[str, State], dict[str, Record]]
_LOOKING = 8  # entries of the store that are looked up at the same time


@dataclass(frozen=True)
class RunResult:
    """The end of a run: records of all finished steps, names of those built in this run, failures, and names of skipped steps."""

    records: dict[str, Record]
    built: tuple[str, ...]
    failures: tuple[Failure, ...]
    skipped: tuple[str, ...]
    seconds: float


def lookup(plan: Plan, store: Store, final: Collection[str]) -> Lookup:
    """Return each step's state, and the records of cached steps.  Results that only the shared store has are downloaded.

    The inputs of steps to build are verified byte by byte.  Damaged results count as missing, so they are built again.
    """
    records: dict[str, Record] = {}

    def one(name: str) -> None:
        record = store.bring(plan.steps[name].key)
        if record and (name in final or not store.check(record, thorough=True)):
            records[name] = record

    def stored(names: Collection[str]) -> Collection[str]:
        with ThreadPoolExecutor(_LOOKING, thread_name_prefix="lookup") as pool:
            try:
                list(pool.map(one, names))
            except BaseException:
                store.let_go()
                raise
        return records.keys() & set(names)

    return states(plan, stored, final), records


def states_without_verifying(plan: Plan, store: Store, final: Collection[str]) -> dict[str, State]:
    """Return each step's state as `lookup` does, but without downloads and verification."""

    def stored(names: Collection[str]) -> Collection[str]:
        keys = {name: plan.steps[name].key for name in names}
        absent = [key for key in keys.values() if not store.find(key)]
        if store.shared and absent:
            store.shared.look(absent)
        return [name for name, key in keys.items() if store.find(key) or (store.shared and store.shared.find(key))]

    return states(plan, stored, final)


@dataclass
class Run:
    """Runs a plan."""

    plan: Plan
    # The result of `lookup` or `shared_lookup`.
    found: Lookup
    store: Store
    executor: Steps
    jobserver: JobTokens
    pool: Pool
    observer: Observer
    logs: Path
    keep_going: bool = False
    _records: dict[str, Record] = field(default_factory=dict)
    _running: dict[Future[tuple[Record, bool]], tuple[str, float, IO[str]]] = field(default_factory=dict)
    _failures: list[Failure] = field(default_factory=list)
    _built: list[str] = field(default_factory=list)

    def go(self) -> RunResult:
        """Run the plan until every step is done, failed or skipped.  On KeyboardInterrupt, kill all child processes first."""
        started = time.monotonic()
        found, self._records = self.found[0], dict(self.found[1])
        usual = self._usual_seconds()
        waiting = {name for name, state in found.items() if state is State.BUILD}
        cached = [name for name, state in found.items() if state is State.CACHED]
        self.observer(
            PlanReady(len(waiting) + len(cached), len(cached), sum(usual.get(name, 0.0) for name in waiting) or None)
        )
        for name in cached:
            self.observer(StepCached(name))
        try:
            self._work(waiting, usual)
        except BaseException:
            self._abort()
            raise
        skipped = self._report_skipped(waiting)
        cpu = sum(self._records[name].cpu_seconds for name in self._built)
        seconds = time.monotonic() - started
        self.observer(
            RunFinished(
                len(self._built), len(self._records) - len(self._built), len(self._failures), len(skipped), seconds, cpu
            )
        )
        return RunResult(self._records, tuple(self._built), tuple(self._failures), tuple(skipped), seconds)

    def _usual_seconds(self) -> dict[str, float]:
        known = {step.name: self.store.latest(step.identity) for step in self.plan}
        return {name: record.seconds for name, record in known.items() if record}

    def _work(self, waiting: set[str], usual: Mapping[str, float]) -> None:
        order = priorities(self.plan, usual)
        while True:
            stopping = bool(self._failures) and not self.keep_going
            candidates = [] if stopping else ready(self.plan, waiting, self._records, order)
            if not candidates and not self._running:
                return
            elsewhere = self._start(candidates, waiting, usual)
            self.jobserver.wait(_POLL if elsewhere else None, for_token=bool(candidates) and not elsewhere)
            self._collect(waiting)

    def _start(self, candidates: list[str], waiting: set[str], usual: Mapping[str, float]) -> bool:
        """Start ready steps while tokens are free.  Return whether other processes are building all that remain."""
        if not self._running:
            self.jobserver.refill()
        elsewhere = bool(candidates)
        for name in candidates:
            step = self.plan.steps[name]
            claim = self.store.try_claim(step.key)
            if claim is None:
                continue
            record = self.store.find(step.key)
            if record:  # another process has finished it meanwhile
                claim.close()
                waiting.discard(name)
                self._records[name] = record
                self.observer(StepCached(name))
                return False
            elsewhere = False
            if not self.jobserver.try_acquire():
                claim.close()
                return False
            waiting.discard(name)
            log = self._log_of(step)
            self.observer(StepStarted(name, log, usual.get(name)))
            future = self.pool.submit(self._one, step, log)
            self._running[future] = (name, time.monotonic(), claim)
            future.add_done_callback(lambda _: self.jobserver.wake())
        return elsewhere

    def _log_of(self, step: Step) -> Path:
        return self.logs / f"{slug(step.identity)}.log"

    def _one(self, step: Step, log: Path) -> tuple[Record, bool]:
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "w", encoding="utf-8", errors="replace") as file:

            def output(line: str) -> None:
                file.write(line + "\n")
                self.observer(StepOutput(step.name, line))

            return self.executor.run(step, self._records, output)

    def _collect(self, waiting: set[str]) -> None:
        for future in [future for future in self._running if future.done()]:
            name, started, claim = self._running.pop(future)
            claim.close()
            self.jobserver.release()
            seconds = time.monotonic() - started
            error = future.exception()
            if error is None:
                record, built = future.result()
                self._records[name] = record
                if built:
                    self._built.append(name)
                self.observer(StepFinished(name, seconds, record.cpu_seconds) if built else StepCached(name))
            elif isinstance(error, DamagedArtifact):
                self.observer(Note("step", f"{name}: {error.message}; building its inputs again", "warning"))
                self._rebuild_needs(name, waiting)
            else:
                self._fail(name, seconds, error, waiting)

    def _rebuild_needs(self, name: str, waiting: set[str]) -> None:
        """Queue a step again, together with those of its needs that are damaged."""
        waiting.add(name)
        for need in self.plan.steps[name].needs:
            record = self._records.get(need.step)
            if record and self.store.check(record, thorough=True):
                self.store.drop(record)
                del self._records[need.step]
                found, records = lookup(self.plan, self.store, (need.step,))
                waiting |= {step for step, state in found.items() if state is State.BUILD}
                self._records.update(records)

    def _fail(self, name: str, seconds: float, error: BaseException, waiting: set[str]) -> None:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            error = DiskFull(
                f"the disk is full ({error.filename or self.logs})", "free some space and run the same command again"
            )
        if not isinstance(error, PythonBuildError) and not isinstance(error, OSError):
            raise error
        log = self._log_of(self.plan.steps[name])
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
        found, context = first_error(lines)
        root = self.executor.root_of(self.plan.steps[name])
        reason = error.message if isinstance(error, PythonBuildError) else str(error)
        if isinstance(error, DiskFull) or "No space left on device" in found:
            reason = "the disk is full; free some space and run the same command again"
        failure = Failure(
            name,
            seconds,
            reason,
            found,
            context,
            log if lines else None,
            root.path if root else None,
            self._blocked(name, waiting),
            silent=isinstance(error, StepError) and not found,
        )
        self._failures.append(failure)
        self.observer(StepFailed(failure))

    def _blocked(self, failed: str, waiting: Collection[str]) -> tuple[str, ...]:
        """Return the waiting steps that need a failed one, directly or indirectly."""
        hit = {failed}
        for step in self.plan:
            if any(need.step in hit for need in step.needs):
                hit.add(step.name)
        return tuple(sorted(hit & set(waiting)))

    def _report_skipped(self, waiting: Collection[str]) -> tuple[str, ...]:
        """Report the steps that did not run, each with the failure that stopped it, and return their names."""
        for name in sorted(waiting):
            causes = [failure.step for failure in self._failures if name in failure.skipped]
            # A step that needs no failed step did not start because the run stops at the first failure.
            self.observer(StepSkipped(name, causes[0] if causes else self._failures[0].step))
        return tuple(sorted(waiting))

    def _abort(self) -> None:
        """Kill all child processes, wait for their threads, and release the claims."""
        self.executor.cancel()
        self.store.let_go()
        self.pool.shutdown(wait=True, cancel_futures=True)
        for _, _, claim in self._running.values():
            claim.close()
