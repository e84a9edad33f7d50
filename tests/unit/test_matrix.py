"""Every Python that can be built is planned and rendered: scripts are shell, and contain what each option promises."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import pytest

from pythonbuild.catalog.load import load_catalog
from pythonbuild.home import checkout
from pythonbuild.host.toolchains import Llvm, Msvc
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.planner import make_plan
from pythonbuild.plan.step import Plan, ScriptAction, Step
from pythonbuild.request.build import BuildRequest, resolve
from pythonbuild.request.matrix import matrix

CATALOG = load_catalog(checkout() / "cpython-unix")
LLVM = Llvm(Path("/usr/lib/llvm-22/bin"), "22")
UNIX = [target for target in CATALOG.targets.values() if not target.windows]


@lru_cache(maxsize=1)
def planned() -> Plan:
    """One plan of all combinations for Unix."""
    builds = {}
    for target, python, options in matrix(CATALOG):
        if target.windows:
            continue
        machine = "x86_64" if "x86_64" in target.build_machines else target.build_machines[0]
        request = BuildRequest(
            targets=(target.triple,), pythons=(str(python),), options=(str(options),), machine=machine, llvm=LLVM
        )
        builds.update(dict.fromkeys(resolve(request, CATALOG)))
    return make_plan(tuple(builds), CATALOG, PlanningFacts(machine="x86_64", llvm=LLVM))


@lru_cache(maxsize=1)
def planned_for_windows() -> Plan:
    """One plan of all that can be built on one Windows machine."""
    builds = {}
    for target, python, options in matrix(CATALOG):
        if target.windows:
            request = BuildRequest(
                (target.triple,), (str(python),), (str(options),), machine="aarch64-windows", msvc=Msvc("1", Path("sh"))
            )
            builds.update(dict.fromkeys(resolve(request, CATALOG)))
    return make_plan(tuple(builds), CATALOG, PlanningFacts(machine="aarch64-windows", msvc=Msvc("1", Path("sh"))))


def all_steps() -> list[Step]:
    return [*planned(), *planned_for_windows()]


def scripts() -> dict[str, ScriptAction]:
    return {step.identity: step.action for step in all_steps() if isinstance(step.action, ScriptAction)}


def test_they_are_many_and_each_is_there_once() -> None:
    combinations = [(target.triple, str(python), str(options)) for target, python, options in matrix(CATALOG)]
    assert len(combinations) == len(set(combinations)) > 900
    assert ("s390x-unknown-linux-gnu", "3.15.2", "freethreaded+pgo+lto") in combinations
    assert ("x86_64-unknown-linux-gnu", "3.12.14", "freethreaded+noopt") not in combinations
    assert ("x86_64-unknown-linux-gnu", "3.13.15", "noopt+static") not in combinations
    assert ("aarch64-unknown-linux-musl", "3.11.16", "lto+static") in combinations


def test_every_source_is_pinned() -> None:
    sources = [source for step in all_steps() for source in step.sources]
    assert len({source.name for source in sources}) > 25
    for origin in (origin for source in sources for origin in source.origins):
        assert re.fullmatch(r"[0-9a-f]{64}", origin.sha256)
        assert origin.size > 0


def test_no_step_is_in_the_plan_twice() -> None:
    # For Windows, the sources that CPython's own projects compile are the same for all CPUs: such steps share what is in the store.
    keys = [step.key for step in planned()]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("target", UNIX, ids=lambda target: target.triple)
def test_compilers_get_the_target_and_its_libc(target) -> None:  # type: ignore[no-untyped-def]
    found = {identity: action for identity, action in scripts().items() if f"@{target.triple}/" in identity}
    assert len(found) > 50
    for identity, action in found.items():
        cc = action.wrappers["cc"]
        if identity.endswith("/gcc"):
            assert f"/bin/{target.gnu}-gcc " in cc
        elif target.macos:
            assert f"--target={target.arch}-apple-macos{target.macos} -isysroot @SYSROOT@/" in cc
        else:
            assert f"--target={target.gnu} " in cc
            assert "--sysroot=@SYSROOT@" in cc
        assert all(argument in cc for argument in target.arguments)
        if identity.endswith("/zig") and target.glibc:
            assert f"-D__GLIBC_MINOR__={target.glibc.split('.')[1]} " in cc


def test_options_decide_the_arguments_of_configure() -> None:
    found = {step.identity: step.action for step in planned() if isinstance(step.action, ScriptAction)}
    pythons = {name: action.script for name, action in found.items() if name.startswith("cpython-")}
    for identity, script in pythons.items():
        options = identity.split("@")[0].split("-", 2)[2].split("+")
        for option, flag in (
            ("pgo", "--enable-optimizations"),
            ("lto", "--with-lto=thin"),
            ("freethreaded", "--disable-gil"),
            ("debug", "--with-pydebug"),
            ("static", "--disable-shared"),
        ):
            assert (flag in script) == (option in options), (identity, flag)
        target = CATALOG.target(identity.split("@")[1].split("/")[0])
        foreign = target.gnu != "x86_64-linux-gnu"
        assert ("--with-build-python=" in script) == foreign
        assert all((f"export {name}={answer}" in script) == foreign for name, answer in target.answers.items())


def test_options_decide_the_properties_of_msbuild_projects() -> None:
    pythons = {name: action.script for name, action in scripts().items() if re.match("cpython-.*/msvc$", name)}
    assert len(pythons) > 60
    for identity, script in pythons.items():
        options = identity.split("@")[0].split("-", 2)[2].split("+")
        assert ("build PGInstrument\n" in script) == ("build PGUpdate\n" in script) == ("pgo" in options), identity
        assert ("build Release\n" in script) == ("noopt" in options), identity
        assert ("-property:DisableGil=true" in script) == ("freethreaded" in options), identity


def test_a_profile_is_shared_by_all_foreign_targets_of_the_same_python() -> None:
    for step in planned():
        options = step.identity.split("@")[0]
        if step.identity.startswith("cpython-") and "pgo" in options and step.identity.endswith("/zig"):
            (profile,) = [planned().steps[need.step].identity for need in step.needs if need.role == "profile"]
            expected = options.replace("+static", "")
            expected = expected if "lto" in expected else f"{expected}+lto"
            assert profile == f"{expected}@x86_64-unknown-linux-gnu/llvm"


def test_debug_noopt_and_optimized_builds_and_two_pythons_share_all_libraries() -> None:
    for target in CATALOG.targets.values():
        for name in ("openssl", "sqlite", "xz"):
            steps = [step for step in all_steps() if step.identity.startswith(f"{name}@{target.triple}/")]
            assert len(steps) == 1, (name, target.triple)
