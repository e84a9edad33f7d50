"""Rules over each PE program and library.

There are no targets for Windows in targets.yml yet: what is judged here needs no more than the file itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pythonbuild.validation.rule import Case, rule

__all__: list[str] = []

# Windows' own, and the runtime library that comes with every Python for Windows.
_WINDOWS = frozenset(
    "advapi32 bcrypt cabinet comctl32 comdlg32 crypt32 gdi32 imm32 iphlpapi kernel32 msi msvcrt netapi32 ntdll ole32 oleaut32 "
    "propsys rpcrt4 secur32 shell32 shlwapi user32 userenv vcruntime140 vcruntime140_1 version winmm ws2_32".split()
)
# The CPU of a target triple -> PE's name of it.
_MACHINES = {"x86_64": "AMD64", "aarch64": "ARM64", "i686": "I386"}


@rule("pe-machine", "every PE file is for the CPU of the target triple")
def _machine(case: Case) -> Iterator[tuple[str, str]]:
    wanted = _MACHINES.get(case.subject.cpu)
    for name, facts in case.subject.pe.items():
        if wanted and facts.machine != wanted:
            yield name, f"is for {facts.machine}, not {wanted}"


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
