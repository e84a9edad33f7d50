"""Archives of Pythons (full, install_only and others), and a statement of provenance for each build."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import Image
from pythonbuild.driver.deliver import OutputFile, statement_of, tag_of_checkout
from pythonbuild.driver.engine_choice import EngineChoice
from pythonbuild.driver.formats.base import Delivery
from pythonbuild.driver.handlers import PythonStep
from pythonbuild.files import replacing
from pythonbuild.model.naming import archive_name, provenance_name
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.planner import make_plan
from pythonbuild.plan.step import Output, Plan
from pythonbuild.request.build import Build, BuildRequest, resolve
from pythonbuild.store.record import Record
from pythonbuild.store.store import Store

__all__ = ["Archives", "resolved"]


@dataclass(frozen=True)
class Archives:
    """The default format."""

    accepts: tuple[str, ...] = ("archives", "pythons")
    title: str = "archives"
    on_clusters: bool = True
    takes_base_image: bool = False

    @property
    def python_steps(self) -> Mapping[str, PythonStep]:
        """Nothing: other formats, too, use the steps of archives, which driver/handlers.py has."""
        return {}

    def image(self, catalog: Catalog) -> Image:
        """Return the image in which engine docker runs its steps."""
        return catalog.images["build"]

    def plan(self, requests: tuple[BuildRequest, ...], catalog: Catalog, facts: PlanningFacts) -> Plan:
        """Return the plan that makes the requested archives."""
        return make_plan(resolved(requests, catalog), catalog, facts)

    def check_machine(self, choice: EngineChoice, catalog: Catalog) -> None:
        """Accept every machine: each step checks what it needs."""

    def deliver(self, delivery: Delivery) -> list[OutputFile]:
        """Copy the archives of each build, and write its statement of provenance."""
        by_build: dict[Build, list[Output]] = {}
        for output in delivery.plan.outputs:
            assert isinstance(output.build, Build)
            by_build.setdefault(output.build, []).append(output)
        return [file for build, outputs in by_build.items() for file in _deliver(delivery, build, outputs)]


def resolved(requests: tuple[BuildRequest, ...], catalog: Catalog) -> tuple[Build, ...]:
    """Return the builds of all requests, each once."""
    return tuple(dict.fromkeys(build for request in requests for build in resolve(request, catalog)))


def _deliver(delivery: Delivery, build: Build, outputs: list[Output]) -> list[OutputFile]:
    tag = delivery.tag or tag_of_checkout(build.release)
    files, changed = _copy(delivery.store, build, outputs, delivery.records, delivery.folder, tag)
    name = provenance_name(build.python, build.target.triple, build.options, tag, build.release)
    statement = delivery.folder / name
    if changed or not statement.exists():
        plan = delivery.plan.closure([output.step for output in outputs])
        text = statement_of(build, plan, delivery.records, files)
        with replacing(statement) as partial:
            partial.write_text(text)
    return [*files, OutputFile(statement, statement.stat().st_size)]


def _copy(
    store: Store, build: Build, outputs: list[Output], records: Mapping[str, Record], folder: Path, tag: str
) -> tuple[list[OutputFile], bool]:
    """Copy the archives of one build.  Return them, and whether any of them is new."""
    delivered = []
    changed = False
    for output in outputs:
        assert output.kind is not None, "only packages and images are not archives"
        source = store.tree(records[output.step]) / str(output.kind)
        name = archive_name(build.python, build.target.triple, build.options, tag, output.kind, build.release)
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / name
        status = source.stat()
        if not target.exists() or (target.stat().st_size, target.stat().st_mtime_ns) != (
            status.st_size,
            status.st_mtime_ns,
        ):
            changed = True
            with replacing(target) as partial:
                shutil.copyfile(source, partial)
                os.utime(partial, ns=(status.st_atime_ns, status.st_mtime_ns))
        delivered.append(OutputFile(target, status.st_size))
    return delivered, changed
