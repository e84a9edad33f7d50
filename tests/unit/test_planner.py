"""Keys contain exactly what affects a result; builds share equal steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from pythonbuild.catalog.load import Catalog
from pythonbuild.errors import BadCatalog, BadRequest
from pythonbuild.host.toolchains import Llvm
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.graph import Graph
from pythonbuild.plan.planner import make_plan
from pythonbuild.plan.step import Plan, ScriptAction, UnpackAction
from pythonbuild.request.build import BuildRequest, resolve
from tests.unit.conftest import folder

LLVM = Llvm(programs=Path("/usr/lib/llvm-22/bin"), version="clang version 22.1.8")


def make(catalog: Catalog, *options: str, pythons: tuple[str, ...] = (), chosen: int = 0, llvm: Llvm = LLVM) -> Plan:
    request = BuildRequest(("x86_64-unknown-linux-gnu",), pythons, options, "x86_64", llvm=llvm)
    facts = PlanningFacts(machine="x86_64", llvm=llvm, choose_origin=lambda origins: min(chosen, len(origins) - 1))
    return make_plan(resolve(request, catalog), catalog, facts)


def changed(catalog: Catalog, name: str, **values: object) -> Catalog:
    old = catalog.recipes[name]
    return replace(catalog, recipes={**catalog.recipes, name: replace(old, **values)})  # type: ignore[arg-type]


def keys(plan: Plan) -> dict[str, str]:
    return {step.name: step.key for step in plan}


def test_needs_come_before_their_users(catalog: Catalog) -> None:
    seen: set[str] = set()
    for step in make(catalog, "noopt", "debug"):
        assert {need.step for need in step.needs} <= seen
        seen.add(step.name)


def test_builds_share_libraries_whatever_their_options_and_python(catalog: Catalog) -> None:
    plan = make(catalog, "noopt", "debug", "lto", pythons=("cpython-3.11", "cpython-3.13"))
    names = list(plan.steps)
    assert names.count("zlib") == names.count("openssl") == 1
    assert sum(name.startswith("cpython-") for name in names) == 6


def test_a_recipe_applies_only_to_the_pythons_it_says(catalog: Catalog) -> None:
    assert "zstd" not in make(catalog).steps
    assert "zstd" in make(catalog, pythons=("cpython-3.14",)).steps


def test_a_changed_script_changes_the_keys_of_its_step_and_dependants(catalog: Catalog) -> None:
    before = keys(make(catalog))
    after = keys(make(changed(catalog, "openssl", templates={"build.sh.j2": "false"})))
    differing = {name.split("-")[0] for name in before if before[name] != after[name]}
    assert differing == {"openssl", "cpython", "distribution", "stripped", "archive"}


@pytest.mark.parametrize("field", ["patches", "files"])
def test_files_beside_the_script_are_in_the_key(catalog: Catalog, field: str) -> None:
    values: dict[str, object] = {field: {"x.patch": b"new"}}
    if field == "patches":
        recipe = catalog.recipes["zlib"].recipe
        from pythonbuild.catalog.schema import Patch

        values["recipe"] = type(recipe)(
            **{
                **{name: getattr(recipe, name) for name in recipe.__struct_fields__},
                "patches": (Patch(file="x.patch"),),
            }
        )
    assert keys(make(catalog))["zlib"] != keys(make(changed(catalog, "zlib", **values)))["zlib"]


def test_descriptions_and_places_are_not_in_the_key(catalog: Catalog) -> None:
    recipe = catalog.recipes["zlib"].recipe
    same = type(recipe)(
        **{**{name: getattr(recipe, name) for name in recipe.__struct_fields__}, "description": "other words"}
    )
    elsewhere = changed(catalog, "zlib", recipe=same, path=Path("/elsewhere"))
    assert keys(make(catalog)) == keys(make(elsewhere))
    moved = Llvm(programs=Path("/opt/llvm/bin"), version=LLVM.version)
    assert keys(make(catalog, "lto")) == keys(make(catalog, "lto", llvm=moved))


def test_the_version_of_a_host_compiler_is_in_the_key(catalog: Catalog) -> None:
    other = Llvm(programs=LLVM.programs, version="clang version 23.0.0")
    before, after = keys(make(catalog, "lto")), keys(make(catalog, "lto", llvm=other))
    assert before["zlib"] == after["zlib"]
    assert before["cpython-3.13.15-lto"] != after["cpython-3.13.15-lto"]


def test_the_origin_that_was_used_is_in_the_key_and_gives_the_version(catalog: Catalog) -> None:
    first, second = make(catalog), make(catalog, chosen=1)
    assert first.steps["zlib"].key != second.steps["zlib"].key
    action = second.steps["zlib"].action
    assert isinstance(action, ScriptAction)
    assert action.script == "true 2"


def test_no_path_of_a_machine_is_in_any_key(catalog: Catalog) -> None:
    for step in make(catalog, "lto"):
        assert not [value for value in step.inputs.values() if "/usr" in value or "/somewhere" in value]


def test_an_unknown_name_in_a_template_is_an_error(catalog: Catalog) -> None:
    with pytest.raises(BadCatalog, match=r"build\.sh\.j2, line 2: 'nonsense' is undefined"):
        make(changed(catalog, "zlib", templates={"build.sh.j2": "#!/bin/sh\n{{ nonsense }}"}))


def test_an_error_of_a_template_names_file_and_line(catalog: Catalog) -> None:
    templates = {"build.sh.j2": "{% include 'other.j2' %}", "other.j2": "one\ntwo\n{{ nonsense }}"}
    with pytest.raises(BadCatalog, match=r"other\.j2, line 3: 'nonsense' is undefined"):
        make(changed(catalog, "zlib", templates=templates))
    with pytest.raises(BadCatalog, match=r"build\.sh\.j2, line 3: Encountered unknown tag"):
        make(changed(catalog, "zlib", templates={"build.sh.j2": "one\ntwo\n{% nonsense %}"}))


def test_a_template_sees_only_what_its_recipe_reads(catalog: Catalog) -> None:
    with pytest.raises(BadCatalog, match="options"):
        make(changed(catalog, "zlib", templates={"build.sh.j2": "{{ options.pgo }}"}))


def test_a_circle_of_recipes_is_named(catalog: Catalog) -> None:
    circular = replace(catalog, recipes={**catalog.recipes, "zlib": folder("zlib", needs=("openssl",))})
    with pytest.raises(BadCatalog, match=r"in a circle: .*openssl.* -> .*zlib"):
        make(circular)


def test_one_name_for_two_different_steps_is_a_fault() -> None:
    graph = Graph()
    step = graph.add("zlib", "here", UnpackAction("a"), {"archive": "a"})
    assert graph.add("zlib", "here", UnpackAction("a"), {"archive": "a"}) is step
    with pytest.raises(AssertionError, match="two different steps are called zlib@here"):
        graph.add("zlib", "here", UnpackAction("b"), {"archive": "b"})


def test_the_python_is_known_by_its_kind_and_not_by_its_name(catalog: Catalog) -> None:
    recipes = {name: other for name, other in catalog.recipes.items() if name != "cpython"}
    old = catalog.recipes["cpython"]
    recipes["snake"] = replace(old, recipe=msgspec.structs.replace(old.recipe, name="snake"))
    names = {name.split("-")[0] for name in make(replace(catalog, recipes=recipes)).steps}
    assert {"snake", "distribution", "stripped", "archive"} < names
    assert "cpython" not in names


def test_the_closure_of_a_step(catalog: Catalog) -> None:
    part = make(catalog).closure(["openssl"])
    assert set(part.steps) == {"openssl", "zlib", "pkgconf", "toolchain-gcc"}
    assert part.outputs == ()


def test_a_python_that_the_recipe_cannot_build_is_refused_before_anything_is_done(catalog: Catalog) -> None:
    recipe = catalog.recipes["cpython"].recipe
    newer = type(recipe)(**{**{name: getattr(recipe, name) for name in recipe.__struct_fields__}, "pythons": ">=3.13"})
    with pytest.raises(BadRequest, match=r"cannot build 3\.11\.2"):
        make(changed(catalog, "cpython", recipe=newer), pythons=("cpython-3.11",))
