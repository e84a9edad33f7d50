"""Tests what other tools rely on: a correct PYTHON.json, and relinking an interpreter from the full archive alone."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.distribution.conftest import Built, clean_environment
from tests.required import REQUIRED

EXTRA = """
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *none) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, NULL}, {NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "extra", NULL, -1, methods};
PyMODINIT_FUNC PyInit_extra(void) {
    PyObject *self = PyModule_Create(&module);
#ifdef Py_GIL_DISABLED
    PyUnstable_Module_SetGIL(self, Py_MOD_GIL_NOT_USED);
#endif
    return self;
}
"""
MAIN = """
#include <Python.h>
int main(int count, char **arguments) { return Py_BytesMain(count, arguments); }
"""
USE = (
    "import sys, extra, ssl, sqlite3, ctypes, curses, lzma, bz2, zlib, decimal, pyexpat, uuid, readline, hashlib\n"
    "assert 'extra' in sys.builtin_module_names\n"
    "assert hashlib.sha256(b'').hexdigest().startswith('e3b0')\n"
    "print(extra.answer())"
)


def compiler(object_format: str) -> list[str]:
    """Return a command that links objects of this format, [] without gcc; bitcode needs the LLVM that wrote it."""
    if object_format == "elf":
        found = shutil.which("gcc")
        assert found or "gcc" not in REQUIRED
        return [found] if found else []
    major = object_format.removeprefix("llvm-bitcode:").split(".")[0]
    found = shutil.which(f"clang-{major}")
    assert found, f"clang-{major}, which built this distribution, is not installed"
    # The test only needs a link that succeeds.  An optimized link of bitcode with a profile takes minutes.
    return [found, "-fuse-ld=lld", "-Wl,--lto-O0"]


def facts_of(built: Built) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((built.full / "python" / "PYTHON.json").read_text())
    return facts


def test_the_archive_suffices_to_link_an_interpreter_with_an_extra_module(built: Built, tmp_path: Path) -> None:
    root = built.full / "python"
    facts = facts_of(built)
    info = facts["build_info"]
    command = compiler(info["object_file_format"])
    if not command:
        pytest.skip("gcc is not installed")
    config = (root / info["inittab_source"]).read_text()
    declared = config.replace("struct _inittab", "extern PyObject* PyInit_extra(void);\nstruct _inittab", 1)
    table = declared.replace("_PyImport_Inittab[] = {", '_PyImport_Inittab[] = {\n    {"extra", PyInit_extra},', 1)
    assert table != declared != config
    for name, text in (("config", table), ("extra", EXTRA), ("main", MAIN)):
        (tmp_path / f"{name}.c").write_text(text)
        flags = info["inittab_cflags"] if name == "config" else []
        include = root / facts["python_paths"]["include"]
        source = [f"-I{include}", "-c", f"{name}.c", "-o", f"{name}.o"]
        subprocess.run([*command[:1], "-fPIC", *flags, *source], cwd=tmp_path, check=True)
    objects, libraries = link_line(root, info)
    own = [str(tmp_path / name) for name in ("config.o", "extra.o", "main.o")]
    line = [*command, "-o", "python", *own, *objects, "-Wl,--start-group", *libraries, "-Wl,--end-group"]
    subprocess.run([*line, "-Wl,-export-dynamic", "-pthread"], cwd=tmp_path, check=True)
    done = subprocess.run(
        [str(tmp_path / "python"), "-c", USE],
        env=clean_environment(PYTHONHOME=str(root / "install")),
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("42\n", "")


def link_line(root: Path, info: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return (objects, libraries) of the interpreter according to PYTHON.json, without the table of modules."""
    objects = list(info["core"]["objs"])
    links = list(info["core"]["links"])
    for (facts,) in info["extensions"].values():
        if "shared_lib" not in facts:
            objects += facts["objs"]
            links += facts["links"]
    libraries = [f"-l{link['name']}" if link.get("system") else str(root / link["path_static"]) for link in links]
    return [str(root / path) for path in dict.fromkeys(objects)], list(dict.fromkeys(libraries))


def test_files_named_in_the_metadata_exist(built: Built) -> None:
    root = built.full / "python"
    facts = facts_of(built)
    info = facts["build_info"]
    for key in ("inittab_object", "inittab_source"):
        assert (root / info[key]).is_file()
    for key in ("shared_lib", "static_lib"):
        assert (root / info["core"][key]).is_file()
    for key in ("python_exe", "run_tests", "license_path"):
        assert (root / facts[key]).is_file(), key
    for name in facts["tcl_library_paths"]:
        assert (root / facts["tcl_library_path"] / name).is_dir()
    paths = [path for (extension,) in info["extensions"].values() for path in extension.get("license_paths", [])]
    assert paths
    assert all((root / path).is_file() for path in paths)


def test_metadata_lists_every_module_of_the_interpreter(built: Built) -> None:
    """Compare the metadata with the interpreter's list of built-in modules, and with the files in lib-dynload."""
    root = built.full / "python"
    extensions = facts_of(built)["build_info"]["extensions"]
    builtin = {name for name, (facts,) in extensions.items() if "shared_lib" not in facts}
    command = [str(built.interpreter), "-B", "-c", "import sys; print(*sys.builtin_module_names)"]
    assert builtin == set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    files = {path.relative_to(root).as_posix() for path in root.glob("install/lib/python3*/lib-dynload/*.so")}
    assert files == {facts["shared_lib"] for (facts,) in extensions.values() if "shared_lib" in facts}
    assert extensions["_ssl"][0]["licenses"] == ["Apache-2.0"]
    assert extensions["_sqlite3"][0]["license_public_domain"]
    assert extensions["posix"][0]["required"]
    assert not extensions["_ssl"][0]["required"]


def test_the_bill_of_materials_lists_all_linked_components(built: Built) -> None:
    """The copies in the full archive and beside it are equal; each part has its source's hash, a licence and a purl."""
    inside = (built.full / "python/build/sbom.cdx.json").read_text()
    (beside,) = built.archives.glob("*-sbom.cdx.json")
    assert beside.read_text() == inside
    parts = {part["name"]: part for part in json.loads(inside)["components"]}
    texts = {path.name.split(".")[1] for path in (built.full / "python/licenses").iterdir()}
    assert texts | {"pip"} <= set(parts)
    for part in parts.values():
        assert len(part["hashes"][0]["content"]) == 64
        kind = "pypi" if part["name"] in ("pip", "setuptools") else "generic"
        assert part["purl"].startswith(f"pkg:{kind}/{part['name']}@{part['version']}?")
        assert part["licenses"]


def test_the_provenance_names_the_archives_and_their_sources(built: Built) -> None:
    (path,) = built.archives.glob("*.intoto.jsonl")
    statement = json.loads(path.read_text())
    subjects = {item["name"]: item["digest"]["sha256"] for item in statement["subject"]}
    assert subjects == {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in built.archives.iterdir() if file != path
    }
    definition = statement["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["options"] == built.options
    names = {item["name"] for item in definition["resolvedDependencies"]}
    assert {"cpython", "openssl", "toolchain gcc"} <= names
    if "lto" in built.options:
        # LLVM is not a source: it comes from the image or the machine.
        assert "clang" in statement["predicate"]["runDetails"]["builder"]["version"]["llvm"]
