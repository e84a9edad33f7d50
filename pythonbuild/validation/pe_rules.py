"""Rules for each PE program and library.

targets.yml has no Windows targets yet, so these rules use only the archive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pythonbuild.validation.rule import Case, rule

__all__: list[str] = []

# Windows' own DLLs, and the C runtime that every Python for Windows includes.
_WINDOWS = frozenset(
    "advapi32 bcrypt cabinet comctl32 comdlg32 crypt32 gdi32 imm32 iphlpapi kernel32 msi msvcrt netapi32 ntdll ole32 oleaut32 "
    "propsys rpcrt4 secur32 shell32 shlwapi user32 userenv vcruntime140 vcruntime140_1 version winmm ws2_32".split()
)


@rule("pe-machine", "every PE file is for the CPU in the target triple")
def _machine(case: Case) -> Iterator[tuple[str, str]]:
    wanted = case.target.names.binary if case.target else ""
    for name, facts in case.subject.pe.items():
        if wanted and facts.machine != wanted:
            yield name, f"is for {facts.machine}, not {wanted}"


@rule("pe-libraries", "files need only Windows' own DLLs and the archive's")
def _dlls(case: Case) -> Iterator[tuple[str, str]]:
    own = {name.rsplit("/", 1)[-1].lower() for name in case.subject.entries}
    for name, facts in case.subject.pe.items():
        for library in facts.needed:
            known = re.sub(r"\.(dll|drv)$", "", library.lower())
            if library.lower() not in own and known not in _WINDOWS and not known.startswith("api-ms-win-"):
                yield name, f"needs {library}"


@rule("pe-memory", "files can be loaded at any address, and their data is not executable")
def _memory(case: Case) -> Iterator[tuple[str, str]]:
    for name, facts in case.subject.pe.items():
        if not facts.movable:
            yield name, "must be loaded at a fixed address (no DYNAMIC_BASE)"
        if not facts.no_execute:
            yield name, "allows data to be executed (no NX_COMPAT)"
