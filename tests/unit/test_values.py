"""Values of flags that make no sense are refused before anything is done."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

from pythonbuild.cli import values
from pythonbuild.cli.options import parser


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (values.days, "-1"),
        (values.days, "nan"),
        (values.days, "inf"),
        (values.days, "soon"),
        (values.jobs, "0"),
        (values.jobs, "100000"),
        (values.jobs, "1.5"),
        (values.port, "-1"),
        (values.port, "99999"),
        (values.port, "http"),
        (values.processors_of_a_container, "-1"),
        (values.processors_of_a_container, "0"),
        (values.processors_of_a_container, "nan"),
        (values.size, "-1G"),
        (values.size, "0"),
        (values.size, "infG"),
        (values.size, "4X"),
    ],
)
def test_a_value_out_of_range_is_refused(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"'{text}' is not a"):
        read(text)


def test_values_in_range_are_read() -> None:
    assert (values.days("0"), values.jobs("1000"), values.port("0")) == (0.0, 1000, 0)
    assert (values.processors_of_a_container("0.5"), values.size("1.5K"), values.size("7")) == (0.5, 1536, 7)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["build", "--only", ""], "--only"),
        (["build", "--python-source="], "--python-source"),
        (["build", "--sign", " "], "--sign"),
        (["build", "--explain", "", "--plan"], "--explain"),
        (["release", "", "--to", "s3://b"], "argument 2"),
        (["matrix", "--ci", "--labels", ""], None),
        (["matrix", "--ci", "--labels="], None),
        (["build", "--options", "pgo"], None),
    ],
)
def test_an_empty_value_is_found(words: list[str], named: str) -> None:
    assert values.empty_value(words) == named


def test_a_wrong_flag_is_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser("build-linux.py").parse_args(["build", "--typo"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "build-linux.py: unrecognized arguments: --typo\n  build-linux.py --help lists the flags\n"
    )
