"""Plans for platforms whose programs do not run on the machine that builds."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from pythonbuild.catalog.load import load_catalog
from pythonbuild.engines.unpack import unpack_wheel
from pythonbuild.home import checkout
from pythonbuild.host.toolchains import Llvm
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.planner import make_plan
from pythonbuild.plan.step import Plan, ScriptAction, Step
from pythonbuild.release.uv_index import uv_index
from pythonbuild.request.build import BuildRequest, resolve

CATALOG = load_catalog(checkout() / "cpython-unix")
FOREIGN = [target.triple for target in CATALOG.targets.values() if CATALOG.toolchains_for(target, "x86_64") == ("zig",)]
LLVM = Llvm(Path("/usr/lib/llvm-22/bin"), "22")


def planned(triple: str, options: str = "noopt") -> Plan:
    request = BuildRequest(targets=(triple,), pythons=(), options=(options,), machine="x86_64")
    return make_plan(resolve(request, CATALOG), CATALOG, PlanningFacts(machine="x86_64"))


def scripts(plan: Plan) -> dict[str, tuple[Step, ScriptAction]]:
    return {step.identity: (step, step.action) for step in plan if isinstance(step.action, ScriptAction)}


@pytest.mark.parametrize("triple", FOREIGN)
def test_programs_of_the_build_are_for_the_building_machine_and_others_for_the_target(triple: str) -> None:
    found = scripts(planned(triple))
    native = {identity.split("@")[0] for identity in found if "@x86_64-unknown-linux-gnu" in identity}
    assert native == {"binutils", "host-python-3.13.15", "pkgconf", "zlib-ng"}
    for identity, (_, action) in found.items():
        if f"@{triple}" in identity:
            assert f"--target={CATALOG.target(triple).gnu} " in action.wrappers["cc"]
            assert action.wrappers["build-cc"] == "@BUILD_TOOLCHAIN@/bin/x86_64-linux-gnu-gcc"
            assert action.environment["CC_FOR_BUILD"] == "build-cc"
        else:
            assert "build-cc" not in action.wrappers


@pytest.mark.parametrize("triple", FOREIGN)
def test_no_library_of_the_building_machine_gets_into_a_foreign_step(triple: str) -> None:
    plan = planned(triple)
    for step in plan:
        if f"@{triple}/zig" in step.identity:
            others = [
                plan.steps[need.step].identity for need in step.needs if need.role in ("deps", "library", "sysroot")
            ]
            assert not [identity for identity in others if f"@{triple}/" not in identity]


def test_targets_share_the_compiler_and_tools() -> None:
    request = BuildRequest(targets=(*FOREIGN, "x86_64-unknown-linux-gnu"), pythons=(), options=(), machine="x86_64")
    plan = make_plan(resolve(request, CATALOG), CATALOG, PlanningFacts(machine="x86_64"))
    names = [step.identity.split("@")[0] for step in plan]
    for shared in ("toolchain-zig", "toolchain-gcc", "binutils", "pkgconf", "host-python-3.13.15"):
        assert names.count(shared) == 1


def test_an_aarch64_machine_builds_by_the_same_data() -> None:
    targets = [target for target in CATALOG.targets.values() if "aarch64" in target.build_machines]
    assert len(targets) > 6
    for target in targets:
        request = BuildRequest(targets=(target.triple,), pythons=(), options=("noopt",), machine="aarch64", llvm=LLVM)
        plan = make_plan(resolve(request, CATALOG), CATALOG, PlanningFacts(machine="aarch64", llvm=LLVM))
        found = scripts(plan)
        (cpython,) = (identity for identity in found if identity.startswith("cpython-"))
        native = target.triple == "aarch64-unknown-linux-gnu"
        assert cpython.endswith("/llvm-darwin" if target.macos else "/gcc" if native else "/zig")
        assert [identity for identity in found if identity.startswith("host-python-")] == (
            [] if native else ["host-python-3.13.15@aarch64-unknown-linux-gnu/gcc"]
        )
        wheels = {source.origin.platform for step in plan for source in step.sources if source.origin.wheel}
        assert all(platform.endswith("aarch64") for platform in wheels)


def test_a_whole_wheel_keeps_which_files_are_programs(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        for name, mode in (("tool/run", 0o100755), ("tool/data", 0o100644)):
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            wheel.writestr(info, "x")
    unpack_wheel(tmp_path / "a.whl", "", tmp_path / "out")
    assert (tmp_path / "out/tool/run").stat().st_mode & 0o111
    assert not (tmp_path / "out/tool/data").stat().st_mode & 0o111


def test_uvs_index_names_cpu_and_float_abi_as_uv_does(tmp_path: Path) -> None:
    for triple in ("armv7-unknown-linux-gnueabi", "armv7-unknown-linux-gnueabihf", "ppc64le-unknown-linux-gnu"):
        (tmp_path / f"cpython-3.13.15-{triple}-noopt-20260101-install_only.tar.gz").write_bytes(b"")
    found = uv_index(sorted(tmp_path.iterdir()), "", CATALOG)
    assert {key: entry["libc"] for key, entry in found.items()} == {
        "cpython-3.13.15-linux-armv7-gnueabi": "gnueabi",
        "cpython-3.13.15-linux-armv7-gnueabihf": "gnueabihf",
        "cpython-3.13.15-linux-powerpc64le-gnu": "gnu",
    }


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_a_machine_makes_its_own_pythons_by_its_own_compilers_and_others_by_zig(machine: str) -> None:
    for target in CATALOG.targets.values():
        if machine in target.build_machines:
            own = target.gnu == f"{machine}-linux-gnu"
            others = "llvm-darwin" if target.macos else "zig"
            assert CATALOG.toolchains_for(target, machine) == (("gcc", "llvm") if own else (others,))
