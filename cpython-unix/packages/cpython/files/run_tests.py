"""Run CPython's own test suite by the interpreter that runs this: python3 run_tests.py [regrtest's own flags].

Without flags: on all processors, with the resources that need this machine only (no network, no sound, no window).
"""

import subprocess
import sys

_DEFAULT = ["-j0", "-w", "-u", "none,cpu,decimal,subprocess,tzdata", "--timeout", "1200"]


def main() -> int:
    """Return regrtest's exit status."""
    flags = sys.argv[1:] or _DEFAULT
    return subprocess.call([sys.executable, "-u", "-W", "default", "-bb", "-E", "-m", "test", *flags])


if __name__ == "__main__":
    sys.exit(main())
