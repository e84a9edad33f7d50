"""What an output format is: a family of files that one command makes, from its plan to the output folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import Image
from pythonbuild.driver.deliver import Delivered
from pythonbuild.driver.engine_choice import Choice
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.step import Plan
from pythonbuild.request.build import BuildRequest
from pythonbuild.store.record import Record
from pythonbuild.store.store import Store

__all__ = ["Delivery", "OutputFormat"]


@dataclass(frozen=True)
class Delivery:
    """Finished builds on their way to the output folder.

    plan: has no other outputs than theirs; tag: for names of archives, "" for the time of the checkout's last commit;
    key: signs Debian packages.
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
        """The values of `Flag.only` whose flags it knows; it refuses others."""

    @property
    def title(self) -> str:
        """What it makes, for messages."""

    @property
    def on_clusters(self) -> bool:
        """Can a cluster run its steps?"""

    @property
    def takes_base_image(self) -> bool:
        """Is --base-image the base of what it makes, and not of the build image?"""

    def image(self, catalog: Catalog) -> Image:
        """Return the image that engine docker builds in."""

    def plan(self, requests: tuple[BuildRequest, ...], catalog: Catalog, facts: PlanningFacts) -> Plan:
        """Return the plan of what was asked for."""

    def check_machine(self, choice: Choice, catalog: Catalog) -> None:
        """Raise MissingPrerequisite if this machine cannot make it with the chosen engine."""

    def deliver(self, delivery: Delivery) -> list[Delivered]:
        """Copy the files to the output folder; returns them.  None of them is there before it is whole."""
