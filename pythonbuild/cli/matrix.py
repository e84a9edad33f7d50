"""The verb `matrix`: every Python that can be built, or the jobs of CI, as lines or as matrices for GitHub."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from pythonbuild.catalog.load import Catalog, load_ci, own_catalog
from pythonbuild.errors import BadRequest
from pythonbuild.flags.catalog import MatrixFlags
from pythonbuild.flags.declared import refuse
from pythonbuild.home import checkout
from pythonbuild.request.ci import DependencyJob, Job, ci_jobs, dependency_jobs, read_labels, shards
from pythonbuild.request.matrix import KINDS, Combination, Described, Wanted, matrix, read_wanted, select

__all__ = ["show_matrix"]


def show_matrix(flags: MatrixFlags) -> int:
    """List the combinations that can be built, or CI's jobs, selected by the flags; one line each, or as JSON."""
    catalog = own_catalog()
    if flags.ci:
        return _show_ci(flags, catalog)
    refuse(flags, "ci", "selects jobs of CI", "add --ci, or drop it")
    everything = tuple(matrix(catalog))
    rows = [_row(combination, catalog) for combination in select(everything, _wanted(flags, everything))]
    if flags.json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    else:
        sys.stdout.write("".join(f"{row['target']} {row['python']} {row['options']}\n" for row in rows))
    return 0


def _show_ci(flags: MatrixFlags, catalog: Catalog) -> int:
    everything = ci_jobs(catalog, load_ci(checkout()))
    jobs = select(everything, _wanted(flags, everything))
    if flags.labels is None and flags.fork:
        raise BadRequest("--fork needs the labels of a pull request", "add --labels LABELS, or --labels '' for none")
    if flags.labels is not None:
        labels = [label.strip() for label in flags.labels.split(",")]
        jobs = read_labels(labels, everything, flags.fork).select(jobs)
    if flags.stage == "dependencies":
        rows = [_dependency_row(job) for job in dependency_jobs(jobs, catalog)]
    else:
        rows = [_job_row(job, catalog) for job in jobs]
    if flags.shards:
        parts = shards(rows)
        rows = [{"shard": f"{n}-of-{len(parts)}", "jobs": _include(part)} for n, part in enumerate(parts, 1)]
    if flags.json or flags.shards:
        # One line, as GitHub requires for a step's output.
        sys.stdout.write(json.dumps(_include(rows), separators=(",", ":")) + "\n")
    else:
        sys.stdout.write("".join(f"{row['runner']}: {row['command']}\n" for row in rows))
        if not rows:
            sys.stderr.write("no jobs\n")
    return 0


def _wanted(flags: MatrixFlags, among: Iterable[Described]) -> Wanted:
    """Return the selection of the flags.  Raises UnknownName for a value that nothing in `among` has."""
    known = tuple(among)
    asked = {
        "platform": flags.platforms,
        "arch": flags.archs,
        "libc": flags.libcs,
        "python": flags.pythons,
        "build": flags.builds,
        "target": flags.targets,
    }
    return {name: found for kind in KINDS for name, found in read_wanted(kind, asked[kind], known).items()}


def _include(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a matrix for GitHub.

    Source: https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax, `include`.
    """
    return {"include": list(rows)}


def _row(combination: Combination, catalog: Catalog) -> dict[str, Any]:
    target, python, options = combination
    return {
        "target": target.triple,
        "python": f"cpython-{python}",
        "options": str(options),
        "build_machines": list(target.build_machines),
        "sources": [origin.place for origin in catalog.releases[python].origins],
    }


def _job_row(job: Job, catalog: Catalog) -> dict[str, Any]:
    target, python, options = job.combination
    image = catalog.images["build"]
    foreign = target.gnu != catalog.native_target(job.runner.machine).gnu
    return {
        "name": f"cpython-{python}-{target.triple}-{options}",
        "target": target.triple,
        "python": f"cpython-{python}",
        "options": str(options),
        "runner": job.runner.label,
        "platform": target.platform.name,
        "command": job.command,
        # Archives for Linux are tested in a Debian container, with packages that run programs for other CPUs.
        "image": f"{image.base}@{image.digest}",
        "packages": " ".join(target.emulator.packages if target.emulator and foreign else ()),
    }


def _dependency_row(job: DependencyJob) -> dict[str, Any]:
    return {
        "name": f"{job.target.triple}-{job.toolchain}",
        "target": job.target.triple,
        "toolchain": job.toolchain,
        "runner": job.runner.label,
        "platform": job.target.platform.name,
        "command": job.command,
    }
