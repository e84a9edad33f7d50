"""The programs that profiles are trained with run on the oldest Python that is built."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "cpython-unix" / "packages" / "cpython" / "files" / "training.py"

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="the programs are written for 3.11 and newer")


def workloads() -> list[Callable[[], object]]:
    """Return the programs; none where they could not even be parsed."""
    if sys.version_info < (3, 11):
        return []
    specification = importlib.util.spec_from_file_location("training", SCRIPT)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules["training"] = module  # dataclasses look there
    specification.loader.exec_module(module)
    return list(module.WORKLOADS)


@pytest.mark.parametrize("workload", workloads(), ids=lambda workload: getattr(workload, "__name__", "queens"))
def test_each_program_ends_and_finds_something(workload: Callable[[], object]) -> None:
    assert workload()
