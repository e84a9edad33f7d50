"""``python -m pythonbuild VERB``: the same program as the entry scripts, with the verb given."""

import sys

from pythonbuild import bootstrap

if __name__ == "__main__":
    sys.exit(bootstrap.start(sys.argv[1:], program="python -m pythonbuild"))
