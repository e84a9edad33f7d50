"""``python -m pythonbuild VERB``, or ``pythonbuild VERB`` once installed: the same program as the entry scripts, any verb."""

import os
import sys

from pythonbuild import bootstrap

__all__ = ["main"]


def main() -> int:
    """Run the program with this process's arguments; returns the exit status."""
    name = os.path.basename(sys.argv[0])
    return bootstrap.start(sys.argv[1:], "python -m pythonbuild" if name == "__main__.py" else "pythonbuild")


if __name__ == "__main__":
    sys.exit(main())
