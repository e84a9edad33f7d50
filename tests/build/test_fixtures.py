"""Every test uses only fixtures that exist, also in groups that run rarely."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pythonbuild.home import checkout

# pytest notices a missing fixture only when it sets the test up, which for some groups takes a build of an hour.
PLUGIN = """
import sys

import pytest


class Fixtures:
    def pytest_collection_finish(self, session):
        for item in session.items:
            parameters = item.callspec.params if hasattr(item, "callspec") else ()
            known = {"request", *item._fixtureinfo.name2fixturedefs, *parameters}
            for name in set(item._fixtureinfo.names_closure) - known:
                print("MISSING", name, "in", item.nodeid)


sys.exit(pytest.main(["--collect-only", "-p", "no:cacheprovider", "-q", *sys.argv[1:]], plugins=[Fixtures()]))
"""


def missing(folder: Path, *tests: str) -> list[str]:
    """Return a line for each fixture that tests ask for and that does not exist."""
    done = subprocess.run([sys.executable, "-c", PLUGIN, *tests], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return [line for line in done.stdout.splitlines() if line.startswith("MISSING")]


def test_fixtures_exist() -> None:
    groups = sorted({f"tests/{path.parent.name}" for path in (checkout() / "tests").glob("*/test_*.py")})
    assert missing(checkout(), *groups) == []


def test_a_missing_fixture_is_found(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n@pytest.mark.parametrize('one', [1])\ndef test_it(tmp_path, one, gone): pass\n"
    )
    assert missing(tmp_path, "test_it.py") == ["MISSING gone in test_it.py::test_it[1]"]
