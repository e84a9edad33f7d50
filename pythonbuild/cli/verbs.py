"""What each verb does.  Every function takes the flags and returns an exit status."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Union

from pythonbuild import doctor as checks
from pythonbuild.catalog.load import load_catalog
from pythonbuild.cli import show
from pythonbuild.cli.building import build_plan
from pythonbuild.cli.compiler_cache import object_folders
from pythonbuild.cli.engines import start
from pythonbuild.cli.environment import read_settings
from pythonbuild.cli.msvc import Wishes, find_msvc
from pythonbuild.cli.session import Session, find_step
from pythonbuild.cli.xcode import find_xcode
from pythonbuild.engines.daemon import Daemon
from pythonbuild.engines.images import Images
from pythonbuild.errors import BadRequest, EngineUnavailable, MissingPrerequisite
from pythonbuild.home import checkout, home
from pythonbuild.model.target import building_machine, system_of
from pythonbuild.plan.step import Plan, ScriptAction
from pythonbuild.request.build import Msvc, Xcode
from pythonbuild.run.execute import references
from pythonbuild.run.loop import glance
from pythonbuild.run.schedule import State
from pythonbuild.sources.cache import SourceCache
from pythonbuild.sources.downloaders import debian_mirrors
from pythonbuild.store.store import Store
from pythonbuild.ui.text import size

__all__ = [
    "build",
    "build_all",
    "cache",
    "doctor",
    "explain",
    "fetch",
    "images",
    "list_catalog",
    "plan",
    "shell",
]


def build(flags: argparse.Namespace) -> int:
    """Build; or, with --plan or --explain, only tell."""
    if flags.plan:
        return plan(flags)
    if flags.explain:
        flags.step = flags.explain
        return explain(flags)
    return build_plan(flags, fetch_only=False)


def build_all(flags: argparse.Namespace) -> int:
    """Build many Pythons as one plan."""
    flags.rows = _rows(flags.rows) if flags.rows else ()
    if flags.rows:
        if flags.targets or flags.pythons or flags.options:
            raise BadRequest(
                "--from says what to build, and so do --target, --python and --options", "drop one or the other"
            )
        targets, pythons, options = zip(*flags.rows)
        flags.targets, flags.pythons, flags.options = (
            list(dict.fromkeys(each)) for each in (targets, pythons, options)
        )
    return build(flags)


def _rows(name: str) -> tuple[tuple[str, str, str], ...]:
    """Read lines of target, Python and options.  Raises BadRequest for a line that is something else."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text()
    except OSError as error:
        raise BadRequest(f"--from {name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadRequest(f"--from {name} is not text", "take lines of `python3 -m pythonbuild matrix`") from None
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if words and len(words) != 3:
            raise BadRequest(
                f"--from {name}: line {number} is not a target, a Python and options: {line.strip()!r}",
                "take lines of `python3 -m pythonbuild matrix`",
            )
        if words:
            rows.append((words[0], words[1], words[2]))
    if not rows:
        raise BadRequest(f"--from {name}: there is nothing to build in it")
    return tuple(dict.fromkeys(rows))


def fetch(flags: argparse.Namespace) -> int:
    """Fill the source cache with everything the request could need."""
    return build_plan(flags, fetch_only=True)


def plan(flags: argparse.Namespace) -> int:
    """Show the plan."""
    session = Session.start(flags)
    made = session.plan()
    found = glance(made, session.store, finals(made))
    rows = show.plan_rows(made, found, session.store)
    if flags.json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return 0
    missing = {
        source.name: None
        for step in made
        if found[step.name] is State.BUILD
        for source in step.sources
        if source.local is None and not any(session.sources.find(origin) for origin in source.origins)
    }
    sys.stdout.write(show.plan_text(made, rows, missing) + "\n")
    return 0


def finals(plan: Plan) -> tuple[str, ...]:
    """Return the names of the steps that make a plan's outputs."""
    return tuple(output.step for output in plan.outputs)


def explain(flags: argparse.Namespace) -> int:
    """Show what a step's key is made of and what has changed."""
    session = Session.start(flags)
    made = session.plan()
    step = made.steps[find_step(made, flags.step)]
    shared = session.store.shared
    there = "in the shared store" if shared and shared.find(step.key) else "not in the store"
    where = "in the store" if session.store.find(step.key) else there
    text = show.explain_text(step, where, session.store.latest(step.identity))
    sys.stdout.write(text + "\n")
    return 0


def shell(flags: argparse.Namespace) -> int:
    """Open a shell in the build root that a failed step left."""
    session = Session.start(flags)
    made = session.plan()
    step = made.steps[find_step(made, flags.step)]
    if not isinstance(step.action, ScriptAction):
        raise BadRequest(f"{step.name} runs no script, so there is nothing to enter")
    records = {need.step: record for need in step.needs if (record := session.store.find(made.steps[need.step].key))}
    _, engine = start(session.choice, flags, session.catalog, session.cache, lambda event: None)
    try:
        root = engine.existing(step.identity, step.key, step.action, references(step, records, session.store))
        if root is None:
            raise BadRequest(
                f"{step.name} left no build root in engine {engine.name}",
                "only a step that failed leaves one; build it, or use --break-on-failure",
            )
        sys.stderr.write(f"{root.path}: `sh -eu build.sh` is what failed; leave with exit\n")
        status = root.shell()
        root.close()
        return status
    finally:
        engine.close()


def images(flags: argparse.Namespace) -> int:
    """List or delete the images that engine docker has made."""
    kept = Images(Daemon.connect(), debian_mirrors, lambda text: None)
    for item in kept.known():
        for tag in item.get("RepoTags") or ():
            created = time.strftime("%Y-%m-%d %H:%M", time.localtime(int(item["Created"])))
            deleted = "deleted " if flags.remove else ""
            sys.stdout.write(f"{deleted}{tag:<48} {created}  {size(int(item['Size']))}\n")
        if flags.remove:
            kept.remove(item["Id"])
    return 0


def _containers() -> str:
    try:
        daemon = Daemon.connect()
    except EngineUnavailable as error:
        return error.message
    return f"{daemon.product} {daemon.version} answers at {daemon.address}"


def _own_compiler(system: str) -> Union[Xcode, Msvc]:
    """Return Apple's or Microsoft's compiler on this machine; raises MissingPrerequisite if there is none that can be used."""
    catalog = load_catalog(checkout() / "cpython-unix")
    if system == "darwin":
        return find_xcode(catalog.toolchain("xcode"), os.environ)
    machine = building_machine()
    return find_msvc(catalog.native_target(machine), machine, Wishes(), os.environ)


def doctor(flags: argparse.Namespace) -> int:
    """Tell everything that is missing on this machine."""
    found = checks.findings(home(), Path(flags.output))
    system = system_of(building_machine())
    if system != "linux" and not found:
        try:
            sys.stdout.write(f"compiler: {_own_compiler(system)}\n")
        except MissingPrerequisite as error:
            found.append(checks.Finding(error.message, error.hint))
    for finding in found:
        sys.stdout.write(f"- {finding}\n")
    if system == "linux":
        sys.stdout.write(f"containers: {_containers()}\n")
    sys.stdout.write(f"{len(found)} problems\n" if found else "this machine is ready to build\n")
    return 3 if found else 0


def cache(flags: argparse.Namespace) -> int:
    """List, measure or prune what is kept between builds."""
    store = Store(home() / "store")
    sources = SourceCache(home() / "sources")
    settings = read_settings(os.environ, lambda text: None)
    objects = [path for folder in object_folders(settings, home()) for path in folder.rglob("*") if path.is_file()]
    if flags.action == "list":
        for record in store.records():
            sys.stdout.write(show.record_line(record, sum(entry.size for entry in store.manifest(record))) + "\n")
    elif flags.action == "size":
        entries, used = store.size()
        archives, archived = sources.size()
        roots = sum(path.lstat().st_size for path in (home() / "roots").rglob("*") if not path.is_dir())
        sys.stdout.write(
            f"store    {size(used):>9}  {entries} results\nsources  {size(archived):>9}  {archives} archives\n"
        )
        sys.stdout.write(f"roots    {size(roots):>9}  build roots that failed steps left\n")
        kept = sum(path.stat().st_size for path in objects)
        sys.stdout.write(f"sccache  {size(kept):>9}  {len(objects)} compiled objects\n{home()}\n")
    else:
        _prune(flags, store, sources, objects)
    return 0


def _prune(flags: argparse.Namespace, store: Store, sources: SourceCache, objects: list[Path]) -> None:
    """Delete old results and compiled objects, or print what would be deleted."""
    old = [path for path in objects if path.stat().st_mtime < time.time() - flags.days * 86400]
    doomed = store.older(flags.days)
    if flags.dry_run:
        sys.stdout.write("".join(f"{record.identity}\n" for record in doomed))
        sys.stdout.write(f"would prune {len(doomed)} results and {len(old)} compiled objects\n")
        return
    if doomed and len(doomed) == len(store.records()) and not (flags.yes or _agreed(len(doomed))):
        sys.stdout.write("nothing was deleted\n")
        return
    entries, freed = store.prune(flags.days)
    freed += sum(path.stat().st_size for path in old)
    for path in old:
        path.unlink(missing_ok=True)
    if flags.sources:
        freed += sources.prune(_pinned())
    sys.stdout.write(f"pruned {entries} results, freed {size(freed)}\n")


def _agreed(results: int) -> bool:
    """Ask a person at a terminal whether every result may be deleted; a script is not asked."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return True
    sys.stdout.write(
        f"this deletes all {results} results of the store, so that the next build starts from nothing; go on? [y/N] "
    )
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _pinned() -> set[str]:
    """Return the SHA-256 of every archive the catalog names."""
    catalog = load_catalog(checkout() / "cpython-unix")
    origins = [
        origin for folder in catalog.recipes.values() for source in folder.recipe.sources for origin in source.origins
    ]
    origins += [origin for release in catalog.releases.values() for origin in release.origins]
    origins += catalog.sccache.values()
    origins += [wheel for toolchain in catalog.toolchains.values() for wheel in toolchain.wheels.values()]
    return {origin.sha256 for origin in origins}


def list_catalog(flags: argparse.Namespace) -> int:
    """List what there is."""
    catalog = load_catalog(checkout() / "cpython-unix")
    sys.stdout.write(show.catalog_text(catalog, flags.what, building_machine()) + os.linesep)
    return 0
