"""Plans, catalogs and lists of results as text for a terminal."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Optional

from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import Target
from pythonbuild.cli.explain import changes
from pythonbuild.model.options import DEFAULT_OPTION, OPTIONS
from pythonbuild.plan.step import Plan, Step
from pythonbuild.run.schedule import State
from pythonbuild.store.record import Record
from pythonbuild.store.store import Store
from pythonbuild.ui.columns import table
from pythonbuild.units import counted, seconds, size

__all__ = ["catalog_text", "plan_rows", "plan_text", "record_line"]


def _why(step: Step, state: State, store: Store) -> str:
    if state is State.CACHED and not store.find(step.key):
        return "in the shared store"
    if state is not State.BUILD:
        return ""
    last = store.latest(step.identity)
    if last is None:
        return "never built here"
    differing = [name for name, _, _ in changes(last.inputs, step.inputs)]
    if not differing:
        return "its artifact is missing or damaged"
    return f"changed: {', '.join(differing[:3])}{f' and {len(differing) - 3} more' if len(differing) > 3 else ''}"


def plan_rows(plan: Plan, found: Mapping[str, State], store: Store) -> list[dict[str, object]]:
    """Return a row for each step: name, state, why, usual seconds (None: unknown), key, needs."""
    rows: list[dict[str, object]] = []
    for step in plan:
        last = store.latest(step.identity)
        rows.append(
            {
                "step": step.name,
                "state": found[step.name].value,
                "why": _why(step, found[step.name], store),
                "usual_seconds": last.seconds if last else None,
                "key": step.key,
                "needs": [need.step for need in step.needs],
            }
        )
    return rows


def plan_text(
    title: str, rows: Iterable[Mapping[str, object]], missing: Iterable[str], width: Optional[int] = None
) -> str:
    """Return a plan as a table with a summary.

    title: the builds, printed above the table; missing: names of archives to fetch; width: columns of the terminal, None
    for no limit.
    """
    found = list(rows)
    lines = _wrapped(title, width)
    cells = [("step", "state", "  usual", "why")]
    for row in found:
        usual = row["usual_seconds"]
        duration = seconds(usual) if isinstance(usual, float) else "-"
        cells.append((str(row["step"]), str(row["state"]), f"{duration:>7}", str(row["why"])))
    lines += table(cells, width)
    count = {state.value: sum(row["state"] == state.value for row in found) for state in State}
    lines.append(
        f"{counted(len(found), 'step')}: {count['cached']} cached, {count['build']} to build, "
        f"{count['not needed']} not needed"
    )
    fetched = list(missing)
    if fetched:
        lines += _wrapped(f"{counted(len(fetched), 'archive')} to fetch: {', '.join(fetched)}", width)
    lines.append("nothing was run")
    return "\n".join(lines)


def _wrapped(text: str, width: Optional[int]) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent="  ", break_on_hyphens=False) if width else [text]


def catalog_text(catalog: Catalog, what: str, machine: str, width: Optional[int] = None) -> str:
    """Return tables of everything that a machine (uname -m) can build, with the defaults marked.

    what: the name of one table, "" for all; width: columns of the terminal, None for no limit.
    """
    sections: dict[str, Sequence[Sequence[str]]] = {
        "targets": _targets(catalog, machine),
        "pythons": _pythons(catalog),
        "options": [(f"{name}{_mark(name == DEFAULT_OPTION)}", option.meaning) for name, option in OPTIONS.items()],
        "packages": [
            (name, folder.recipe.version, folder.recipe.description) for name, folder in catalog.recipes.items()
        ],
        "distributions": [
            (release.display, ", ".join(release.names))
            for release in (catalog.debian.releases.releases if catalog.debian else ())
        ],
        "toolchains": [(tool.name, tool.description) for tool in catalog.toolchains.values()],
    }
    chosen = {what: sections[what]} if what else sections
    return "\n".join(line for title, rows in chosen.items() for line in [f"{title}:", *table(rows, width)])


def _mark(default: bool) -> str:
    return " (default)" if default else ""


def _targets(catalog: Catalog, machine: str) -> list[tuple[str, ...]]:
    native = catalog.native_target(machine).triple
    rows: list[tuple[str, ...]] = []
    for target in catalog.targets.values():
        if machine in target.build_machines:
            how = f"built with {' or '.join(catalog.toolchains_for(target, machine))}"
        else:
            how = f"built on {' or '.join(target.build_machines)} only"
        rows.append((f"{target.triple}{_mark(target.triple == native)}", _oldest_system(target), how))
    return rows


def _pythons(catalog: Catalog) -> list[tuple[str, ...]]:
    """Return a row for each Python; the newest of a series has the series' name beside it."""
    newest = {catalog.python(f"cpython-{series}"): series for series in catalog.series}
    default = catalog.python(catalog.default_python)
    return [
        (
            f"cpython-{version}{_mark(version == default)}{'' if catalog.builds(version) else ' (not finished)'}",
            f"= cpython-{newest[version]}" if version in newest else "",
        )
        for version in sorted(catalog.releases)
    ]


def record_line(record: Record, bytes_used: int) -> str:
    """Return a line of `cache list`: key, date, size, duration and identity of the step."""
    date = time.strftime("%Y-%m-%d %H:%M", time.localtime(record.finished)) if record.finished else "-"
    return f"{record.key[:16]}  {date:<16}  {size(bytes_used):>9}  {seconds(record.seconds):>7}  {record.identity}"


def _oldest_system(target: Target) -> str:
    """Return the oldest system or libc that a target's Pythons support."""
    if target.macos:
        return f"macOS {target.macos}"
    return f"glibc {target.glibc}" if target.glibc else target.libc
