"""Tables in terminals of any width."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pythonbuild.catalog.load import Catalog
from pythonbuild.cli.show import catalog_text, plan_text
from pythonbuild.model.options import OPTIONS
from pythonbuild.run.schedule import State
from pythonbuild.ui.columns import table

ROWS = [
    ("step", "state", "why"),
    ("archive-install_only_stripped.tar.gz-3.13.15", "build", "changed: " + "openssl " * 20),
]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_table_fits_the_width_and_loses_nothing(width: int) -> None:
    lines = table(ROWS, width)
    assert max(map(len, lines)) <= width
    assert " ".join(lines).split() == " ".join(cell for row in ROWS for cell in row).split()


def test_a_wide_table_has_a_line_for_each_row() -> None:
    assert len(table(ROWS, None)) == 2
    assert len(table(ROWS, 400)) == 2
    assert table([], 80) == []


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_plan_fits_the_terminal(width: int) -> None:
    rows = [
        {
            "step": f"archive-install_only_stripped.tar.gz-3.13.15-{name}",
            "state": State.BUILD.value,
            "usual_seconds": 1.0,
        }
        for name in OPTIONS
    ]
    plan = plan_text(
        "cpython-3.13.15 noopt, " * 9, [{**row, "why": "never built here"} for row in rows], ["one", "two"] * 40, width
    )
    assert max(map(len, plan.splitlines())) <= width
    assert plan.endswith("nothing was run")


@pytest.mark.parametrize("width", [60, 80, 200])
def test_lists_fit_the_terminal_and_mark_their_defaults(catalog: Catalog, width: int) -> None:
    text = catalog_text(catalog, "", "x86_64", width)
    assert max(map(len, text.splitlines())) <= width
    assert "x86_64-unknown-linux-gnu (default)" in text
    assert f"cpython-{catalog.python(catalog.default_python)} (default)" in text
    assert "noopt (default)" in text
    assert [name for name, option in OPTIONS.items() if option.meaning not in " ".join(text.split())] == []


def test_a_list_of_one_kind_has_no_other(catalog: Catalog) -> None:
    text = catalog_text(replace(catalog), "options", "x86_64")
    assert text.startswith("options:\n")
    assert "targets:" not in text
