"""Every script of the real catalog, for every supported target, Python and set of options."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import msgspec
import pytest

from pythonbuild.catalog.load import Catalog, RecipeFolder, load_catalog
from pythonbuild.catalog.schema import Origin
from pythonbuild.home import checkout
from pythonbuild.host.toolchains import AppleSdk, Llvm, Msvc, Xcode
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.planner import make_plan
from pythonbuild.plan.step import ScriptAction, Step
from pythonbuild.request.build import BuildRequest, PgoProfile, resolve
from pythonbuild.sources.downloaders import CannotFetch, Downloader

CATALOG = load_catalog(checkout() / "cpython-unix")
LLVM = Llvm(programs=Path("/usr/lib/llvm-22/bin"), version="clang version 22.1.8")
SDK = AppleSdk(Path("/sdk"), "macosx15.4", "15.4")
# Planning everything takes longer than looking at it: one worker does it for all of these tests.
pytestmark = pytest.mark.xdist_group("recipes")
XCODE = Xcode(Path("/xcode"), "Apple clang version 17.0.0", SDK, SDK)


@lru_cache(maxsize=1)
def every_step() -> tuple[Step, ...]:
    return tuple(steps(CATALOG))


@lru_cache(maxsize=1)
def scripts() -> dict[str, tuple[str, ScriptAction]]:
    """Return {text of a script: (step, action)} over all that can be planned; of those that differ in a name of the target only, one."""
    found: dict[str, tuple[str, tuple[str, ScriptAction]]] = {}
    for step in every_step():
        if isinstance(step.action, ScriptAction):
            target = CATALOG.target(step.identity.split("@")[1].split("/")[0])
            shape = step.action.script
            for name in sorted({target.triple, target.zig, target.gnu, target.openssl} - {""}, key=len, reverse=True):
                shape = shape.replace(name, "TARGET")
            found.setdefault(shape, (step.action.script, (step.name, step.action)))
    return dict(found.values())


def steps(catalog: Catalog) -> Iterator[Step]:
    for triple, target in catalog.targets.items():
        for origin in (0, 1):
            for version in catalog.releases:
                if not catalog.recipe("cpython", target).applies_to(triple, version):
                    continue
                every = ["noopt", "pgo"] if target.windows else ["noopt", "debug", "pgo", "lto", "pgo+lto"]
                free = ["freethreaded+noopt", "freethreaded+pgo" if target.windows else "freethreaded+pgo+lto"]
                every += free if version.within(">=3.13") else []
                every += ["static", "pgo+lto+static"] if target.libc == "musl" else []
                for machine in (target.build_machines[0], *(name for name in target.build_machines if "-" in name)):
                    if target.windows and machine not in target.windows.runs_on:
                        every = [options for options in every if "pgo" not in options]
                    request = BuildRequest((triple,), (f"cpython-{version}",), tuple(every), machine, llvm=LLVM)
                    if "darwin" in machine:
                        request = replace(request, xcode=XCODE)
                    if target.windows:
                        request = replace(request, llvm=None, msvc=Msvc("1", Path("sh")))
                    yield from steps_of(catalog, request, origin)


def steps_of(catalog: Catalog, request: BuildRequest, origin: int) -> Iterator[Step]:
    """Yield the steps of a request, and of others for the same Python that engines and profiles make different."""

    def choose(origins: tuple[Origin, ...]) -> int:
        return min(origin, len(origins) - 1)

    facts = PlanningFacts(request.machine, request.llvm, choose, xcode=request.xcode, msvc=request.msvc)
    yield from make_plan(resolve(request, catalog), catalog, facts)
    if request.msvc:
        return  # there are neither engines nor profiles to choose from
    for engine, options in (("host", "pgo"), ("docker", "pgo"), ("host", "pgo+lto")):
        one = replace(request, options=(options,), engine=engine)
        yield from make_plan(resolve(one, catalog), catalog, facts)
        profiled = replace(one, pgo_profile=PgoProfile(Path("p"), "0", b"profile"))
        yield from make_plan(resolve(profiled, catalog), catalog, facts)


def test_all_scripts_render_and_are_clean_shell(tmp_path: Path) -> None:
    files = []
    for number, (text, (name, _)) in enumerate(scripts().items()):
        assert text.startswith("#!/bin/sh\n"), name
        path = tmp_path / f"{name.split('@')[0]}-{number}.sh"
        path.write_text(text.replace("\n", "\nset -eu\n", 1))  # as the engine runs it
        files.append(path)
    chosen = differing(files)
    assert len(chosen) > 100
    command = [str(Path(sys.executable).with_name("shellcheck")), "--shell=dash", "--severity=style"]
    done = subprocess.run([*command, *map(str, chosen)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:]


def differing(files: list[Path]) -> list[Path]:
    """Return files that together have each line of all files after each line that it follows, numbers apart.

    shellcheck takes half a second for a script of CPython's, and hundreds of these differ in a block or a number.
    """
    chosen, seen = [], set[tuple[str, str]]()
    for path in sorted(files, key=lambda path: (-path.stat().st_size, path.name)):
        lines = re.sub(r"\d+", "0", path.read_text()).splitlines()
        pairs = set(zip(lines, lines[1:]))
        if not pairs <= seen:
            chosen.append(path)
            seen |= pairs
    return chosen


def test_bolt_is_for_profiles_by_llvm_where_it_works() -> None:
    seen = set()
    for step in every_step():
        if step.identity.startswith("cpython") and isinstance(step.action, ScriptAction):
            target = CATALOG.targets[step.identity.split("@")[1].split("/")[0]]
            wanted = target.bolt and "pgo" in step.identity and step.identity.endswith("/llvm")
            assert ("llvm-bolt python.linked" in step.action.script) == wanted, step.identity
            seen.add(wanted)
    assert seen == {True, False}


def test_scripts_leave_the_number_of_jobs_to_the_job_server() -> None:
    for text, (name, _) in scripts().items():
        assert not re.search(r"^\s*make\b[^\"]* -j", text, re.MULTILINE), name


# What GNU's programs know and those of macOS do not.
GNUISMS = (
    r"\bsed (-[nEe] |-n -E )*-i",
    r"\bcp [^|;]*--",
    r"\breadlink -f",
    r"\bxargs -r",
    r"\bgrep -[a-zA-Z]*P",
    r"\bstat -c",
    r"\bsort -[a-zA-Z]*V",
    r"\btar [^|;]*--(mtime|owner|group|sort|mode|transform)",
    r"\bfind [^|;]*-printf",
    r"\bdate -d",
    r"\bmktemp -p",
    r"\bhead -n -",
    r"\bar [a-z]*D",
    r"\bln [^|;]*-[a-z]*r",
    r"\bnproc\)",
    # An alternative of a basic regular expression.
    r"(grep|sed)( -[a-zE]+)* ['\"][^'\"]*\\\|",
)


def test_scripts_for_macs_use_only_programs_and_flags_of_macos() -> None:
    seen = 0
    for step in every_step():
        if isinstance(step.action, ScriptAction) and re.search("/xcode(-tools)?$", step.identity):
            seen += 1
            for line in step.action.script.splitlines():
                if not line.lstrip().startswith("#"):
                    assert not [pattern for pattern in GNUISMS if re.search(pattern, line)], (step.name, line)
    assert seen > 100


@pytest.mark.parametrize(
    "folder",
    [*CATALOG.recipes.values(), *CATALOG.windows_recipes.values()],
    ids=lambda folder: f"{folder.path.parent.parent.name}-{folder.recipe.name}",
)
def test_every_recipe_has_a_description_and_an_origin(folder: RecipeFolder) -> None:
    recipe = folder.recipe
    assert recipe.description
    assert recipe.licenses
    for source in recipe.sources:
        for origin in source.origins:
            assert re.fullmatch("[0-9a-f]{64}", origin.sha256)
            assert origin.size > 1000
            assert [bool(place) for place in (origin.url, origin.debian, origin.wheel, origin.sdist)].count(True) == 1
    assert not [line for line in folder.templates["build.sh.j2"].splitlines() if "/tmp/" in line]


def test_an_sdist_comes_from_the_package_index_with_its_hash_or_not_at_all(tmp_path: Path) -> None:
    (origin,) = CATALOG.recipes["zlib-ng"].recipe.sources[0].origins
    ((_, fetch),) = Downloader().places(origin)
    fetch(tmp_path / "good", lambda done, total: None)
    assert hashlib.sha256((tmp_path / "good").read_bytes()).hexdigest() == origin.sha256
    ((_, fetch),) = Downloader().places(msgspec.structs.replace(origin, sha256="0" * 64))
    with pytest.raises(CannotFetch, match="DO NOT MATCH THE HASHES"):
        fetch(tmp_path / "bad", lambda done, total: None)
    assert not (tmp_path / "bad").exists()


def test_every_patch_opens_with_its_reason() -> None:
    for name, folder in CATALOG.recipes.items():
        for file, content in folder.patches.items():
            reason = content.decode().split("\n--- ")[0]
            assert len(reason.split()) > 20, f"{name}/{file}"


def test_libraries_are_shared_by_all_options_and_pythons() -> None:
    plan = list(
        steps(replace(CATALOG, targets={"x86_64-unknown-linux-gnu": CATALOG.targets["x86_64-unknown-linux-gnu"]}))
    )
    keys = {step.key for step in plan if step.identity.startswith("openssl@")}
    # One for each origin of what it is made from; both of openssl's have the same bytes.
    assert len(keys) == 1
