"""Rules over each Mach-O and PE program and library.

There are no targets for macOS and Windows in targets.yml yet: what is judged here needs no more than the file itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pythonbuild.validation.rule import Case, rule

__all__: list[str] = []

# Apple's own: libraries and frameworks that every macOS has.
_APPLE = re.compile(r"/usr/lib/|/System/Library/(Private)?Frameworks/")
_APPLE_PLACES = re.compile(r"@(rpath|loader_path|executable_path)/")
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


@rule("macho-libraries", "nothing but macOS's own libraries is needed, and the archive's by a relative place")
def _libraries(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in case.subject.macho.items():
        for library in facts.needed:
            if not _APPLE.match(library) and not _APPLE_PLACES.match(library):
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
