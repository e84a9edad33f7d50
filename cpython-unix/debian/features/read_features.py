"""Run by the Python that is asked: prints, as JSON, which features it has and what each of its binaries is linked with.

What can be, is read from the machine code and not from what configure was told: distributions optimize without saying so there.
Needs readelf (binutils) on PATH.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig

# Functions whose names begin alike come from one source file, or nearly so.
FAMILIES = "PyUnicode_ PyLong_ PyDict_ PyList_ PyBytes_ PyType_ PyErr_ PyImport_ PyFloat_ PySet_ PyTuple_".split()
NEAR = 3


def readelf(file, *flags):
    """Return what readelf says, in lines."""
    command = ["readelf", "-W", *flags, file]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def needed(file):
    """Return the sonames that a file needs."""
    found = (re.search(r"\(NEEDED\).*\[(.*)\]", line) for line in readelf(file, "-d"))
    return [match[1] for match in found if match]


def code_file():
    """Return the file that the interpreter's code is in: the program, or libpython."""
    program = os.path.realpath(sys.executable)
    if any(name.startswith("libpython") for name in needed(program)):
        with open("/proc/self/maps") as maps:
            paths = {line.split(None, 5)[5].strip() for line in maps if len(line.split(None, 5)) > 5}
        return next(path for path in paths if re.search(r"/libpython3\.\d+t?\.so", path))
    return program


def scatter(file):
    """Return how far a source file's functions lie apart, from 0 (side by side) to 1 (each alone).

    Compilers lay functions out in the order of their source files, one file after the other.  A profile sorts them by how much they
    are used; with link-time optimization that is done over the whole program, without it within each file.
    """
    symbols = []
    for line in readelf(file, "--dyn-syms"):
        words = line.split()
        if len(words) >= 8 and words[3] == "FUNC" and words[6] != "UND":
            symbols.append((int(words[1], 16), words[7].split("@")[0]))
    names = [name for _, name in sorted(symbols)]
    pairs = apart = 0
    for family in FAMILIES:
        places = [number for number, name in enumerate(names) if name.startswith(family)]
        for one, next_one in zip(places, places[1:]):
            pairs += 1
            apart += next_one - one > NEAR
    return apart / pairs


def module_file(name):
    """Return the file with the code of a module: its own, or the interpreter's; "" if there is no such module."""
    spec = importlib.util.find_spec(name)
    if spec is None:
        return ""
    return spec.origin if spec.origin and spec.origin.endswith(".so") else code_file()


def uses(module, library):
    """Is that library among those that the module is linked with?"""
    file = module_file(module)
    return bool(file) and any(name.startswith(library) for name in needed(file))


def loads_extensions():
    """Can sqlite3 load extensions?"""
    try:
        import sqlite3
    except ImportError:
        return False
    return hasattr(sqlite3.Connection, "enable_load_extension")


def links():
    """Return {file name: sonames} of the program, libpython and all extension modules."""
    folder = sysconfig.get_config_var("DESTSHARED") or ""
    here = [path for path in sys.path if path.endswith("lib-dynload")]
    files = {os.path.realpath(sys.executable), code_file()}
    for path in {folder, *here}:
        if os.path.isdir(path):
            files |= {os.path.realpath(os.path.join(path, name)) for name in os.listdir(path) if name.endswith(".so")}
    tag = sysconfig.get_config_var("SOABI")
    mine = [file for file in sorted(files) if not file.endswith(".so") or tag in file or "cpython" not in file]
    program = os.path.realpath(sys.executable)
    return {
        "python" if file == program else os.path.basename(file).split(".cpython-")[0]: needed(file) for file in mine
    }


def main():
    """Print the JSON."""
    code = code_file()
    json.dump(
        {
            "version": sys.version.split()[0],
            "scatter": round(scatter(code), 3),
            "system expat": uses("pyexpat", "libexpat."),
            "system libmpdec": uses("_decimal", "libmpdec."),
            "dtrace": any("stapsdt" in line for line in readelf(code, "-n")),
            "shared": bool(sysconfig.get_config_var("Py_ENABLE_SHARED")),
            "loadable sqlite": loads_extensions(),
            "links": links(),
        },
        sys.stdout,
        indent=1,
        sort_keys=True,
    )


main()
