"""Rules for each Mach-O program and library: its platform, dependencies and exported symbols."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pythonbuild.binaries.macho import MachOFacts
from pythonbuild.validation.elf_rules import PRIVATE_SYMBOLS
from pythonbuild.validation.rule import Case, rule

__all__: list[str] = []

# Libraries and frameworks that every macOS has.
_APPLE = re.compile(r"/usr/lib/|/System/Library/(Private)?Frameworks/")
_APPLE_PLACES = re.compile(r"@(rpath|loader_path|executable_path)/")
# Functions that CPython or a macOS header checks before the call, with __builtin_available() or through their address.
_LOOKED_FOR = frozenset(
    "__darwin_check_fd_set_overflow _dyld_shared_cache_contains_path inet_aton mkfifoat mknodat preadv ptsname_r pwritev".split()
)
# install_name_tool may replace a library's name with a path of up to this length.
_LONGEST_NAME = 1024
# The stack size that CPython's configure sets on macOS; debug builds get more.
_STACK = 0x1000000


@rule("macho-machine", "every Mach-O file is for the CPU in the target triple")
def _machine(case: Case) -> Iterator[tuple[str, str]]:
    wanted = case.target.names.binary if case.target else ""
    for name, facts in case.subject.macho.items():
        if wanted and wanted not in facts.cpus:
            yield name, f"is for {', '.join(facts.cpus)}, not {wanted}"


@rule("macho-libraries", "files need only the target's system libraries, and the archive's own through relative paths")
def _libraries(case: Case) -> Iterator[tuple[str, str]]:
    known = case.target.system_libraries if case.target else ()
    for name, facts in case.subject.macho.items():
        for library in facts.needed:
            system = library in known if known else _APPLE.match(library)
            if not system and not _APPLE_PLACES.match(library):
                yield name, f"needs {library}"


@rule("macho-rpath", "files search for libraries only through relative paths")
def _rpath(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in case.subject.macho.items():
        for path in facts.rpath:
            if not _APPLE_PLACES.match(path + "/"):
                yield name, f"searches for libraries in {path}"


@rule("macho-oldest", "no file needs a newer macOS than PYTHON.json states")
def _oldest(case: Case) -> Iterator[tuple[str, str]]:
    said = re.match(r"\d+(\.\d+)*$", str((case.subject.facts or {}).get("apple_sdk_deployment_target", "")))
    floor = tuple(map(int, said[0].split("."))) if said else None
    for name, facts in case.subject.macho.items():
        if facts.oldest and floor and facts.oldest[: len(floor)] > floor:
            yield name, f"needs macOS {'.'.join(map(str, facts.oldest))}"


@rule("macho-names", "symbols are looked up only in the library they were linked from (two-level namespace)")
def _names(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in case.subject.macho.items():
        if not facts.two_level:
            yield name, "has a flat namespace"


@rule("macho-weak", "functions that the oldest macOS lacks are called only after an availability check")
def _weak(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in case.subject.macho.items():
        for symbol in sorted(facts.weak - _LOOKED_FOR):
            yield name, f"calls {symbol}, which the oldest supported macOS does not have"


@rule("macho-private", "no file exports symbols of statically linked libraries")
def _private(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in case.subject.macho.items():
        for symbol in sorted(facts.exported & PRIVATE_SYMBOLS):
            yield name, f"exports {symbol}"


@rule("macho-own-name", "a library's install name is @rpath/ and its file name")
def _own_name(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in _of_kind(case, "DYLIB"):
        if facts.own_name != f"@rpath/{name.rsplit('/', 1)[-1]}":
            yield name, f"has the install name {facts.own_name}"


@rule("macho-padding", "programs and libraries have room for longer library names")
def _padding(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in (*_of_kind(case, "DYLIB"), *_of_kind(case, "EXECUTE")):
        if facts.padding < _LONGEST_NAME:
            yield name, f"has room for {facts.padding} bytes of longer names (link with -headerpad_max_install_names)"


@rule("macho-signed", "files for ARM are signed, at least ad hoc, as macOS requires, and every signature is valid")
def _signed(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in case.subject.macho.items():
        if "ARM64" in facts.cpus and facts.signature == "none":
            yield name, "is not signed"
        if facts.signature == "wrong":
            yield name, "was modified after it was signed"


@rule("macho-stack", "the interpreter's main thread has the stack size that CPython's recursion limit assumes")
def _stack(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in _of_kind(case, "EXECUTE"):
        if re.search(r"/bin/python3\.[^/]*$", name) and facts.stack < _STACK:
            yield name, f"has a stack of {facts.stack or 'the default number of'} bytes, not {_STACK}"


@rule("macho-modules", "each extension module exports its own init function, and only init functions")
def _modules(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in _of_kind(case, "BUNDLE"):
        module = re.search(r"/lib-dynload/(\w+)\.[^/]*so$", name)
        if module and f"PyInit_{module[1]}" not in facts.exported:
            yield name, f"does not export PyInit_{module[1]}"
        for symbol in sorted(facts.exported) if module else ():
            if not symbol.startswith(("PyInit_", "PyInitU_")):
                yield name, f"exports {symbol}"


def _of_kind(case: Case, kind: str) -> Iterator[tuple[str, MachOFacts]]:
    """Yield the Mach-O files of one kind: programs (EXECUTE), libraries (DYLIB) or modules (BUNDLE)."""
    yield from ((name, facts) for name, facts in case.subject.macho.items() if facts.kind == kind)
