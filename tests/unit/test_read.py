"""Impossible values of flags are refused before anything runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

from pythonbuild.flags import read


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (read.days, "-1"),
        (read.days, "nan"),
        (read.days, "inf"),
        (read.days, "soon"),
        (read.jobs, "0"),
        (read.jobs, "100000"),
        (read.jobs, "1.5"),
        (read.port, "-1"),
        (read.port, "99999"),
        (read.port, "http"),
        (read.processors_of_a_container, "-1"),
        (read.processors_of_a_container, "0"),
        (read.processors_of_a_container, "nan"),
        (read.executor, "foo://x:1"),
        (read.executor, "dask://host"),
        (read.scheduler, "threads"),
        (read.size, "-1G"),
        (read.size, "0"),
        (read.size, "infG"),
        (read.size, "4X"),
    ],
)
def test_a_value_out_of_range_is_refused(reader: Callable[[str], object], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"'{text}' is not (a|the) "):
        reader(text)


def test_values_in_range_are_read() -> None:
    assert [read.executor(text) for text in ("threads", "dask://h:1")] == ["threads", "dask://h:1"]
    assert (read.days("0"), read.jobs("1000"), read.port("0")) == (0.0, 1000, 0)
    assert (read.processors_of_a_container("0.5"), read.size("1.5K"), read.size("7")) == (0.5, 1536, 7)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["build", "--only", ""], "--only"),
        (["build", "--python-source="], "--python-source"),
        (["build", "--sign", " "], "--sign"),
        (["build", "--explain", "", "--plan"], "--explain"),
        (["release", "", "--to", "s3://b"], "argument 2"),
        (["release", "dist", "--to", ""], "--to"),
        (["release", "dist", "--apt="], "--apt"),
        (["build-all", "--from", ""], "--from"),
        (["matrix", "--ci", "--labels", ""], None),
        (["matrix", "--ci", "--labels="], None),
        (["build", "--options", "pgo"], None),
    ],
)
def test_an_empty_value_is_found(words: list[str], named: str) -> None:
    assert read.empty_value(words) == named
