"""The micro-architecture levels of x86-64: compiler arguments, refusals, and names in archive indexes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pythonbuild.catalog.load import load_catalog
from pythonbuild.errors import BadRequest
from pythonbuild.home import checkout
from pythonbuild.model.target import cpu_flags
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.planner import make_plan
from pythonbuild.plan.step import ScriptAction
from pythonbuild.release.uv_index import uv_index
from pythonbuild.request.build import BuildRequest, check_cpu, resolve

CATALOG = load_catalog(checkout() / "cpython-unix")
BASE = "x86_64-unknown-linux-gnu"
V3 = "x86_64_v3-unknown-linux-gnu"
REQUEST = BuildRequest(targets=(V3,), pythons=(), options=(), machine="x86_64")
# What an AMD of the second Zen generation says, without what levels do not ask for.
ZEN = frozenset("abm avx avx2 bmi1 bmi2 cx16 f16c fma lahf_lm movbe popcnt sse4_1 sse4_2 ssse3 xsave".split())


@pytest.mark.parametrize("level", ["v2", "v3", "v4"])
def test_compilers_get_the_level_and_every_step_is_another(level: str) -> None:
    request = replace(REQUEST, targets=(f"x86_64_{level}-unknown-linux-gnu",))
    planned = make_plan(resolve(request, CATALOG), CATALOG, PlanningFacts(machine="x86_64"))
    base = make_plan(resolve(replace(request, targets=(BASE,)), CATALOG), CATALOG, PlanningFacts(machine="x86_64"))
    keys = {step.key for step in base}
    scripts = [step for step in planned if isinstance(step.action, ScriptAction)]
    assert len(scripts) > 15
    for step in scripts:
        assert isinstance(step.action, ScriptAction)
        if step.name == "pkgconf":  # runs during the build, and is the same for all
            continue
        assert f" -march=x86-64-{level} " in step.action.wrappers["cc"]
        assert step.key not in keys


def test_a_cpu_that_cannot_run_the_result_is_refused_with_the_missing_flags() -> None:
    v4 = "x86_64_v4-unknown-linux-gnu"
    check_cpu(CATALOG.target(V3), ZEN)
    check_cpu(CATALOG.target(BASE), frozenset({"fpu"}))
    with pytest.raises(BadRequest, match=r"lacks avx512f, avx512bw, avx512cd, avx512dq, avx512vl"):
        check_cpu(CATALOG.target(v4), ZEN)
    with pytest.raises(BadRequest, match="lacks avx2"):
        check_cpu(CATALOG.target(V3), ZEN - {"avx2"})


def test_the_kernels_words_are_read(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: A CPU\nflags\t\t: fpu avx2 abm\nvmx flags\t: x\n\nprocessor\t: 1\n")
    assert cpu_flags(info) == {"fpu", "avx2", "abm"}
    info.write_text("processor\t: 0\nFeatures\t: fp asimd\n")
    assert cpu_flags(info) == frozenset()
    assert cpu_flags(tmp_path / "none") == frozenset()


def test_uvs_index_has_the_level_as_a_variant(tmp_path: Path) -> None:
    for triple in (BASE, V3):
        (tmp_path / f"cpython-3.13.15-{triple}-noopt-20260101-install_only.tar.gz").write_bytes(b"")
    found = uv_index(sorted(tmp_path.iterdir()), "", CATALOG)
    assert {key: entry["arch"] for key, entry in found.items()} == {
        "cpython-3.13.15-linux-x86_64-gnu": {"family": "x86_64", "variant": None},
        "cpython-3.13.15-linux-x86_64_v3-gnu": {"family": "x86_64", "variant": "v3"},
    }
