"""Checks that docs/features.md matches what each interpreter reports."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pythonbuild.home import checkout
from tests.packages.conftest import MAINTAINER, Made

# These tests share one daemon, so one worker runs them.
pytestmark = pytest.mark.xdist_group("docker")

# Rows that are "no" in a build with --fast.
_OPTIMIZED = ("PGO", "LTO", "test suite run")
Table = dict[tuple[str, str], str]


def tables(text: str) -> Table:
    """Return {(column, row): cell} of the tables in a text, without the version at the end of each column's title."""
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


def test_the_documentation_matches(made: Made) -> None:
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
            # A build with --fast lacks the modules that only tests need.
            assert documented[column, row] == cell, (column, row)
    assert len(seen) > 3 * 8
