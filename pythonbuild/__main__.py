"""``python3 -m pythonbuild VERB``, or ``pythonbuild VERB`` once installed: the same program as the entry scripts, any verb.

``python3 FOLDER/pythonbuild VERB`` starts it from any folder.
"""

import os
import sys

if not __package__:
    # Started by its path: the first place to look for modules is then this folder, where `packaging` is not PyPI's.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
from pythonbuild import bootstrap

__all__ = ["main"]


def main() -> int:
    """Run the program with this process's arguments; returns the exit status."""
    return bootstrap.start(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
