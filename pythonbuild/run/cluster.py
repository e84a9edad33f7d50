"""Steps that run on the machines of a cluster: each has a store of its own, and all have one shared store, by which results get around.

What hands the steps out is any `concurrent.futures` executor whose workers are processes elsewhere, such as Dask's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import CancelledError, Future
from concurrent.futures import Executor as Pool
from dataclasses import dataclass, field
from typing import Optional

from pythonbuild.engines.base import BuildRoot
from pythonbuild.errors import EngineLost, PythonBuildError, StepError
from pythonbuild.host.toolchains import Llvm
from pythonbuild.plan.step import Plan, Step, UnpackAction
from pythonbuild.run.loop import Lookup
from pythonbuild.run.schedule import states
from pythonbuild.store.record import Record
from pythonbuild.store.store import Store

__all__ = ["ClusterSteps", "StepJob", "StepOutcome", "shared_lookup"]


@dataclass(frozen=True)
class StepJob:
    """What a worker is sent: a step, those that it needs, and what has to be the same where it runs.

    code: a digest of pythonbuild's own code; machine: e.g. x86_64; store: the shared store's name; llvm: the LLVM that scripts would find.
    """

    step: Step
    needs: tuple[Step, ...]
    code: str
    machine: str
    store: str
    llvm: Optional[Llvm] = None


@dataclass(frozen=True)
class StepOutcome:
    """What a worker sends back: a record, and whether the step was built, or what went wrong; and what was printed."""

    worker: str
    record: Optional[Record] = None
    built: bool = False
    error: str = ""
    lines: tuple[str, ...] = ()


@dataclass
class ClusterSteps:
    """Runs steps by sending them to workers.  perform: what a worker does with a job; it is sent by its name.

    template: a job with all that is the same for each step.
    """

    plan: Plan
    pool: Pool
    perform: Callable[[StepJob], StepOutcome]
    template: Callable[[Step, tuple[Step, ...]], StepJob]
    _running: set[Future[StepOutcome]] = field(default_factory=set)

    def run(self, step: Step, records: Mapping[str, Record], output: Callable[[str], None]) -> tuple[Record, bool]:
        """Have a worker run a step; returns its record, and whether it was built.  Raises StepError if it fails, EngineLost if the
        cluster does."""
        needs = tuple(self.plan.steps[need.step] for need in step.needs)
        future = self.pool.submit(self.perform, self.template(step, needs))
        self._running.add(future)
        try:
            outcome = future.result()
        except PythonBuildError:
            raise
        except (Exception, CancelledError) as error:
            raise EngineLost(f"the cluster gave it up: {error or type(error).__name__}") from error
        finally:
            self._running.discard(future)
        for line in outcome.lines:
            output(line)
        if outcome.record is None:
            raise StepError(f"{outcome.error} (on {outcome.worker})")
        return outcome.record, outcome.built

    def cancel(self) -> None:
        """Take back what no worker has begun; what one has begun it finishes."""
        for future in list(self._running):
            future.cancel()

    def close(self) -> None:
        """Nothing is held here."""

    def root_of(self, step: Step) -> Optional[BuildRoot]:
        """Return None: roots are where steps ran."""
        return None


def shared_lookup(plan: Plan, store: Store, final: Collection[str]) -> Lookup:
    """Return which steps are done for a cluster: those whose result the shared store has, after sending there what only this machine has.

    Toolchains out of wheels count as done: each worker unpacks its own.
    """
    shared = store.shared
    assert shared is not None
    records: dict[str, Record] = {}

    def stored(names: Collection[str]) -> Collection[str]:
        steps = [plan.steps[name] for name in names]
        shared.look([step.key for step in steps])
        for step in steps:
            shipment = shared.find(step.key)
            record = shipment.record if shipment else None
            if isinstance(step.action, UnpackAction):
                record = Record(step.key, step.identity, dict(step.inputs), "")
            elif not record:
                own = store.find(step.key)
                record = own if own and store.share(own, wait=True) else None
            if record:
                records[step.name] = record
        return records.keys() & set(names)

    return states(plan, stored, final), records
