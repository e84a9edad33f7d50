"""Rules for the archive as a whole: its entries, links and texts, and leftovers of the build."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from pythonbuild.validation.rule import Case, rule

__all__: list[str] = []

# First lines with which a script starts on every machine.
_INTERPRETERS = re.compile(r"#!\s*(/bin/sh|/usr/bin/env [\w.-]+)( .*)?")
_GENERIC_TOOLS = {
    "AR": "ar",
    "BLDSHARED": "cc",
    "CC": "cc",
    "CXX": "c++",
    "LDCXXSHARED": "c++",
    "LDSHARED": "cc",
    "LINKCC": "cc",
}
# Flags that only work on the build machine.
_BUILD_FLAGS = re.compile(
    r"(?:^|\s)(--sysroot[= ]\S+|-isysroot \S+|--target=\S+|--gcc-toolchain=\S+|-B/\S+|-(?:I|L|isystem ?)/(?!install\b)\S+)"
)
_FLAG_VARIABLES = "BLDSHARED CC CFLAGS CPPFLAGS CXX LDFLAGS LDSHARED LIBS LINKCC PY_CFLAGS PY_LDFLAGS".split()


@rule("tar-path", "every entry is a file, a folder or a symbolic link, and unpacks inside the destination folder")
def _path(case: Case) -> Iterator[tuple[str, str]]:
    yield from case.subject.unsafe.items()


@rule("tar-once", "every name occurs only once in the archive")
def _once(case: Case) -> Iterator[tuple[str, str]]:
    for name in case.subject.repeated:
        yield name, "occurs more than once in the archive"


@rule("tar-top", "every entry is below python/")
def _top(case: Case) -> Iterator[tuple[str, str]]:
    for name in case.subject.entries:
        if name != "python" and not name.startswith("python/"):
            yield name, "is not below python/"


@rule("tar-owner", "every entry belongs to root, and only root can write to it")
def _owner(case: Case) -> Iterator[tuple[str, str]]:
    for entry in case.subject.entries.values():
        if entry.owner[:2] != (0, 0) or entry.owner[2] not in ("", "root") or entry.owner[3] not in ("", "root"):
            yield entry.name, "belongs to " + "/".join(map(str, entry.owner))
        elif entry.kind != "link" and entry.mode & 0o022:
            yield entry.name, f"is writable by the group or by others (mode {entry.mode:o})"


@rule("foreign-readable", "every Mach-O and PE file can be read")
def _foreign_readable(case: Case) -> Iterator[tuple[str, str]]:
    for name in case.subject.unreadable_foreign:
        yield name, "LIEF cannot read it"


@rule("link-target", "every symbolic link points to something in the archive")
def _link_target(case: Case) -> Iterator[tuple[str, str]]:
    names = case.subject.entries
    folders = {posixpath.dirname(name) for name in names}
    for entry in names.values():
        if entry.kind == "link":
            target = posixpath.normpath(posixpath.join(posixpath.dirname(entry.name), entry.link))
            if target not in names and target not in folders:
                yield entry.name, f"points to {entry.link}, which is missing"


@rule("link-python", "bin/python and bin/python3 are symbolic links to the same program")
def _link_python(case: Case) -> Iterator[tuple[str, str]]:
    folder = f"{case.subject.root}/bin"
    found = {name: case.subject.entries.get(f"{folder}/{name}") for name in ("python", "python3")}
    for name, entry in found.items():
        if entry is None or entry.kind != "link":
            yield f"{folder}/{name}", "is missing" if entry is None else "is not a symbolic link"
            return
    targets = {entry.link for entry in found.values() if entry}
    if len(targets) > 1:
        yield f"{folder}/python", f"python and python3 point to different programs: {', '.join(sorted(targets))}"


@rule("script-start", "scripts start with /bin/sh or through env, not with a path of the build")
def _script_start(case: Case) -> Iterator[tuple[str, str]]:
    for name, line in case.subject.programs.items():
        entry = case.subject.entries[name]
        built = re.match(r"#!\s*/(install|build|tools)\b", line)
        if built or (
            name.startswith(f"{case.subject.root}/bin/") and entry.mode & 0o111 and not _INTERPRETERS.fullmatch(line)
        ):
            yield name, f"starts with {line}"


@rule("leak", "no file contains a path of the machine that built it")
def _leak(case: Case) -> Iterator[tuple[str, str]]:
    for name, found in case.subject.leaks.items():
        yield name, f"contains {found}"


@rule("sysconfig-tools", "sysconfig uses the generic names of tools: cc, c++, ar")
def _sysconfig_tools(case: Case) -> Iterator[tuple[str, str]]:
    for name, tool in _GENERIC_TOOLS.items():
        value = str(case.subject.variables.get(name) or "")
        if value and value.split()[0] != tool:
            yield _sysconfig_file(case), f"{name} is {value!r}, not {tool}"


@rule("sysconfig-flags", "sysconfig's flags do not contain the build's folders or target")
def _sysconfig_flags(case: Case) -> Iterator[tuple[str, str]]:
    for name in _FLAG_VARIABLES:
        found = _BUILD_FLAGS.search(str(case.subject.variables.get(name) or ""))
        if found:
            yield _sysconfig_file(case), f"{name} contains {found[1]}"


@rule("sysconfig-moves", "sysconfig reports where the tree is now, not the prefix of the build")
def _sysconfig_moves(case: Case) -> Iterator[tuple[str, str]]:
    for name, text in case.subject.texts.items():
        if "_sysconfigdata_" in name and "base_prefix" not in text:
            yield name, "still uses the prefix of the build"
        if (
            name.endswith("/Makefile")
            and name.startswith(case.subject.root)
            and re.search(r"^prefix=\s*/", text, re.MULTILINE)
        ):
            yield name, "has an absolute prefix"
        if name.endswith("build-details.json") and re.search(r'"base_prefix":\s*"/', text):
            yield name, "has an absolute base_prefix"


@rule("pkg-config", ".pc files derive their prefix from their own location, and set Libs")
def _pkg_config(case: Case) -> Iterator[tuple[str, str]]:
    for name, text in case.subject.texts.items():
        if name.endswith(".pc"):
            prefix = re.search(r"^prefix=(.*)$", text, re.MULTILINE)
            if not prefix or not prefix[1].startswith("${pcfiledir}"):
                yield name, f"prefix is {prefix[1] if prefix else 'not set'}, but must start with ${{pcfiledir}}"
            if "Libs:" not in text:
                yield name, "has no Libs"


@rule("caches", "the archive contains no leftovers of a run or a build")
def _caches(case: Case) -> Iterator[tuple[str, str]]:
    for entry in case.subject.files(r".*/(?:\.pytest_cache|\.git)/.*|.*~|.*\.orig|.*\.rej|.*\.gcda|.*\.profraw"):
        yield entry.name, "is left over from a run or a build"


@rule("debug-symbols", "the installation contains no separate debug symbols")
def _symbols(case: Case) -> Iterator[tuple[str, str]]:
    for entry in case.subject.files(rf"{re.escape(case.subject.root)}/lib/debug/.*"):
        yield entry.name, "belongs in the debug_symbols archive"


@rule("shared-library", "unless the build is static, libpython is a shared library that exports Python's C API")
def _shared_library(case: Case) -> Iterator[tuple[str, str]]:
    if "static" in case.subject.options:
        return
    exported = case.subject.exported
    found = [name for name in exported if re.search(r"/lib/libpython3\.\d+[td]*\.(so\.1\.0|dylib)$", name)]
    if not found:
        yield f"{case.subject.root}/lib", "has no libpython3.X.so.1.0 (on macOS: libpython3.X.dylib)"
    for name in found:
        for symbol in ("Py_Initialize", "PyList_New", "Py_CompileString"):
            if symbol not in exported[name]:
                yield name, f"does not export {symbol}"


def _sysconfig_file(case: Case) -> str:
    return next((name for name in case.subject.texts if "_sysconfigdata_" in name), "")
