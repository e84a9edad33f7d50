"""Steps that run on the machines of a cluster.  Each machine has its own store, and they exchange results through a shared store.

A `concurrent.futures` executor with workers on other machines, such as Dask's, distributes the steps.
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
    """A step for a worker, with the steps it needs, and the facts in which the worker must match the planning machine.

    code: a digest of pythonbuild's code; machine: e.g. x86_64; store: the shared store's name; llvm: the LLVM for scripts, if any.
    """

    step: Step
    needs: tuple[Step, ...]
    code: str
    machine: str
    store: str
    llvm: Optional[Llvm] = None


@dataclass(frozen=True)
class StepOutcome:
    """The answer of a worker: a record or an error, and the printed lines.  built: False if the result existed already."""

    worker: str
    record: Optional[Record] = None
    built: bool = False
    error: str = ""
    lines: tuple[str, ...] = ()


@dataclass
class ClusterSteps:
    """Runs steps by sending them to workers.

    perform: the function that workers call with a job, which is pickled by name; template: makes the job of a step and its needs.
    """

    plan: Plan
    pool: Pool
    perform: Callable[[StepJob], StepOutcome]
    template: Callable[[Step, tuple[Step, ...]], StepJob]
    _running: set[Future[StepOutcome]] = field(default_factory=set)

    def run(self, step: Step, records: Mapping[str, Record], output: Callable[[str], None]) -> tuple[Record, bool]:
        """Let a worker run a step.  Return its record, and whether the worker built it.

        Raises StepError if the step fails, EngineLost if the cluster fails.
        """
        needs = tuple(self.plan.steps[need.step] for need in step.needs)
        future = self.pool.submit(self.perform, self.template(step, needs))
        self._running.add(future)
        try:
            outcome = future.result()
        except PythonBuildError:
            raise
        except (Exception, CancelledError) as error:
            raise EngineLost(f"the cluster gave up the step: {error or type(error).__name__}") from error
        finally:
            self._running.discard(future)
        for line in outcome.lines:
            output(line)
        if outcome.record is None:
            raise StepError(f"{outcome.error} (on {outcome.worker})")
        return outcome.record, outcome.built

    def cancel(self) -> None:
        """Cancel the steps that no worker has started.  Workers finish the others."""
        for future in list(self._running):
            future.cancel()

    def close(self) -> None:
        """Do nothing: failed steps leave nothing on this machine."""

    def root_of(self, step: Step) -> Optional[BuildRoot]:
        """Return None, because the build roots are on the workers."""
        return None


def shared_lookup(plan: Plan, store: Store, final: Collection[str]) -> Lookup:
    """Return each step's state for a cluster, where the results in the shared store count; those of this machine are uploaded first.

    Toolchains from wheels count as done, because each worker unpacks its own.
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
