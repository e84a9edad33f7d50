"""The connection from a build to a Dask cluster, whose workers (see worker.py) run the steps of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from pythonbuild.driver.handlers import code_digest
from pythonbuild.driver.session import Session
from pythonbuild.driver.worker import address_of, perform
from pythonbuild.errors import BadRequest, EngineUnavailable
from pythonbuild.flags.build import RunFlags
from pythonbuild.flags.declared import refuse
from pythonbuild.plan.step import Plan
from pythonbuild.run.cluster import ClusterSteps, StepJob

__all__ = ["check_cluster", "cluster"]

_ANSWER = 15  # seconds that the scheduler may take to answer, and then to have a worker
# Attempts after an unexpected error on a worker.  Dask has its own limit for workers that die.
_RETRIES = 3


def check_cluster(session: Session, flags: RunFlags) -> None:
    """Raise BadRequest if a cluster cannot run this build."""
    refuse(flags, "this machine", "is for steps on this machine, and workers run them", "drop it, or drop --executor")
    if not session.store.shared:
        raise BadRequest("a cluster needs a shared store", "set PYTHONBUILD_STORE here and on every worker")
    if session.choice.name != "host":
        raise BadRequest("a cluster does not support containers", "use --engine host")
    if session.request.xcode or session.request.msvc or not session.output.on_clusters:
        raise BadRequest(
            "a cluster builds only archives for Linux", "build other targets with the entry script on their own system"
        )
    if session.request.local_python:
        raise BadRequest("workers cannot read --python-source", "build on this machine")


@contextmanager
def cluster(executor: str, session: Session, plan: Plan) -> Iterator[tuple[ClusterSteps, int]]:
    """Connect to the scheduler.  Give an object that runs steps there, and how many run at once.

    Raises EngineUnavailable if the scheduler does not answer or has no worker.
    """
    import asyncio

    from distributed import Client

    shared = session.store.shared
    assert shared is not None
    try:
        connect: Any = Client  # it has no types
        client = connect(address_of(executor), timeout=_ANSWER, set_as_default=False)
    except (OSError, ValueError, asyncio.TimeoutError) as error:
        raise EngineUnavailable(f"{executor} does not answer: {error}", "start it with the verb `scheduler`") from error
    try:
        try:
            client.wait_for_workers(1, timeout=_ANSWER)
        except (OSError, asyncio.TimeoutError) as error:
            raise EngineUnavailable(f"{executor} has no workers", "start some with the verb `worker`") from error
        job = partial(
            StepJob,
            code=code_digest(),
            machine=session.request.machine,
            store=shared.place.name,
            llvm=session.request.llvm,
        )
        pool = client.get_executor(pure=False, retries=_RETRIES)
        yield ClusterSteps(plan, pool, perform, job), sum(client.nthreads().values())
    finally:
        client.close()
