"""docs/features.md says of each interpreter what it says of itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pythonbuild.home import checkout
from tests.packages.conftest import MAINTAINER, Made

# One daemon builds and runs them all.
pytestmark = pytest.mark.xdist_group("docker")

# What a build by --fast leaves out.
_OPTIMIZED = ("PGO", "LTO", "test suite run")
Table = dict[tuple[str, str], str]


def tables(text: str) -> Table:
    """Return {(column, row): cell} of the tables in a text; the columns' titles without the version at their end."""
    cells: Table = {}
    heads: list[str] = []
    for line in text.splitlines():
        if not line.startswith("| "):
            heads = []
            continue
        row = [cell.strip() for cell in line.strip("|").split("|")]
        if not heads:
            heads = [head.rpartition(" ")[0] for head in row]
        elif set(row) != {"---"}:
            cells.update({(head, row[0]): cell for head, cell in zip(heads[1:], row[1:])})
    return cells


def test_the_documentation_is_true(made: Made) -> None:
    command = [sys.executable, "-m", "pythonbuild", "features", "--engine", "docker", *made.flags]
    done = subprocess.run([*command, "--maintainer", MAINTAINER], cwd=checkout(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    title, seen = done.stdout.splitlines()[0], tables(done.stdout)
    assert title.startswith("## ")
    text = (checkout() / "docs" / "features.md").read_text()
    assert title in text.splitlines()
    documented = tables(text.split(f"{title}\n")[1].split("\n## ")[0])
    columns = {column for column, _ in seen}
    assert {"pythonbuild", "CPython's default", "the distribution's python3"} <= columns
    for (column, row), cell in seen.items():
        if made.fast and column.startswith("pythonbuild") and row in _OPTIMIZED:
            assert cell == "no", (column, row)
        elif (column, row) in documented or not made.fast:
            # A build by --fast lacks the modules that only tests need.
            assert documented[column, row] == cell, (column, row)
    assert len(seen) > 3 * 8
