"""Runs some of CPython's own tests on the built Python, with the script that its full archive names."""

from __future__ import annotations

from pathlib import Path

from pythonbuild.validation.testing import run_archive
from tests.distribution.conftest import CATALOG, Built

_TESTS = ("test_readline", "test_zlib", "test_bz2", "test_venv")


def test_some_of_cpythons_own_tests_pass(built: Built, tmp_path: Path) -> None:
    junit = tmp_path / "report.xml"
    report = run_archive(built.full_archive, CATALOG, stdlib=True, junit=junit, arguments=_TESTS)
    assert report.smoke
    assert report.suite
    assert not report.suite.unexpected
    assert report.suite.counts["passed"] > 100
    # Only the tests that are expected to fail on this Python may fail.
    assert report.suite.counts["failed"] == len(report.suite.expected)
    text = junit.read_text()
    assert all(f'name="test.{name}' in text for name in _TESTS)
