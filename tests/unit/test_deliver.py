"""The builds that are delivered after a failure."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from pythonbuild.catalog.load import load_catalog
from pythonbuild.driver.building import finished
from pythonbuild.home import checkout
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.planner import make_plan
from pythonbuild.request.build import BuildRequest, resolve

CATALOG = load_catalog(checkout() / "cpython-unix")
TARGETS = ("s390x-unknown-linux-gnu", "mips-unknown-linux-gnu")


def test_a_build_of_which_something_is_missing_is_left_out_and_others_are_not() -> None:
    request = BuildRequest(targets=TARGETS, pythons=(), options=(), machine="x86_64")
    plan = make_plan(resolve(request, CATALOG), CATALOG, PlanningFacts(machine="x86_64"))
    broken = next(output.step for output in plan.outputs if output.build.target.triple == TARGETS[1])
    done = {name: Path(name) for name in plan.steps if name != broken}
    left = finished(plan, cast(Any, SimpleNamespace(records=done)))
    assert {output.build.target.triple for output in left.outputs} == {TARGETS[0]}
    assert len(left.outputs) * 2 == len(plan.outputs)
    assert finished(plan, cast(Any, SimpleNamespace(records={**done, broken: Path()}))) == plan
