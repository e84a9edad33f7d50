"""``python3 -m pythonbuild VERB``, and the installed command ``pythonbuild VERB``.  Each entry script runs one verb.

``python3 FOLDER/pythonbuild VERB`` works in any folder.
"""

import os
import sys

if not __package__:
    # A start by path puts this folder first on sys.path, where `packaging` would hide PyPI's package of that name.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
from pythonbuild import bootstrap

__all__ = ["main"]


def main() -> int:
    """Run the program with the arguments of this process, and return the exit status."""
    return bootstrap.start(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
