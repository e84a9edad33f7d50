"""Test that everything in a distribution works where it is.  Run it with the interpreter to test: `python smoke/`.

It needs only the standard library, without the parts that `install_only` archives omit.  Arguments beyond unittest's own:
--require-display fails if there is no display, --require-compilers gcc,clang if a compiler is missing; --emulated skips
tests that qemu-user cannot run, and extends timeouts.
"""

import argparse
import os
import sys
import unittest

# Set before our own imports, so that no bytecode is written next to our sources.
sys.dont_write_bytecode = True

from harness import ARGUMENTS
from libraries import Compression, Databases, ForeignFunctions, Hashes, Modules, Sqlite, Tls, Values
from packages import Compilers, Packages
from processes import Concurrency, Kernel
from relocation import Relocation
from screens import Terminal, Window

__all__ = [
    "Compilers",
    "Compression",
    "Concurrency",
    "Databases",
    "ForeignFunctions",
    "Hashes",
    "Kernel",
    "Modules",
    "Packages",
    "Relocation",
    "Sqlite",
    "Terminal",
    "Tls",
    "Values",
    "Window",
]


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--require-display", action="store_true")
    parser.add_argument("--require-compilers", default="")
    parser.add_argument("--emulated", action="store_true")
    parser.add_argument("--without-static-library", action="store_true", help="as in the install_only archive")
    _, rest = parser.parse_known_args(namespace=ARGUMENTS)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "PYTHONHOME", "PYTHONPATH"):
        os.environ.pop(name, None)
    result = unittest.main(module=__name__, argv=[sys.argv[0], *rest], exit=False).result
    for test, reason in result.skipped:
        print("skipped %s: %s" % (test.id().split(".", 1)[1], reason), file=sys.stderr)
    sys.exit(not (result.testsRun and result.wasSuccessful()))


if __name__ == "__main__":
    main()
