"""Rules for each ELF program and library: its platform, dependencies, hardening and exported symbols."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pythonbuild.binaries.elf import ElfFacts
from pythonbuild.validation.rule import Case, elf_rule, rule

__all__ = ["PRIVATE_SYMBOLS"]

# Symbols of statically linked libraries.  Other libraries in the process must not see them.
PRIVATE_SYMBOLS = frozenset(
    "BIO_ADDR_new BN_new BZ2_bzCompress CRYPTO_memcmp DH_new OPENSSL_instrument_bus SSL_extension_supported SSL_read "
    "XML_ParserCreate XOpenDisplay ZSTD_compress __txn_begin current_history deflateEnd el_init ffi_call ffi_type_void "
    "gdbm_close gzclose history_expand inflate lzma_index_init lzma_stream_encoder mpd_qadd new_field readline rl_prompt "
    "set_field_term setupterm sqlite3_close sqlite3_initialize uuid_generate winstr xcb_connect xcb_create_window".split()
)
# Functions that newer glibc versions have removed.
_GONE = frozenset({"pthread_yield"})
# The oldest kernel of a distribution with glibc 2.17: RHEL 7's.
_OLDEST_KERNEL = (3, 10, 0)


def _version(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))


@rule("elf-readable", "every ELF file can be read")
def _readable(case: Case) -> Iterator[tuple[str, str]]:
    for file in case.subject.unreadable:
        yield file, "LIEF cannot read it"


@elf_rule("elf-machine", "every program and library is for the target's CPU")
def _machine(facts: ElfFacts, file: str, case: Case) -> Iterator[str]:
    if case.target and facts.machine != case.target.names.binary:
        yield f"is for {facts.machine}, not {case.target.arch}"


@elf_rule("elf-libraries", "files need only the target's system libraries and the archive's own")
def _libraries(facts: ElfFacts, file: str, case: Case) -> Iterator[str]:
    own = {name.rsplit("/", 1)[-1] for name in case.subject.entries if ".so" in name}
    for library in facts.needed:
        allowed = case.target.system_libraries if case.target else ()
        if library not in own and library not in allowed:
            yield f"needs {library}"


@elf_rule("elf-glibc", "no file needs a newer glibc than the target's minimum")
def _glibc(facts: ElfFacts, file: str, case: Case) -> Iterator[str]:
    if case.target and case.target.glibc:
        floor = tuple(map(int, case.target.glibc.split(".")))
        for version in facts.glibc:
            if version > floor:
                yield f"needs GLIBC_{'PRIVATE' if version == (999,) else _version(version)}"


@elf_rule("elf-kernel", "no file requires a newer kernel than RHEL 7's, the oldest with glibc 2.17")
def _kernel(facts: ElfFacts, file: str, case: Case) -> Iterator[str]:
    if facts.kernel and facts.kernel > _OLDEST_KERNEL:
        yield f"requires Linux {_version(facts.kernel)}"


@elf_rule(
    "elf-gone", "no file needs a function that newer glibc versions removed, or that the target's oldest musl lacks"
)
def _gone(facts: ElfFacts, file: str, case: Case) -> Iterator[str]:
    for symbol in sorted(facts.undefined & _GONE.union(case.target.newer_functions if case.target else ())):
        yield f"needs {symbol}"


@elf_rule("elf-rpath", "files search for libraries only relative to $ORIGIN")
def _rpath(facts: ElfFacts, file: str, case: Case) -> Iterator[str]:
    for path in facts.rpath:
        if not re.match(r"\$(ORIGIN|\{ORIGIN\})(/|$)", path):
            yield f"searches for libraries in {path}"


@elf_rule("elf-private", "no file exports symbols of statically linked libraries")
def _private(facts: ElfFacts, file: str, case: Case) -> Iterator[str]:
    for symbol in sorted(facts.exported & PRIVATE_SYMBOLS):
        yield f"exports {symbol}"


@elf_rule("elf-stack", "every file declares that its stack is not executable")
def _stack(facts: ElfFacts, file: str, case: Case) -> Iterator[str]:
    if facts.executable_stack:
        yield "requests an executable stack"
    elif not facts.stack_segment:
        yield "has no PT_GNU_STACK, which implies an executable stack"


@elf_rule("elf-relro", "relocated data becomes read-only (RELRO)")
def _relro(facts: ElfFacts, file: str, case: Case) -> Iterator[str]:
    # On MIPS, RELRO does not cover the global offset table, and a small library may have no other relocated data.
    if not facts.relro and (facts.relocated_data or facts.machine != "MIPS"):
        yield "has no PT_GNU_RELRO"


@elf_rule("elf-now", "symbols are bound at load time, so that their table can be read-only")
def _now(facts: ElfFacts, file: str, case: Case) -> Iterator[str]:
    if facts.dynamic and not facts.bind_now:
        yield "binds symbols lazily (no BIND_NOW)"


@elf_rule("elf-wx", "no memory is both writable and executable")
def _writable_code(facts: ElfFacts, file: str, case: Case) -> Iterator[str]:
    if facts.writable_code:
        yield "has a segment that is both writable and executable"


@elf_rule("elf-textrel", "loading a file does not modify its code")
def _text_relocations(facts: ElfFacts, file: str, case: Case) -> Iterator[str]:
    if facts.text_relocations:
        yield "has relocations in its code (TEXTREL)"


@elf_rule(
    "elf-protected", "the interpreter has stack protectors and, except in debug builds, calls fortified functions"
)
def _protected(facts: ElfFacts, file: str, case: Case) -> Iterator[str]:
    # A static program contains the functions that it calls, so it does not import them.
    if not facts.dynamic or not re.fullmatch(rf"{re.escape(case.subject.root)}/bin/python\d[^/]*", file):
        return
    if not any(symbol.startswith("__stack_chk_fail") for symbol in facts.undefined):
        yield "has no stack protectors"
    glibc = case.target is not None and case.target.libc == "gnu"
    checked = any(re.fullmatch(r"__\w+_chk", symbol) for symbol in facts.undefined)
    if glibc and "debug" not in case.subject.options and not checked:
        yield "calls no fortified functions (_FORTIFY_SOURCE)"


@elf_rule("elf-build-id", "every program and library has a build ID, with which debuggers find its symbols")
def _build_id(facts: ElfFacts, file: str, case: Case) -> Iterator[str]:
    if not facts.build_id:
        yield "has no build ID"


@elf_rule("stripped", "an install_only_stripped archive has no debug information")
def _stripped(facts: ElfFacts, file: str, case: Case) -> Iterator[str]:
    if "install_only_stripped" in case.subject.path.name and facts.debug_sections:
        yield "has debug sections"
