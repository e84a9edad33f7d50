"""The interface of an output format: a family of files that one command makes, from the plan to the output folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import Image
from pythonbuild.driver.deliver import OutputFile
from pythonbuild.driver.engine_choice import EngineChoice
from pythonbuild.driver.handlers import PythonStep
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.step import Plan
from pythonbuild.request.build import BuildRequest
from pythonbuild.store.record import Record
from pythonbuild.store.store import Store

__all__ = ["Delivery", "OutputFormat"]


@dataclass(frozen=True)
class Delivery:
    """Finished builds to copy to the output folder.

    plan: its outputs are the files of these builds; tag: a part of archive names, "" for the time of the checkout's last commit;
    key: the GnuPG key that signs Debian packages, "" for none.
    """

    store: Store
    plan: Plan
    records: Mapping[str, Record]
    folder: Path
    tag: str = ""
    key: str = ""


class OutputFormat(Protocol):
    """A family of files that one command makes."""

    @property
    def accepts(self) -> tuple[str, ...]:
        """The values of `Flag.only` whose flags it accepts.  It refuses flags with other values."""

    @property
    def title(self) -> str:
        """The name of its files in messages, in the plural."""

    @property
    def on_clusters(self) -> bool:
        """True if a cluster can run its steps."""

    @property
    def takes_base_image(self) -> bool:
        """True if --base-image is the base of its files, and not of the image in which steps run."""

    @property
    def python_steps(self) -> Mapping[str, PythonStep]:
        """Its own Python steps by the names of their handlers, besides those of archives."""

    def image(self, catalog: Catalog) -> Image:
        """Return the image in which engine docker runs its steps."""

    def plan(self, requests: tuple[BuildRequest, ...], catalog: Catalog, facts: PlanningFacts) -> Plan:
        """Return the plan that makes the requested files."""

    def check_machine(self, choice: EngineChoice, catalog: Catalog) -> None:
        """Raise MissingPrerequisite if this machine cannot make it with the chosen engine."""

    def deliver(self, delivery: Delivery) -> list[OutputFile]:
        """Copy the files to the output folder, and return them.  Each appears there only when it is complete."""
