"""Run CPython's own test suite with the interpreter that runs this script: python3 run_tests.py [regrtest's own flags and tests].

Unless flags say otherwise, it uses all processors and the resources that need only this machine: no network, no sound, no window.
"""

import subprocess
import sys

_USUAL = ["-j0", "-w", "-u", "none,cpu,curses,decimal,subprocess,tzdata", "--timeout", "1200"]


def main() -> int:
    """Return regrtest's exit status."""
    return subprocess.call([sys.executable, "-u", "-W", "default", "-bb", "-E", "-m", "test", *_USUAL, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
