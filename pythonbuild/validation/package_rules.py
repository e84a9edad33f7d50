"""Rules for the Debian packages of one or two interpreters, checked together because no two may own the same file."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from pythonbuild.binaries.debian import Package, read_package
from pythonbuild.validation.rule import Finding
from pythonbuild.validation.subject import sysconfig_variables

__all__ = ["PackageRule", "judge_packages", "package_rules", "validate_packages"]

_SERIES = re.compile(r"python(\d+\.\d+)(t?)")
# How an interpreter records build roots, stores and dpkg-buildpackage's own directory.
_LEAKS = re.compile(r"(/pythonbuild/box/|\.cache/pythonbuild/|-ffile-prefix-map=/)\S{0,60}")
_BUILD_FLAGS = re.compile(r"-fstack-protector\S*|-O2|-specs=\S+|-f\S+-prefix-map=\S+|-D_FORTIFY_SOURCE\S*")
# Extension module -> the distribution's library that it must use.
_SYSTEM_LIBRARIES = {
    "pyexpat": "libexpat.so.",
    "_ssl": "libssl.so.",
    "_sqlite3": "libsqlite3.so.",
    "_lzma": "liblzma.so.",
}


@dataclass(frozen=True)
class _Case:
    """One package, and those checked with it.

    series: the language version; freethreaded: whether the package has the free-threaded interpreter.
    """

    package: Package
    others: tuple[Package, ...]
    series: str
    freethreaded: bool

    @property
    def prefix(self) -> str:
        """The installation's prefix, relative to the root."""
        return f"opt/python/python{self.series}"

    @property
    def interpreter(self) -> str:
        """The interpreter's name."""
        return f"python{self.series}{'t' if self.freethreaded else ''}"

    @property
    def first(self) -> Optional[Package]:
        """The default package, on which a free-threaded one depends, if it is checked too."""
        source = self.package.fields.get("Source", "").split(" ")[0]
        return next((other for other in self.others if other.name == source), None)


_Check = Callable[[_Case], Iterator[tuple[str, str]]]


@dataclass(frozen=True)
class PackageRule:
    """A rule: its name, its requirement, and the function that yields (file, violation)."""

    name: str
    text: str
    check: _Check


_RULES: dict[str, PackageRule] = {}


def package_rules() -> tuple[PackageRule, ...]:
    """Return all rules for packages, sorted by name."""
    return tuple(_RULES[name] for name in sorted(_RULES))


def validate_packages(paths: list[Path]) -> dict[Path, list[Finding]]:
    """Return each package's findings, sorted.  Raises BadArchive if a file is not a package."""
    return judge_packages([read_package(path) for path in paths])


def judge_packages(packages: list[Package]) -> dict[Path, list[Finding]]:
    """Return the findings for each package that was read, sorted."""
    findings: dict[Path, list[Finding]] = {}
    for package in packages:
        match = _SERIES.match(package.name)
        others = tuple(other for other in packages if other is not package)
        if not match:
            text = f"the package's name, {package.name}, does not start with pythonX.Y"
            findings[package.path] = [Finding("deb-name", "", text)]
            continue
        case = _Case(package, others, match[1], bool(match[2]))
        found = {Finding(rule.name, file, text) for rule in package_rules() for file, text in rule.check(case)}
        findings[package.path] = sorted(found, key=lambda finding: (finding.rule, finding.file, finding.detail))
    return findings


def _rule(name: str, text: str) -> Callable[[_Check], _Check]:
    def register(check: _Check) -> _Check:
        _RULES[name] = PackageRule(name, text, check)
        return check

    return register


def _is_symbols(package: Package) -> bool:
    return package.name.endswith("-dbgsym")


@_rule("deb-place", "every file is below the prefix, except documentation and lintian's overrides")
def _place(case: _Case) -> Iterator[tuple[str, str]]:
    name = case.package.name
    places = [f"usr/share/doc/{name}", f"usr/share/lintian/overrides/{name}"]
    places += ["usr/lib/debug"] if _is_symbols(case.package) else [case.prefix]
    for entry in case.package.entries.values():
        inside = any(f"{entry.name}/".startswith(f"{place}/") for place in places)
        above = any(f"{place}/".startswith(f"{entry.name}/") for place in places)
        if not inside and not (above and entry.kind == "folder"):
            yield entry.name, "is outside the prefix"


@_rule("deb-apart", "no file belongs to two packages")
def _apart(case: _Case) -> Iterator[tuple[str, str]]:
    for other in case.others:
        if other.name == case.package.name:
            continue
        for entry in case.package.entries.values():
            twin = other.entries.get(entry.name)
            if twin and (entry.kind, twin.kind) != ("folder", "folder"):
                yield entry.name, f"also belongs to {other.name}"


@_rule("deb-depends", "the free-threaded package depends on the same version of the default package")
def _depends(case: _Case) -> Iterator[tuple[str, str]]:
    if case.freethreaded and not _is_symbols(case.package):
        fields = case.package.fields
        wanted = f"{fields.get('Source', '').split(' ')[0]} (= {fields['Version']})"
        if wanted not in fields.get("Depends", "").split(", "):
            yield "", f"does not depend on {wanted}"


@_rule("deb-links", "every symbolic link points to something in the package, or in the one it depends on")
def _links(case: _Case) -> Iterator[tuple[str, str]]:
    if case.freethreaded and not case.first:
        return  # many links point into the default package, which was not given
    there = {*case.package.entries, *(case.first.entries if case.first else ())}
    for entry in case.package.entries.values():
        if entry.kind == "link" and not _is_symbols(case.package):
            target = posixpath.normpath(posixpath.join("/", posixpath.dirname(entry.name), entry.link))[1:]
            if target not in there:
                yield entry.name, f"points to {entry.link}, which is missing"


@_rule("deb-owner", "every file belongs to root, only root can write to it, and none is setuid or setgid")
def _owner(case: _Case) -> Iterator[tuple[str, str]]:
    for entry in case.package.entries.values():
        if entry.owner not in ("root:root", "0:0"):
            yield entry.name, f"belongs to {entry.owner}"
        if entry.kind != "link" and entry.mode & 0o6022:
            yield entry.name, f"has mode {entry.mode & 0o7777:o}"


@_rule("deb-bytecode", "the package contains no bytecode, which is generated on installation")
def _bytecode(case: _Case) -> Iterator[tuple[str, str]]:
    for name in case.package.entries:
        if name.endswith((".pyc", "/__pycache__")):
            yield name, "must not be in the package"


@_rule("deb-leaks", "sysconfig, Makefile and pkg-config files do not contain paths of the build")
def _leaks(case: _Case) -> Iterator[tuple[str, str]]:
    for name, text in case.package.texts.items():
        leak = _LEAKS.search(text)
        if leak:
            yield name, f"contains {leak[0]}"


@_rule("deb-flags", "extension modules are compiled with CPython's flags, not with those of the package build")
def _flags(case: _Case) -> Iterator[tuple[str, str]]:
    for name, text in case.package.texts.items():
        variables = sysconfig_variables(text) if "_sysconfigdata_" in name else {}
        for variable in ("CC", "CFLAGS", "CPPFLAGS", "LDFLAGS", "LDSHARED"):
            found = _BUILD_FLAGS.search(str(variables.get(variable, "")))
            if found:
                yield name, f"{variable} contains {found[0]}"


@_rule("deb-interpreter", "the interpreter exists, and has static probes for SystemTap and DTrace")
def _interpreter(case: _Case) -> Iterator[tuple[str, str]]:
    if _is_symbols(case.package):
        return
    name = f"{case.prefix}/bin/{case.interpreter}"
    facts = case.package.elf.get(name)
    if facts is None:
        yield name, "is missing"
        return
    library = next((name for name in facts.needed if name.startswith("libpython")), None)
    code = case.package.elf.get(f"{case.prefix}/lib/{library}") if library else facts
    if code is None or not code.probes:
        yield name, "has no static probes"


@_rule("deb-embed", "the package contains the static library and python.o")
def _embed(case: _Case) -> Iterator[tuple[str, str]]:
    if _is_symbols(case.package):
        return
    for name in (f"lib{case.interpreter}.a", "python.o"):
        found = [
            path for path, entry in case.package.entries.items() if path.endswith(f"/{name}") and entry.kind == "file"
        ]
        if not found:
            yield name, "is missing"


@_rule("deb-system", "extension modules use the distribution's libraries")
def _system(case: _Case) -> Iterator[tuple[str, str]]:
    if _is_symbols(case.package):
        return
    for module, library in _SYSTEM_LIBRARIES.items():
        found = {
            name: facts for name, facts in case.package.elf.items() if name.rsplit("/", 1)[-1].split(".")[0] == module
        }
        if not found:
            yield module, "is missing"
        for name, facts in found.items():
            if not any(needed.startswith(library) for needed in facts.needed):
                yield name, f"is not linked with {library}*"


@_rule("deb-abi", "the free-threaded package contains only files of its own ABI")
def _abi(case: _Case) -> Iterator[tuple[str, str]]:
    tag = f"cpython-{case.series.replace('.', '')}"
    if case.freethreaded:
        for name in case.package.elf:
            if f".{tag}-" in name or "abi3" in name:
                yield name, "belongs to the other interpreter"
