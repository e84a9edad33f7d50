#!/usr/bin/env python3
"""Build a portable CPython for Windows: ``./build-windows.py --help`` says how."""

import os
import sys

ROOT = os.path.dirname(os.path.realpath(__file__))

if sys.version_info < (3, 9):
    sys.exit(
        "build-windows.py needs Python 3.9 or newer to run; this is %d.%d (%s).\n"
        "Start it with a newer one, e.g.: python3.11 build-windows.py"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

# Nothing is written beside our sources: a checkout may be read-only or owned by somebody else.
sys.dont_write_bytecode = True
sys.path.insert(0, ROOT)
from pythonbuild import bootstrap  # noqa: E402  (the path is set just above)

if __name__ == "__main__":
    sys.exit(bootstrap.start(["build", "--platform=windows", *sys.argv[1:]], program="build-windows.py"))
