"""PYTHON.json, version 8 of python-build-standalone's format: what a tool must know to use a distribution without running it.

Keys that describe how to relink the interpreter (build_info) are not written yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Facts", "python_json"]


@dataclass(frozen=True)
class Facts:
    """What the plan knows of a distribution, and what its interpreter said of itself (see describe.py)."""

    target_triple: str
    options: str
    glibc: str
    licenses: list[str]
    interpreter: str
    said: dict[str, Any]


def python_json(facts: Facts) -> dict[str, object]:
    """Return the value of PYTHON.json."""
    said = facts.said
    series = ".".join(said["version"].split(".")[:2])
    stdlib = said["paths"]["stdlib"]
    tag = said["cache_tag"].replace("cpython-", "cp")
    return {
        "version": "8",
        "target_triple": facts.target_triple,
        "build_options": facts.options,
        "optimizations": facts.options,
        "crt_features": [f"glibc-dynamic:{facts.glibc}"],
        "libpython_link_mode": "static",
        "licenses": facts.licenses,
        "license_path": "licenses",
        "python_abi_tag": f"cp{series.replace('.', '')}{said['abi_flags']}",
        "python_bytecode_magic_number": said["magic_number"],
        "python_config_vars": said["config_vars"],
        "python_exe": facts.interpreter,
        "python_extension_module_loading": ["builtin", "shared-library"],
        "python_implementation_cache_tag": said["cache_tag"],
        "python_implementation_hex_version": said["hex_version"],
        "python_implementation_name": said["implementation"],
        "python_implementation_version": said["implementation_version"],
        "python_major_minor_version": series,
        "python_paths": said["paths"],
        "python_paths_abstract": said["paths_abstract"],
        "python_platform_tag": said["platform"],
        "python_stdlib_test_packages": _test_packages(series),
        "python_suffixes": said["suffixes"],
        "python_symbol_visibility": "global-default",
        "python_tag": tag,
        "python_version": said["version"],
        "python_stdlib_platform_config": f"{stdlib}/_sysconfigdata_{said['abi_flags']}_linux_{_multiarch(said)}.py",
    }


def _multiarch(said: dict[str, Any]) -> str:
    return str(said["config_vars"].get("MULTIARCH", ""))


def _test_packages(series: str) -> list[str]:
    packages = [
        "ctypes.test",
        "distutils.tests",
        "idlelib.idle_test",
        "lib2to3.tests",
        "sqlite3.test",
        "test",
        "tkinter.test",
        "unittest.test",
    ]
    gone = {"ctypes.test", "distutils.tests", "lib2to3.tests", "sqlite3.test", "tkinter.test", "unittest.test"}
    return packages if series in ("3.10",) else [name for name in packages if name not in gone]
