"""Print the facts of an interpreter as JSON.  Standard library only.

    python describe.py                                     describes the interpreter that runs it
    host-python describe.py STDLIB INTERPRETER CONFIG_C    describes one of the same version that does not run on this machine

The second form reads files instead of asking the interpreter: sysconfig's data in STDLIB, the modules in CONFIG_C, and the compiler's
name in the program INTERPRETER.
"""

import importlib.machinery
import importlib.util
import json
import os
import platform
import re
import sys
import sysconfig
from pathlib import Path
from typing import Any


def _relative(path: str) -> str:
    """Return the path in the archive of a path below the prefix, and any other path unchanged."""
    prefix = sys.base_prefix
    inside = path == prefix or path.startswith(prefix + os.sep)
    return ("install" + path[len(prefix) :]).replace(os.sep, "/") if inside else path


def describe() -> "dict[str, Any]":
    """Return the facts for PYTHON.json, as values that JSON can represent."""
    variables = {name: value for name, value in sysconfig.get_config_vars().items() if name not in ("srcdir",)}
    return {
        "platform": sysconfig.get_platform(),
        "version": platform.python_version(),
        "cache_tag": sys.implementation.cache_tag,
        "hex_version": sys.implementation.hexversion,
        "implementation": sys.implementation.name,
        "implementation_version": [str(part) for part in sys.implementation.version],
        "magic_number": importlib.util.MAGIC_NUMBER.hex(),
        "config_vars": {name: str(value).replace(sys.base_prefix, "/install") for name, value in variables.items()},
        "paths": {name: _relative(path) for name, path in sysconfig.get_paths().items()},
        "paths_abstract": sysconfig.get_paths(expand=False),
        "suffixes": {
            "bytecode": importlib.machinery.BYTECODE_SUFFIXES,
            "debug_bytecode": importlib.machinery.DEBUG_BYTECODE_SUFFIXES,
            "extension": importlib.machinery.EXTENSION_SUFFIXES,
            "optimized_bytecode": importlib.machinery.OPTIMIZED_BYTECODE_SUFFIXES,
            "source": importlib.machinery.SOURCE_SUFFIXES,
        },
        "builtin_modules": sorted(sys.builtin_module_names),
        # On Windows, older Pythons do not have sys.abiflags.
        "abi_flags": getattr(sys, "abiflags", "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""),
        "ld_version": sysconfig.get_config_var("LDVERSION"),
        "compiler": platform.python_compiler(),
    }


def describe_foreign(stdlib: Path, interpreter: Path, config_c: Path) -> "dict[str, Any]":
    """Return the same facts for an interpreter that does not run on this machine.

    stdlib: its lib/pythonX.Y; interpreter: the program; config_c: the source file with its table of built-in modules.
    """
    (data,) = stdlib.glob("_sysconfigdata_*.py")
    own_suffix = importlib.machinery.EXTENSION_SUFFIXES[0].split(".")[1]
    # sysconfig has read no data yet, and will import this module.
    os.environ["_PYTHON_SYSCONFIGDATA_NAME"] = data.stem
    sys.path.insert(0, str(stdlib))
    variables = sysconfig.get_config_vars()
    variables["abiflags"] = variables["ABIFLAGS"]
    # sysconfig's data lacks names that begin with an underscore.
    (makefile,) = stdlib.glob("config-*/Makefile")
    for name in re.findall(r"^_PYTHON_HOST_PLATFORM=[ \t]*(\S+)", makefile.read_text(), re.MULTILINE):
        os.environ["_PYTHON_HOST_PLATFORM"] = name
    facts = describe()
    compiler = re.search(rb"\[((?:GCC|Clang) [^\]]*)\]", interpreter.read_bytes())
    facts["compiler"] = compiler[1].decode() if compiler else ""
    facts["abi_flags"] = variables["ABIFLAGS"]
    facts["builtin_modules"] = sorted(re.findall(r'^ *\{"(\w+)", (?:\w+)\},', config_c.read_text(), re.MULTILINE))
    for names in facts["suffixes"].values():
        names[:] = [name.replace(own_suffix, variables["SOABI"]) for name in names]
    return facts


if __name__ == "__main__":
    json.dump(describe_foreign(*map(Path, sys.argv[1:])) if len(sys.argv) > 1 else describe(), sys.stdout)
