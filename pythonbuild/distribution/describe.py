"""Run by the interpreter that was built, alone: print as JSON what it says of itself.  Standard library only."""

import importlib.machinery
import importlib.util
import json
import platform
import sys
import sysconfig


def _relative(path: str) -> str:
    """Return a path below the prefix as it is in the archive, others as they are."""
    prefix = sys.base_prefix
    return "install" + path[len(prefix) :] if path == prefix or path.startswith(prefix + "/") else path


def describe() -> "dict[str, object]":
    """Return the facts that PYTHON.json is made of, as plain values."""
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
        "abi_flags": sys.abiflags,
        "ld_version": sysconfig.get_config_var("LDVERSION"),
        "compiler": platform.python_compiler(),
    }


if __name__ == "__main__":
    json.dump(describe(), sys.stdout)
