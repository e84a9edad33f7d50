"""Verbs that build, plan, explain and list.  Every function takes the flags and returns an exit status."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pythonbuild.catalog.load import own_catalog
from pythonbuild.cli import show
from pythonbuild.cli.building import build_and_deliver, fetch_sources
from pythonbuild.cli.explain import causes, explain_row, explain_text
from pythonbuild.cli.report import warn
from pythonbuild.driver.engine_choice import start
from pythonbuild.driver.session import Session, find_step, wanted_steps
from pythonbuild.engines.daemon import Daemon
from pythonbuild.engines.images import Images
from pythonbuild.errors import BadRequest
from pythonbuild.flags.build import (
    BuildAllFlags,
    BuildFlags,
    ExplainFlags,
    FetchFlags,
    PlanFlags,
    RequestFlags,
    ShellFlags,
)
from pythonbuild.flags.catalog import ListFlags
from pythonbuild.flags.machine import ImagesFlags
from pythonbuild.model.target import building_machine
from pythonbuild.plan.step import ScriptAction
from pythonbuild.program import pasted
from pythonbuild.run.execute import references
from pythonbuild.run.loop import states_without_verifying
from pythonbuild.run.schedule import State
from pythonbuild.sources.downloaders import debian_mirrors
from pythonbuild.ui.columns import table, width_of_output
from pythonbuild.units import size

__all__ = [
    "build",
    "build_all",
    "explain",
    "fetch",
    "images",
    "list_catalog",
    "plan",
    "shell",
]


def build(flags: BuildFlags) -> int:
    """Build; or, with --plan or --explain, only print."""
    if flags.explain:
        return _show_inputs(flags, flags.explain, flags.json)
    if flags.plan:
        return _show_plan(flags, flags.only, flags.json)
    build_and_deliver(flags)
    return 0


def build_all(flags: BuildAllFlags) -> int:
    """Build many Pythons as one plan."""
    if not (flags.file or flags.targets or flags.pythons or flags.options or flags.python_source or flags.only):
        matrix = pasted(flags.program.words("matrix"))
        raise BadRequest(
            "build-all needs a list of builds",
            f"add --from FILE with lines of `{matrix}`, or several --target, --python or --options",
        )
    if not flags.file:
        return build(flags)
    rows = _rows(flags.file, pasted(flags.program.words("matrix")))
    targets, pythons, options = (tuple(dict.fromkeys(each)) for each in zip(*rows))
    return build(replace(flags, rows=rows, targets=targets, pythons=pythons, options=options))


def _rows(name: str, matrix: str) -> tuple[tuple[str, str, str], ...]:
    """Read lines of target, Python and options, in the form that `matrix` prints.  Raises BadRequest for any other line."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text()
    except OSError as error:
        raise BadRequest(f"--from {name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadRequest(f"--from {name} is not text", f"take lines of `{matrix}`") from None
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if words and len(words) != 3:
            raise BadRequest(
                f"--from {name}: line {number} is not a target, a Python and options: {line.strip()!r}",
                f"take lines of `{matrix}`",
            )
        if words:
            rows.append((words[0], words[1], words[2]))
    if not rows:
        raise BadRequest(f"--from {name} names nothing to build", f"take lines of `{matrix}`")
    return tuple(dict.fromkeys(rows))


def fetch(flags: FetchFlags) -> int:
    """Download every source that the requested builds may need."""
    fetch_sources(flags)
    return 0


def plan(flags: PlanFlags) -> int:
    """Print the plan."""
    return _show_plan(flags, flags.only, flags.json)


def _show_plan(flags: RequestFlags, only: Sequence[str], as_json: bool) -> int:
    session = Session.start(flags, warn)
    made, final = wanted_steps(session, only)
    found = states_without_verifying(made, session.store, final)
    rows = show.plan_rows(made, found, session.store)
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return 0
    missing = {
        source.name: None
        for step in made
        if found[step.name] is State.BUILD
        for source in step.sources
        if source.local is None and not any(session.sources.find(origin) for origin in source.origins)
    }
    builds = dict.fromkeys(str(output.build) for output in session.plan().outputs)
    title = ", ".join(builds) + (f": only {', '.join(only)}" if only else "")
    sys.stdout.write(show.plan_text(title, rows, missing, width_of_output()) + "\n")
    return 0


def explain(flags: ExplainFlags) -> int:
    """Print the inputs of a step's key, and the changed ones."""
    return _show_inputs(flags, flags.step, flags.json)


def _show_inputs(flags: RequestFlags, name: str, as_json: bool) -> int:
    session = Session.start(flags, warn)
    made = session.plan()
    step = made.steps[find_step(made, name)]
    shared = session.store.shared
    there = "in the shared store" if shared and shared.find(step.key) else "not in the store"
    where = "in the store" if session.store.find(step.key) else there
    last = session.store.latest(step.identity)
    because = causes(made, step, last.inputs, session.store) if last else {}
    row, text = explain_row(step, where, last, because), explain_text(step, where, last, because)
    sys.stdout.write((json.dumps(row, indent=1) if as_json else text) + "\n")
    return 0


def shell(flags: ShellFlags) -> int:
    """Open a shell in the build root of a failed step."""
    session = Session.start(flags, warn)
    made = session.plan()
    step = made.steps[find_step(made, flags.step)]
    if not isinstance(step.action, ScriptAction):
        raise BadRequest(f"{step.name} runs no script, so it has no build root")
    records = {need.step: record for need in step.needs if (record := session.store.find(made.steps[need.step].key))}
    _, engine = start(
        session.choice, flags.engine, session.limits(flags), session.catalog, session.cache, lambda event: None
    )
    try:
        root = engine.existing(step.identity, step.key, step.action, references(step, records, session.store))
        if root is None:
            raise BadRequest(
                f"engine {engine.name} has no build root of {step.name}",
                "only a failed step keeps its build root; build it, or use --break-on-failure",
            )
        sys.stderr.write(f"{root.path}: `sh -eu build.sh` failed here; leave with exit\n")
        status = root.shell()
        root.close()
        return status
    finally:
        engine.close()


def images(flags: ImagesFlags) -> int:
    """List or delete the images that engine docker made."""
    kept = Images(Daemon.connect(), debian_mirrors, lambda text: None)
    rows = []
    for item in kept.known():
        if flags.remove:
            kept.remove(item["Id"])
        for tag in item.get("RepoTags") or ():
            created = time.strftime("%Y-%m-%d %H:%M", time.localtime(int(item["Created"])))
            rows.append((f"{'deleted ' if flags.remove else ''}{tag}", created, size(int(item["Size"]))))
    sys.stdout.write("".join(f"{line}\n" for line in table(rows, None, indent="")))
    return 0


def list_catalog(flags: ListFlags) -> int:
    """List targets, Pythons, options, packages, distributions and toolchains."""
    catalog = own_catalog()
    sys.stdout.write(show.catalog_text(catalog, flags.what, building_machine(), width_of_output()) + "\n")
    return 0
