"""Checks that every rule for packages finds its defect: the packages are really built, then spoilt in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from pythonbuild.binaries.debian import Package, PackageEntry, read_package
from pythonbuild.validation.package_rules import judge_packages, package_rules
from tests.packages.conftest import Made

# These tests share one daemon, so one worker runs them.
pytestmark = pytest.mark.xdist_group("docker")

Pair = tuple[Package, Package]


def with_entry(package: Package, name: str, **values: object) -> Package:
    entry = PackageEntry(name, "file", 0o644, "root:root")
    return replace(package, entries={**package.entries, name: replace(entry, **values)})  # type: ignore[arg-type]


def without(package: Package, ending: str) -> Package:
    return replace(
        package,
        entries={name: entry for name, entry in package.entries.items() if not name.endswith(ending)},
        elf={name: facts for name, facts in package.elf.items() if not name.endswith(ending)},
    )


def with_text(package: Package, part: str, old: str, new: str) -> Package:
    texts = {name: text.replace(old, new) if part in name else text for name, text in package.texts.items()}
    assert texts != package.texts
    return replace(package, texts=texts)


def without_probes(package: Package) -> Package:
    return replace(package, elf={name: replace(facts, probes=False) for name, facts in package.elf.items()})


def without_expat(package: Package) -> Package:
    elf = {
        name: replace(facts, needed=tuple(library for library in facts.needed if "expat" not in library))
        for name, facts in package.elf.items()
    }
    return replace(package, elf=elf)


SPOILERS: dict[str, Callable[[Package, Package], Pair]] = {
    "deb-abi": lambda first, second: (first, replace(second, elf={**second.elf, **dict(list(first.elf.items())[-3:])})),
    "deb-apart": lambda first, second: (
        first,
        with_entry(second, next(n for n in first.entries if n.endswith("/os.py"))),
    ),
    "deb-bytecode": lambda first, second: (with_entry(first, "opt/python/python3.13/lib/__pycache__/os.pyc"), second),
    "deb-depends": lambda first, second: (first, replace(second, fields={**second.fields, "Depends": "libc6"})),
    "deb-embed": lambda first, second: (first, without(second, "/python.o")),
    "deb-flags": lambda first, second: (with_text(first, "_sysconfigdata_", "-O3", "-O2"), second),
    "deb-interpreter": lambda first, second: (without_probes(first), second),
    "deb-leaks": lambda first, second: (first, with_text(second, "-config", "prefix=", "/pythonbuild/box/root=")),
    "deb-links": lambda first, second: (without(first, "/Python.h"), second),
    "deb-owner": lambda first, second: (with_entry(first, "opt/python/python3.13/x", mode=0o4755), second),
    "deb-place": lambda first, second: (with_entry(first, "usr/bin/python3"), second),
    "deb-system": lambda first, second: (without_expat(first), second),
}


def test_every_rule_is_tested() -> None:
    assert {rule.name for rule in package_rules()} == set(SPOILERS)


@pytest.mark.parametrize("name", sorted(SPOILERS))
def test_a_broken_rule_is_found(made: Made, name: str) -> None:
    if not made.freethreaded:
        pytest.skip("this test needs a build of two packages")
    first, second = map(read_package, made.packages)
    assert not any(judge_packages([first, second]).values())
    spoilt = SPOILERS[name](first, second)
    found = {finding.rule for findings in judge_packages(list(spoilt)).values() for finding in findings}
    assert name in found


def test_a_package_with_another_name_is_found(made: Made) -> None:
    package = read_package(made.main)
    ((finding,),) = judge_packages([replace(package, fields={**package.fields, "Package": "hello"})]).values()
    assert finding.rule == "deb-name"
