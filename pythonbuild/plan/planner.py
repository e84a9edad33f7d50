"""Turns builds and the catalog into one `Plan`."""

from __future__ import annotations

from pythonbuild.catalog.load import Catalog
from pythonbuild.plan.distributions import DistributionSteps
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.graph import Graph, with_short_names
from pythonbuild.plan.machine import BuildingMachine
from pythonbuild.plan.recipes import RecipeSteps
from pythonbuild.plan.step import Output, Plan
from pythonbuild.request.build import Build

__all__ = ["make_plan", "plan_builds"]


def plan_builds(builds: tuple[Build, ...], catalog: Catalog, facts: PlanningFacts, graph: Graph) -> list[Output]:
    """Add the steps of builds to a graph, and return the archives.  Their steps are named by identities.

    Raises BadCatalog if recipes need each other in a circle, BadRequest if a recipe cannot build a Python.
    """
    machine = BuildingMachine(catalog, facts)
    recipes = RecipeSteps(graph, machine)
    distributions = DistributionSteps(graph, machine, recipes)
    return [output for build in builds for output in distributions.outputs(build)]


def make_plan(builds: tuple[Build, ...], catalog: Catalog, facts: PlanningFacts) -> Plan:
    """Return the plan that makes the archives of all builds.  Raises as `plan_builds` does."""
    graph = Graph()
    outputs = plan_builds(builds, catalog, facts, graph)
    return with_short_names(Plan(graph.steps, tuple(outputs)))
