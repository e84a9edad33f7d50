"""Print the features of the Python that runs this, and the libraries that each of its binaries links with, as JSON.

Where possible, features are read from the machine code instead of configure's arguments, because distributions also optimize without
those.  Requires readelf (binutils) on PATH.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig

# Functions with the same one of these prefixes come from one source file, with few exceptions.
FAMILIES = "PyUnicode_ PyLong_ PyDict_ PyList_ PyBytes_ PyType_ PyErr_ PyImport_ PyFloat_ PySet_ PyTuple_".split()
NEAR = 3


def readelf(file, *flags):
    """Return the output of readelf as lines."""
    command = ["readelf", "-W", *flags, file]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def needed(file):
    """Return the sonames of the libraries that a file needs."""
    found = (re.search(r"\(NEEDED\).*\[(.*)\]", line) for line in readelf(file, "-d"))
    return [match[1] for match in found if match]


def code_file():
    """Return the path of the file with the interpreter's code: the program, or libpython."""
    program = os.path.realpath(sys.executable)
    if any(name.startswith("libpython") for name in needed(program)):
        with open("/proc/self/maps") as maps:
            paths = {line.split(None, 5)[5].strip() for line in maps if len(line.split(None, 5)) > 5}
        return next(path for path in paths if re.search(r"/libpython3\.\d+t?\.so", path))
    return program


def scatter(file):
    """Return how far apart the functions of a source file are in `file`, from 0 (side by side) to 1 (each alone).

    Compilers place functions in the order of their source files, one file after another.  A profile sorts them by use: with link-time
    optimization over the whole program, without it within each file.
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
    """Return the path of the file with a module's code: its own, or the interpreter's; "" if the module does not exist."""
    spec = importlib.util.find_spec(name)
    if spec is None:
        return ""
    return spec.origin if spec.origin and spec.origin.endswith(".so") else code_file()


def uses(module, library):
    """Return True if a module is linked with a library; library: the start of its soname."""
    file = module_file(module)
    return bool(file) and any(name.startswith(library) for name in needed(file))


def loads_extensions():
    """Return True if sqlite3 can load extensions."""
    try:
        import sqlite3
    except ImportError:
        return False
    return hasattr(sqlite3.Connection, "enable_load_extension")


def links():
    """Return {file name: sonames of its libraries} for the program, libpython and all extension modules."""
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
    """Print the features as JSON."""
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
