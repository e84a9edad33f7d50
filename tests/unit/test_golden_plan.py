"""Compares plans of Pythons for macOS and Windows with reviewed golden files: each command, variable and script.

For each building system (Linux, macOS, Windows), one golden file is a whole plan; the others are differences from it.  After an
intended change, run `PYTHONBUILD_TESTS_GOLDEN=write python3 tests/run.py unit`, and read what git shows.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pythonbuild.catalog.load import file_digest, load_catalog
from pythonbuild.home import checkout
from pythonbuild.host.toolchains import AppleSdk, Llvm, Msvc, Xcode
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.planner import make_plan
from pythonbuild.plan.python_steps import python_inputs
from pythonbuild.plan.step import Plan, PythonAction, ScriptAction, Step
from pythonbuild.request.build import BuildRequest, resolve

CATALOG = load_catalog(checkout() / "cpython-unix")
GOLDEN = checkout() / "tests" / "golden"
LLVM = Llvm(Path("/usr/lib/llvm-22/bin"), "22")
SDK = AppleSdk(Path("/Library/Developer/CommandLineTools/SDKs/MacOSX15.4.sdk"), "macosx15.4", "15.4")
XCODE = Xcode(Path("/Library/Developer/CommandLineTools/usr/bin"), "Apple clang version 17.0.0", SDK, SDK)
BASE = ("aarch64-apple-darwin", "cpython-3.13", "noopt")
# The building machine, then target, Python and options.  Only the ARM Mac named -rosetta has Rosetta.
ON_A_MAC = ("aarch64-darwin", *BASE)
OTHERS_ON_A_MAC = (
    ("aarch64-darwin", "aarch64-apple-darwin", "cpython-3.13", "pgo"),
    ("aarch64-darwin", "aarch64-apple-darwin", "cpython-3.13", "freethreaded+pgo+lto"),
    ("aarch64-darwin", "aarch64-apple-darwin", "cpython-3.11", "pgo+lto"),
    ("aarch64-darwin", "x86_64-apple-darwin", "cpython-3.13", "pgo"),
    ("aarch64-darwin-rosetta", "x86_64-apple-darwin", "cpython-3.13", "pgo"),
    ("x86_64-darwin", "x86_64-apple-darwin", "cpython-3.13", "noopt"),
    ("x86_64-darwin", "aarch64-apple-darwin", "cpython-3.14", "pgo+lto"),
)
MSVC = Msvc("Visual Studio 2022, MSVC 14.44.35207, SDK 10.0.26100.0", Path("C:/Program Files/Git/usr/bin/sh.exe"))
ON_WINDOWS = ("x86_64-windows", "x86_64-pc-windows-msvc", "cpython-3.13", "noopt")
OTHERS_ON_WINDOWS = (
    *(
        ("x86_64-windows", "x86_64-pc-windows-msvc", f"cpython-{series}", "noopt")
        for series in ("3.11", "3.12", "3.14", "3.15")
    ),
    *(("x86_64-windows", "x86_64-pc-windows-msvc", "cpython-3.13", options) for options in ("pgo", "freethreaded+pgo")),
    ("x86_64-windows", "x86_64-pc-windows-msvc", "cpython-3.15", "freethreaded+pgo"),
    ("x86_64-windows", "i686-pc-windows-msvc", "cpython-3.13", "pgo"),
    ("x86_64-windows", "aarch64-pc-windows-msvc", "cpython-3.13", "noopt"),
    ("aarch64-windows", "aarch64-pc-windows-msvc", "cpython-3.13", "pgo"),
)
OTHERS = (
    ("x86_64-apple-darwin", "cpython-3.13", "noopt"),
    *(("aarch64-apple-darwin", f"cpython-{series}", "noopt") for series in ("3.11", "3.12", "3.14", "3.15")),
    *(
        ("aarch64-apple-darwin", "cpython-3.13", options)
        for options in ("debug", "freethreaded+noopt", "lto", "pgo", "pgo+lto")
    ),
)


def planned(machine: str, triple: str, python: str, options: str) -> Plan:
    if "windows" in machine:
        request = BuildRequest((triple,), (python,), (options,), machine, msvc=MSVC)
        return make_plan(resolve(request, CATALOG), CATALOG, PlanningFacts(machine, msvc=MSVC))
    if "darwin" in machine:
        xcode = replace(XCODE, rosetta=machine.endswith("-rosetta"))
        machine = machine.removesuffix("-rosetta")
        request = BuildRequest((triple,), (python,), (options,), machine, xcode=xcode)
        return make_plan(resolve(request, CATALOG), CATALOG, PlanningFacts(machine, xcode=xcode))
    request = BuildRequest((triple,), (python,), (options,), machine, llvm=LLVM)
    return make_plan(resolve(request, CATALOG), CATALOG, PlanningFacts(machine, llvm=LLVM))


def shown(machine: str, triple: str, python: str, options: str) -> list[str]:
    """Return the plan's steps as lines, in the order of the plan; on x86_64 Linux only those for the target."""
    steps = [
        step
        for step in planned(machine, triple, python, options)
        if machine != "x86_64" or f"@{triple}/" in step.identity
    ]
    scripts = [step.action for step in steps if isinstance(step.action, ScriptAction)]
    common = set.intersection(*(set(settings(action)) for action in scripts))
    lines = ["== all scripts", *(line for line in settings(scripts[0]) if line in common)]
    for step in steps:
        lines += ["", f"== {step.name.partition('@')[0]}", *(f"needs {need.role} {need.step}" for need in step.needs)]
        lines += described(step, common)
    return lines


def settings(action: ScriptAction) -> list[str]:
    return [f"command {name} = {line}" for name, line in sorted(action.wrappers.items())] + [
        f"variable {name} = {value}" for name, value in sorted(action.environment.items())
    ]


def described(step: Step, common: set[str]) -> Iterator[str]:
    for source in step.sources:
        yield from (f"source {source.name} {origin.sha256} {origin.place}" for origin in source.origins)
    if isinstance(step.action, PythonAction):
        yield f"by {step.action.handler}"
        # The bill of materials repeats the sources above.
        given = sorted(python_inputs(step.action, {}).items())
        yield from (f"parameter {name} = {value}" for name, value in given if not name.startswith("parts "))
    if isinstance(step.action, ScriptAction):
        yield from (line for line in settings(step.action) if line not in common)
        yield from (f"patch {name} {file_digest(content)}" for name, content in step.action.patches)
        yield from (f"file {name} {file_digest(content)}" for name, content in sorted(step.action.files.items()))
        yield from (f"| {line}".rstrip() for line in step.action.script.splitlines())
        yield f"result {step.action.output}, licences {', '.join(step.action.license_files)}"


def held(name: str, text: str) -> None:
    """Compare a text with a golden file; write the file first if PYTHONBUILD_TESTS_GOLDEN is `write`."""
    file = GOLDEN / name
    if os.environ.get("PYTHONBUILD_TESTS_GOLDEN") == "write":
        file.write_text(text)
    assert text.splitlines() == file.read_text().splitlines()


def test_the_plan_of_a_python_for_macos_is_the_one_that_was_read() -> None:
    held(f"{'-'.join(BASE)}.txt", "\n".join(shown("x86_64", *BASE)) + "\n")


def test_the_plan_on_a_mac_is_the_one_that_was_read() -> None:
    held(f"on-{'-'.join(ON_A_MAC)}.txt", "\n".join(shown(*ON_A_MAC)) + "\n")


def test_the_plan_on_windows_is_the_one_that_was_read() -> None:
    held(f"on-{'-'.join(ON_WINDOWS)}.txt", "\n".join(shown(*ON_WINDOWS)) + "\n")


@pytest.mark.parametrize("other", OTHERS_ON_WINDOWS, ids="-".join)
def test_other_plans_on_windows_differ_as_they_did_when_they_were_read(other: tuple[str, str, str, str]) -> None:
    held(
        f"on-{'-'.join(other)}.diff",
        difference(shown(*ON_WINDOWS), shown(*other), "-".join(ON_WINDOWS), "-".join(other)),
    )


@pytest.mark.parametrize("other", OTHERS_ON_A_MAC, ids="-".join)
def test_other_plans_on_a_mac_differ_as_they_did_when_they_were_read(other: tuple[str, str, str, str]) -> None:
    held(f"on-{'-'.join(other)}.diff", difference(shown(*ON_A_MAC), shown(*other), "-".join(ON_A_MAC), "-".join(other)))


@pytest.mark.parametrize("other", OTHERS, ids="-".join)
def test_other_plans_for_macos_differ_as_they_did_when_they_were_read(other: tuple[str, str, str]) -> None:
    base, lines = shown("x86_64", *BASE), shown("x86_64", *other)
    held(f"{'-'.join(other)}.diff", difference(base, lines, "-".join(BASE), "-".join(other)))


def difference(first: list[str], second: list[str], first_name: str, second_name: str) -> str:
    """Return the differences without line numbers, because any change above would move these."""
    lines = difflib.unified_diff(first, second, first_name, second_name, n=0, lineterm="")
    return "".join(f"{'@@' if line.startswith('@@') else line}\n" for line in lines)
