"""PYTHON.json, version 8 of python-build-standalone's format: all that a tool must know to use a distribution without running it.

Source: docs/distributions.md of python-build-standalone; validation/python_json.schema.json is the same format as a JSON schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pythonbuild.binaries.elf import highest_glibc, object_format
from pythonbuild.binaries.macho import macho_facts
from pythonbuild.distribution.build_info import Library, build_info
from pythonbuild.distribution.windows import windows_build_info
from pythonbuild.errors import PythonBuildError

__all__ = ["Facts", "python_json"]

# The packages with tests in all supported versions.  PYTHON.json names those that the distribution has.
_TEST_PACKAGES = (
    "bsddb.test ctypes.test distutils.tests idlelib.idle_test json.tests lib2to3.tests sqlite3.test test tkinter.test unittest.test"
).split()


@dataclass(frozen=True)
class Facts:
    """The facts of a distribution, from the plan and from its interpreter.

    interpreter: its path in the archive; libraries: the linked libraries by the name after -l, for Windows by the recipe's name;
    said: the facts that describe.py printed.
    """

    target_triple: str
    options: str
    licenses: tuple[str, ...]
    interpreter: str
    libraries: dict[str, Library]
    said: dict[str, Any]


def _for_windows(facts: Facts) -> bool:
    return "-windows-" in facts.target_triple


def _crt_features(root: Path, facts: Facts) -> list[str]:
    if _for_windows(facts):
        return ["vcruntime:140"]
    if "static" in facts.options.split("+"):
        return ["static"]
    if "-apple-" in facts.target_triple:
        return ["libSystem"]
    glibc = highest_glibc(root / "install")
    return ["glibc-dynamic", f"glibc-max-symbol-version:{glibc}"] if glibc else ["musl-dynamic"]


def python_json(root: Path, facts: Facts) -> dict[str, object]:
    """Return the value of PYTHON.json for the distribution whose python/ folder is `root`.

    Raises PythonBuildError if the distribution lacks a file that PYTHON.json must name.
    """
    said = facts.said
    series = ".".join(said["version"].split(".")[:2])
    stdlib = said["paths"]["stdlib"]
    static = "static" in facts.options.split("+")
    return {
        "version": "8",
        "target_triple": facts.target_triple,
        "build_options": facts.options,
        # The name of build_options before version 8.
        "optimizations": facts.options,
        "build_info": windows_build_info(root, facts.libraries)
        if _for_windows(facts)
        else build_info(root, facts.libraries, _object_format(root, said)),
        "crt_features": _crt_features(root, facts),
        "libpython_link_mode": "static" if static else "shared",
        "licenses": facts.licenses,
        "license_path": "licenses/LICENSE.cpython.LICENSE",
        "python_abi_tag": f"cp{series.replace('.', '')}{said['abi_flags']}",
        "python_bytecode_magic_number": said["magic_number"],
        "python_config_vars": said["config_vars"],
        "python_exe": facts.interpreter,
        "python_extension_module_loading": ["builtin"] if static else ["builtin", "shared-library"],
        "python_implementation_cache_tag": said["cache_tag"],
        "python_implementation_hex_version": said["hex_version"],
        "python_implementation_name": said["implementation"],
        "python_implementation_version": said["implementation_version"],
        "python_major_minor_version": series,
        "python_paths": said["paths"],
        "python_paths_abstract": said["paths_abstract"],
        "python_platform_tag": said["platform"],
        "python_stdlib_test_packages": [
            name for name in _TEST_PACKAGES if (root / stdlib / name.replace(".", "/")).is_dir()
        ],
        "python_suffixes": said["suffixes"],
        "python_symbol_visibility": "dllexport" if _for_windows(facts) else "global-default",
        "python_tag": f"cp{series.replace('.', '')}",
        "python_version": said["version"],
        "run_tests": "build/run_tests.py",
        **_tcl(root, "install/tcl" if _for_windows(facts) else "install/lib"),
        **({} if _for_windows(facts) else _platform_config(root, said)),
        **(_apple_sdk(root / facts.interpreter) if "-apple-" in facts.target_triple else {}),
    }


def _platform_config(root: Path, said: dict[str, Any]) -> dict[str, object]:
    folder = _only(root, f"{said['paths']['stdlib']}/config-{said['ld_version']}-*")
    return {"python_stdlib_platform_config": folder}


def _object_format(root: Path, said: dict[str, Any]) -> str:
    with open(root / "build/Python/ceval.o", "rb") as file:
        kind = object_format(file.read(4))
    if kind == "unknown":
        raise PythonBuildError("build/Python/ceval.o is not an ELF file, a Mach-O file or LLVM bitcode")
    # The compiler as sys.version names it: "Clang 22.1.8 ".
    return f"llvm-bitcode:{said['compiler'].split()[1]}" if kind == "llvm-bitcode" else kind


def _only(root: Path, pattern: str) -> str:
    found = sorted(root.glob(pattern))
    if len(found) != 1:
        raise PythonBuildError(f"the build made {len(found)} paths like {pattern} instead of one")
    return found[0].relative_to(root).as_posix()


def _apple_sdk(interpreter: Path) -> dict[str, object]:
    """Return the fields for the SDK that the linker recorded in the interpreter, and for the oldest macOS that it runs on."""
    facts = macho_facts(interpreter.read_bytes())
    if facts is None or facts.oldest is None or facts.sdk is None:
        raise PythonBuildError(f"{interpreter.name} is not a Mach-O file that names the SDK it was linked with")
    version = ".".join(map(str, facts.sdk[:2]))
    return {
        "apple_sdk_canonical_name": f"macosx{version}",
        "apple_sdk_deployment_target": ".".join(map(str, facts.oldest[:2])),
        "apple_sdk_platform": "macosx",
        "apple_sdk_version": version,
    }


def _tcl(root: Path, place: str) -> dict[str, object]:
    """Return the fields for the scripts of Tcl and Tk: Tcl reads its own scripts from tclX.Y, and Tcl modules from tclX."""
    folders = [path for pattern in ("tcl[0-9]*", "tk[0-9]*") for path in (root / place).glob(pattern)]
    names = sorted(path.name for path in folders if path.is_dir())
    return {"tcl_library_path": place, "tcl_library_paths": names} if names else {}
