"""CPython's own test suite, whole, on the built Python.  It takes long, so it runs only when --suite asks for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from pythonbuild.home import checkout
from tests.distribution.conftest import Built

_LEAST = 30_000  # tests that pass on any Python at the very least


def test_cpythons_own_suite_fails_only_where_it_is_expected_to(built: Built, display: dict[str, str]) -> None:
    (archive,) = built.archives.glob("*.tar.zst")
    command = [sys.executable, "-m", "pythonbuild", "test", str(archive), "--stdlib"]
    done = subprocess.run(command, cwd=checkout(), env={**os.environ, **display}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    counted = re.search(r"(\d+) passed, (\d+) failed", done.stdout)
    assert counted, done.stdout[-3000:]
    assert int(counted[1]) > _LEAST
    assert int(counted[2]) == done.stdout.count("\n  expected: ")
