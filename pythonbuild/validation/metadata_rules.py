"""Rules that check PYTHON.json against the archive's contents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Any

import jsonschema

from pythonbuild.model.options import OPTION_NAMES
from pythonbuild.model.version import PythonVersion
from pythonbuild.validation.rule import Case, rule

__all__ = ["schema", "schema_errors"]

# Options of python-build-standalone that are not ours.
_OTHER_OPTIONS = ("bolt",)


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """Return the JSON Schema of PYTHON.json, version 8."""
    value: dict[str, Any] = json.loads(files("pythonbuild.validation").joinpath("python_json.schema.json").read_text())
    option = f"({'|'.join((*OPTION_NAMES, *_OTHER_OPTIONS))})"
    value["properties"]["build_options"]["pattern"] = rf"^{option}(\+{option})*$"
    return value


def schema_errors(facts: dict[str, Any]) -> Iterator[jsonschema.ValidationError]:
    """Yield each schema violation in the content of a PYTHON.json."""
    yield from jsonschema.Draft202012Validator(schema()).iter_errors(facts)


def _facts(case: Case) -> dict[str, Any]:
    return case.subject.facts or {}


def _extensions(case: Case) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (module, facts) for each variant of each extension module."""
    for name, variants in _facts(case)["build_info"]["extensions"].items():
        for variant in variants:
            yield name, variant


@rule("json-first", "PYTHON.json is the first entry, so that tools can read it without the rest", full_only=True)
def _first(case: Case) -> Iterator[tuple[str, str]]:
    if case.subject.first != "python/PYTHON.json":
        yield "python/PYTHON.json", f"comes after {case.subject.first}"


@rule(
    "json-schema",
    "PYTHON.json has every required key, no unknown keys, and values of the right type",
    full_only=True,
)
def _schema(case: Case) -> Iterator[tuple[str, str]]:
    for error in schema_errors(_facts(case)):
        yield "python/PYTHON.json", f"{error.json_path}: {error.message[:200]}"


@rule("json-target", "targets.yml lists the target triple, and the platform tag matches it", full_only=True)
def _target(case: Case) -> Iterator[tuple[str, str]]:
    triple = str(_facts(case).get("target_triple"))
    if case.target is None:
        yield "python/PYTHON.json", f"target_triple {triple} is not in targets.yml"
        return
    wanted = {"python_platform_tag": f"linux-{case.target.names.platform}"}
    if case.target.macos:
        wanted = {
            "python_platform_tag": f"macosx-{case.target.macos}-{case.target.names.platform}",
            "apple_sdk_deployment_target": case.target.macos,
        }
    for key, value in wanted.items():
        if _facts(case).get(key) != value:
            yield "python/PYTHON.json", f"{key} is {_facts(case).get(key)}, not {value}"


@rule("json-paths", "every path in PYTHON.json exists in the archive", full_only=True)
def _paths(case: Case) -> Iterator[tuple[str, str]]:
    facts = _facts(case)
    entries = case.subject.entries
    folders = {name.rsplit("/", depth)[0] for name in entries for depth in range(1, name.count("/") + 1)}
    named = [
        facts.get(key)
        for key in ("python_exe", "run_tests", "license_path", "python_stdlib_platform_config", "tcl_library_path")
    ]
    named += facts["python_paths"].values()
    named += [f"{facts.get('tcl_library_path')}/{name}" for name in facts.get("tcl_library_paths") or ()]
    info = facts["build_info"]
    named += [info["inittab_object"], info["inittab_source"]]
    named += [info["core"].get("shared_lib"), info["core"].get("static_lib"), *info["core"]["objs"]]
    for _, extension in _extensions(case):
        named += [*extension["objs"], extension.get("shared_lib"), *extension.get("license_paths", ())]
        named += [link.get(key) for link in extension["links"] for key in ("path_static", "path_dynamic")]
    for path in dict.fromkeys(path for path in named if path):
        if f"python/{path}" not in entries and f"python/{path}" not in folders:
            yield "python/PYTHON.json", f"names {path}, which is not in the archive"


@rule("json-options", "the build options match the files", full_only=True)
def _options(case: Case) -> Iterator[tuple[str, str]]:
    subject, options, facts = case.subject, case.subject.options, _facts(case)
    variables = subject.variables
    for option, variable in (("debug", "Py_DEBUG"), ("freethreaded", "Py_GIL_DISABLED")):
        if (option in options) != bool(variables.get(variable)):
            yield (
                "python/PYTHON.json",
                f"build_options are {facts.get('build_options')}, but {variable} is {variables.get(variable)!r}",
            )
    for flag, option in (("t", "freethreaded"), ("d", "debug")):
        if (flag in str(variables.get("ABIFLAGS", ""))) != (option in options):
            yield (
                "python/PYTHON.json",
                f"build_options are {facts.get('build_options')}, but ABIFLAGS is {variables.get('ABIFLAGS')!r}",
            )


@rule("option-pgo", "an archive's objects were compiled with a profile if, and only if, it claims pgo", full_only=True)
def _pgo(case: Case) -> Iterator[tuple[str, str]]:
    subject = case.subject
    core = [name for name in subject.objects if re.match(r"python/build/(Objects|Python)/", name)]
    profiled = [name for name in core if name in subject.profiled]
    if "pgo" in subject.options and len(profiled) * 2 < len(core):
        yield (
            "python/build",
            f"claims pgo, but only {len(profiled)} of {len(core)} objects were compiled with a profile",
        )
    if "pgo" not in subject.options and len(profiled) * 2 > len(core):
        yield (
            "python/build",
            f"{len(profiled)} of {len(core)} objects were compiled with a profile, but pgo is not claimed",
        )


@rule(
    "option-lto",
    "an archive's objects are LLVM bitcode if, and only if, it claims lto, and PYTHON.json states the bitcode's version",
    full_only=True,
)
def _lto(case: Case) -> Iterator[tuple[str, str]]:
    core = [kind for name, kind in case.subject.objects.items() if re.match(r"python/build/(Objects|Python)/", name)]
    said = str(_facts(case)["build_info"]["object_file_format"])
    bitcode = core.count("llvm-bitcode")
    # One or two of CPython's files are written in assembly, and are never bitcode.
    lto = bitcode > 0.9 * len(core)
    seen = f"{bitcode} of {len(core)} objects are LLVM bitcode"
    if ("lto" in case.subject.options) != lto:
        yield "python/build", f"build_options are {_facts(case).get('build_options')}, but {seen}"
    if said.startswith("llvm-bitcode:") != lto:
        yield "python/PYTHON.json", f"object_file_format is {said}, but {seen}"


@rule(
    "option-bolt",
    "BOLT has optimized a pgo+lto interpreter if it supports the target, and none without pgo",
    full_only=True,
)
def _bolt(case: Case) -> Iterator[tuple[str, str]]:
    options = case.subject.options
    # In a pgo build without lto, nothing shows whether the compiler includes BOLT.
    demanded = bool(case.target and case.target.bolt) and {"pgo", "lto"} <= options
    for name, elf in case.subject.elf.items():
        if re.match(r"python/install/bin/python3\.[0-9]+[td]*$", name):
            if demanded and not elf.bolted:
                yield (
                    name,
                    f"build_options are {_facts(case).get('build_options')}, but BOLT has not optimized this file",
                )
            if elf.bolted and "pgo" not in options:
                yield name, f"build_options are {_facts(case).get('build_options')}, but BOLT has optimized this file"


@rule("option-static", "a static archive contains no shared libraries")
def _static(case: Case) -> Iterator[tuple[str, str]]:
    if "static" in case.subject.options:
        for entry in case.subject.files(r".*\.(so|so\.[\d.]+|dylib|dll|pyd)"):
            yield entry.name, "is a shared library in a static archive"


@rule("json-glibc", "crt_features states the highest glibc version that any file needs", full_only=True)
def _glibc(case: Case) -> Iterator[tuple[str, str]]:
    prefix = "glibc-max-symbol-version:"
    said = [item[len(prefix) :] for item in _facts(case).get("crt_features") or () if str(item).startswith(prefix)]
    versions = [version for facts in case.subject.elf.values() for version in facts.glibc]
    highest = ".".join(map(str, max(versions))) if versions else ""
    if highest and said != [highest]:
        yield (
            "python/PYTHON.json",
            f"crt_features states {', '.join(said) or 'no version'}, but the files need {highest}",
        )


@rule("modules", "the archive has exactly the extension modules that the catalog lists for this Python", full_only=True)
def _modules(case: Case) -> Iterator[tuple[str, str]]:
    if case.target is None:
        return
    version = PythonVersion.parse(str(_facts(case)["python_version"]))
    wanted = case.catalog.modules(case.target.triple, version, case.subject.options)
    there = {name for name, _ in _extensions(case)}
    for name in sorted(wanted - there):
        yield "python/PYTHON.json", f"the module {name} is missing"
    for name in sorted(there - wanted):
        yield "python/PYTHON.json", f"the module {name} is not expected in this Python"


@rule(
    "module-functions", "libpython exports the init function of each built-in module, and of no other", full_only=True
)
def _module_functions(case: Case) -> Iterator[tuple[str, str]]:
    library = str(_facts(case)["build_info"]["core"].get("shared_lib"))
    exported = case.subject.exported.get(f"python/{library}")
    if exported is None:
        return
    wanted = {
        extension["init_fn"]
        for _, extension in _extensions(case)
        if "shared_lib" not in extension and extension["init_fn"].startswith("PyInit_")
    }
    there = {symbol for symbol in exported if symbol.startswith("PyInit_")}
    for name in sorted(wanted ^ there):
        yield f"python/{library}", f"{'does not export' if name in wanted else 'exports'} {name}"


@rule("annotated", "PYTHON.json lists each system library that a file needs among its links", full_only=True)
def _annotated(case: Case) -> Iterator[tuple[str, str]]:
    core = _facts(case)["build_info"]["core"]
    links = [*core["links"], *(link for _, extension in _extensions(case) for link in extension["links"])]
    known = {str(link.get("name")) for link in links if link.get("system")}
    own = {name.rsplit("/", 1)[-1] for name in case.subject.entries if ".so" in name}
    for file, facts in case.subject.elf.items():
        for library in facts.needed:
            name = re.sub(r"^lib|\.so.*$", "", library)
            if (
                library not in own
                and not re.match(r"ld-linux|ld64|ld\.so|libc\.|libgcc_s\.", library)
                and name not in known
            ):
                yield file, f"needs {library}, which PYTHON.json does not list among its links"


@rule("licenses", "the archive contains the licences of CPython and of each library linked into it", full_only=True)
def _licenses(case: Case) -> Iterator[tuple[str, str]]:
    texts = {entry.name for entry in case.subject.files(r"python/licenses/.+") if entry.size > 100}
    if not texts:
        yield "python/licenses", "contains no licence texts"
    for name, extension in _extensions(case):
        local = [link for link in extension["links"] if link.get("path_static") or link.get("path_dynamic")]
        paths = extension.get("license_paths", ())
        if local and not (extension.get("licenses") and paths):
            yield "python/PYTHON.json", f"{name} is linked with {local[0].get('name')}, but lists no licence for it"
        for path in paths:
            if f"python/{path}" not in texts:
                yield f"python/{path}", f"is the licence of a library in {name}, but is missing or too short"
