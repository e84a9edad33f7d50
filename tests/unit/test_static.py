"""Option static: one file for musl without a loader, and the limits of such a Python."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pythonbuild.catalog.load import load_catalog
from pythonbuild.errors import BadRequest
from pythonbuild.home import checkout
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.planner import make_plan
from pythonbuild.plan.step import ScriptAction
from pythonbuild.release.uv_index import uv_index
from pythonbuild.request.build import BuildRequest, resolve

CATALOG = load_catalog(checkout() / "cpython-unix")
MUSL = "x86_64-unknown-linux-musl"
REQUEST = BuildRequest(targets=(MUSL,), pythons=(), options=("noopt", "static"), machine="x86_64")


def test_it_shares_all_but_cpython_with_the_dynamic_one() -> None:
    plan = make_plan(resolve(REQUEST, CATALOG), CATALOG, PlanningFacts(machine="x86_64"))
    scripts = {step.name: step.action.script for step in plan if isinstance(step.action, ScriptAction)}
    assert len(scripts) > 25
    twice = [name for name in scripts if "3.13.15" in name and not name.startswith("host-python")]
    assert sorted(name.split("@")[0] for name in twice) == ["cpython-3.13.15-noopt", "cpython-3.13.15-noopt+static"]
    dynamic, static = (scripts[name] for name in sorted(twice))
    assert "--enable-shared" in dynamic
    assert "--disable-shared" in static
    assert "-z,stack-size=8388608 -static" in static
    assert " -static" not in dynamic


def test_it_has_the_modules_of_the_dynamic_one_but_for_tests_of_loading() -> None:
    python = CATALOG.python("cpython-3.13.15")
    gone = CATALOG.modules(MUSL, python, {"noopt"}) - CATALOG.modules(MUSL, python, {"noopt", "static"})
    assert gone == set(
        "_ctypes_test _testexternalinspection _testimportmultiple _testmultiphase _testsinglephase".split()
    )


def test_uv_is_not_offered_it(tmp_path: Path) -> None:
    for options in ("noopt", "noopt+static"):
        (tmp_path / f"cpython-3.13.15-{MUSL}-{options}-20260101-install_only.tar.gz").write_bytes(b"")
    (entry,) = uv_index(sorted(tmp_path.iterdir()), "", CATALOG).values()
    assert "static" not in str(entry["url"])


def test_a_release_has_it_only_under_a_name_that_says_so() -> None:
    request = replace(REQUEST, options=("static",), release=True)
    with pytest.raises(BadRequest, match="a release cannot have a static install_only archive"):
        resolve(request, CATALOG)
    (build,) = resolve(replace(request, formats=("full", "sbom")), CATALOG)
    assert str(build.options) == "noopt+static"
