"""The training programs for profiles run on the oldest supported Python."""

from __future__ import annotations

import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pythonbuild.catalog.load import load_catalog

TRAINING = Path(__file__).parents[2] / "cpython-unix" / "packages" / "cpython" / "files" / "training"

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="the programs are written for 3.11 and newer")


def workloads() -> list[Callable[[], object]]:
    """Return the programs; none where they could not even be parsed."""
    if sys.version_info < (3, 11):
        return []
    return list(runpy.run_path(str(TRAINING), run_name="training")["WORKLOADS"])


@pytest.mark.parametrize("workload", workloads(), ids=lambda workload: getattr(workload, "__name__", "queens"))
def test_each_program_ends_and_finds_something(workload: Callable[[], object]) -> None:
    assert workload()


def test_bytecode_that_running_them_leaves_is_not_a_part_of_the_recipe(tmp_path: Path) -> None:
    copy = tmp_path / "cpython-unix"
    shutil.copytree(TRAINING.parents[3], copy)
    shutil.copytree(TRAINING.parents[4] / "docker", tmp_path / "docker")
    before = load_catalog(copy).recipe("cpython").files
    cache = copy / TRAINING.relative_to(TRAINING.parents[3]) / "__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "prose.cpython-311.pyc").write_bytes(b"")
    assert load_catalog(copy).recipe("cpython").files == before
    assert "training/prose.py" in before
