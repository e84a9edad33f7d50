"""Delivery for all output formats: complete files, names with a tag, statements of provenance."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from pythonbuild import __version__
from pythonbuild.home import checkout
from pythonbuild.packaging.provenance import Input, provenance
from pythonbuild.plan.step import Plan
from pythonbuild.request.build import Build
from pythonbuild.sources.cache import sha256_of
from pythonbuild.store.record import Record

__all__ = ["OutputFile", "statement_of", "tag_of_checkout"]


@dataclass(frozen=True)
class OutputFile:
    """A file in the output folder, with its size."""

    path: Path
    bytes: int


def statement_of(
    build: Build,
    plan: Plan,
    records: Mapping[str, Record],
    files: list[OutputFile],
    changed: Optional[Mapping[str, object]] = None,
    more: Iterable[Input] = (),
) -> str:
    """Return the statement of provenance of files.

    changed: parameters of the request that differ from the build's; more: inputs besides the sources of the plan.
    """
    made = [records[step.name] for step in plan if step.name in records]
    inputs = [Input(source.name, source.origin.place, source.origin.sha256) for step in plan for source in step.sources]
    inputs += more
    if build.pgo_profile:
        inputs.append(Input("pgo profile", f"file:{build.pgo_profile.path.name}", build.pgo_profile.digest))
    request = {
        "python": str(build.python),
        "target": build.target.triple,
        "options": str(build.options),
        "toolchain": build.toolchain,
        "formats": list(map(str, build.formats)),
        "release": build.release,
        **(changed or {}),
    }
    builder = {"id": "urn:pythonbuild", "pythonbuild": __version__, "commit": _commit(), "machine": platform.platform()}
    # From the plan, because a step that was not needed has no record.
    for version in {step.inputs["host compiler"] for step in plan if "host compiler" in step.inputs}:
        builder["llvm"] = version
    times = (min(record.finished - record.seconds for record in made), max(record.finished for record in made))
    return provenance({file.path.name: sha256_of(file.path) for file in files}, request, inputs, builder, times)


def _commit() -> str:
    """Return the checkout's commit, with "-changed" if files differ from it; "" outside of git."""
    if not (checkout() / ".git").exists():
        return ""  # an installed package, perhaps inside a checkout of something else
    try:
        done = subprocess.run(
            ["git", "-C", str(checkout()), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=-changed"],
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def tag_of_checkout(release: bool) -> str:
    """Return the time of the checkout's last commit (20261121T0930; a release: 20261121); "local" outside of git."""
    if not (checkout() / ".git").exists():
        return "local"
    date = "%Y%m%d" if release else "%Y%m%dT%H%M"
    command = ["git", "-C", str(checkout()), "log", "-1", "--format=%cd", f"--date=format-local:{date}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "TZ": "UTC"})
    except FileNotFoundError:
        return "local"
    return done.stdout.strip() or "local"
