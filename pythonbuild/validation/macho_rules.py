"""Rules over each Mach-O program and library: where it runs, what it needs, what it lets others see."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pythonbuild.binaries.macho import MachOFacts
from pythonbuild.validation.elf_rules import PRIVATE_SYMBOLS
from pythonbuild.validation.rule import Case, rule

__all__: list[str] = []

# Apple's own: libraries and frameworks that every macOS has.
_APPLE = re.compile(r"/usr/lib/|/System/Library/(Private)?Frameworks/")
_APPLE_PLACES = re.compile(r"@(rpath|loader_path|executable_path)/")
# Functions that CPython, or a header of macOS, looks for before it calls them: by __builtin_available(), or by their address.
_LOOKED_FOR = frozenset(
    "__darwin_check_fd_set_overflow _dyld_shared_cache_contains_path inet_aton mkfifoat mknodat preadv ptsname_r pwritev".split()
)
# Who changes names that a file has for libraries (install_name_tool) can make one as long as a path may be.
_LONGEST_NAME = 1024
# As CPython's configure sets it for macOS; more for debug builds.
_STACK = 0x1000000
# The CPU of a target triple -> Mach-O's name of it.
_MACHINES = {"x86_64": "X86_64", "aarch64": "ARM64"}


@rule("macho-machine", "every Mach-O file is for the CPU of the target triple")
def _machine(case: Case) -> Iterator[tuple[str, str]]:
    wanted = _MACHINES.get(case.subject.cpu)
    for name, facts in case.subject.macho.items():
        if wanted and wanted not in facts.cpus:
            yield name, f"is for {', '.join(facts.cpus)}, not {wanted}"


@rule("macho-libraries", "nothing but the target's system libraries is needed, and the archive's by a relative place")
def _libraries(case: Case) -> Iterator[tuple[str, str]]:
    known = case.target.system_libraries if case.target else ()
    for name, facts in case.subject.macho.items():
        for library in facts.needed:
            system = library in known if known else _APPLE.match(library)
            if not system and not _APPLE_PLACES.match(library):
                yield name, f"needs {library}"


@rule("macho-rpath", "libraries are looked for beside the file only")
def _rpath(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in case.subject.macho.items():
        for path in facts.rpath:
            if not _APPLE_PLACES.match(path + "/"):
                yield name, f"looks for libraries in {path}"


@rule("macho-oldest", "no file needs a newer macOS than PYTHON.json says")
def _oldest(case: Case) -> Iterator[tuple[str, str]]:
    said = re.match(r"\d+(\.\d+)*$", str((case.subject.facts or {}).get("apple_sdk_deployment_target", "")))
    floor = tuple(map(int, said[0].split("."))) if said else None
    for name, facts in case.subject.macho.items():
        if facts.oldest and floor and facts.oldest[: len(floor)] > floor:
            yield name, f"needs macOS {'.'.join(map(str, facts.oldest))}"


@rule("macho-names", "symbols are looked for in the library that they were linked from")
def _names(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in case.subject.macho.items():
        if not facts.two_level:
            yield name, "has a flat name space"


@rule("macho-weak", "no function of a newer macOS is called, but by those who look first whether it is there")
def _weak(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in case.subject.macho.items():
        for symbol in sorted(facts.weak - _LOOKED_FOR):
            yield name, f"calls {symbol}, which the oldest macOS does not have"


@rule("macho-private", "symbols of the libraries that were linked in are not exported")
def _private(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in case.subject.macho.items():
        for symbol in sorted(facts.exported & PRIVATE_SYMBOLS):
            yield name, f"exports {symbol}"


@rule("macho-own-name", "a library's own name is relative to who loads it")
def _own_name(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in _of_kind(case, "DYLIB"):
        if facts.own_name != f"@rpath/{name.rsplit('/', 1)[-1]}":
            yield name, f"calls itself {facts.own_name}"


@rule("macho-padding", "programs and libraries have room for longer names of libraries")
def _padding(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in (*_of_kind(case, "DYLIB"), *_of_kind(case, "EXECUTE")):
        if facts.padding < _LONGEST_NAME:
            yield name, f"has {facts.padding} bytes for longer names (link with -headerpad_max_install_names)"


@rule("macho-signed", "what is for ARM is signed, if only ad hoc, and as it is: macOS runs nothing else there")
def _signed(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in case.subject.macho.items():
        if "ARM64" in facts.cpus and facts.signature == "none":
            yield name, "is not signed"
        if facts.signature == "wrong":
            yield name, "was changed after it was signed"


@rule("macho-stack", "the interpreter's main thread has the stack that CPython's recursion limit counts on")
def _stack(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in _of_kind(case, "EXECUTE"):
        if re.search(r"/bin/python3\.[^/]*$", name) and facts.stack < _STACK:
            yield name, f"has a stack of {facts.stack or 'the usual number of'} bytes, not {_STACK}"


@rule("macho-modules", "each extension module exports its start, perhaps that of others, and nothing else")
def _modules(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in _of_kind(case, "BUNDLE"):
        module = re.search(r"/lib-dynload/(\w+)\.[^/]*so$", name)
        if module and f"PyInit_{module[1]}" not in facts.exported:
            yield name, f"does not export PyInit_{module[1]}"
        for symbol in sorted(facts.exported) if module else ():
            if not symbol.startswith(("PyInit_", "PyInitU_")):
                yield name, f"exports {symbol}"


def _of_kind(case: Case, kind: str) -> Iterator[tuple[str, MachOFacts]]:
    """Yield those Mach-O files that are programs (EXECUTE), libraries (DYLIB) or modules (BUNDLE)."""
    yield from ((name, facts) for name, facts in case.subject.macho.items() if facts.kind == kind)
