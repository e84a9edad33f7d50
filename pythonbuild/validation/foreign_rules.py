"""Rules over each Mach-O and PE program and library.

There are no targets for Windows in targets.yml yet: what is judged there needs no more than the file itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pythonbuild.binaries.foreign import MachOFacts
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
# Windows' own, and the runtime library that comes with every Python for Windows.
_WINDOWS = frozenset(
    "advapi32 bcrypt cabinet comctl32 comdlg32 crypt32 gdi32 imm32 iphlpapi kernel32 msi msvcrt netapi32 ntdll ole32 oleaut32 "
    "propsys rpcrt4 secur32 shell32 shlwapi user32 userenv vcruntime140 vcruntime140_1 version winmm ws2_32".split()
)
_MACHINES = {"x86_64": ("X86_64", "AMD64"), "aarch64": ("ARM64", "ARM64"), "i686": ("X86", "I386")}


def _cpu(case: Case) -> str:
    return str((case.subject.facts or {}).get("target_triple", "")).split("-", 1)[0]


@rule("foreign-readable", "every Mach-O and PE file can be read")
def _readable(case: Case) -> Iterator[tuple[str, str]]:
    for name in case.subject.unreadable_foreign:
        yield name, "LIEF cannot read it"


@rule("foreign-machine", "every Mach-O and PE file is for the CPU of the target triple")
def _machine(case: Case) -> Iterator[tuple[str, str]]:
    macho, pe = _MACHINES.get(_cpu(case), ("", ""))
    for name, mach in case.subject.macho.items():
        if macho and macho not in mach.cpus:
            yield name, f"is for {', '.join(mach.cpus)}, not {macho}"
    for name, facts in case.subject.pe.items():
        if pe and facts.machine != pe:
            yield name, f"is for {facts.machine}, not {pe}"


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


@rule("macho-signed", "what is for ARM is signed, if only ad hoc: macOS runs nothing else there")
def _signed(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in case.subject.macho.items():
        if "ARM64" in facts.cpus and not facts.signed:
            yield name, "is not signed"


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


@rule("pe-libraries", "nothing but Windows' own DLLs is needed, and the archive's")
def _dlls(case: Case) -> Iterator[tuple[str, str]]:
    own = {name.rsplit("/", 1)[-1].lower() for name in case.subject.entries}
    for name, facts in case.subject.pe.items():
        for library in facts.needed:
            known = re.sub(r"\.(dll|drv)$", "", library.lower())
            if library.lower() not in own and known not in _WINDOWS and not known.startswith("api-ms-win-"):
                yield name, f"needs {library}"


@rule("pe-memory", "code may be moved in memory, and data is not run")
def _memory(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in case.subject.pe.items():
        if not facts.movable:
            yield name, "must be loaded at one address (no DYNAMIC_BASE)"
        if not facts.no_execute:
            yield name, "may run data (no NX_COMPAT)"
