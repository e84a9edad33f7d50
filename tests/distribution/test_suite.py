"""Runs CPython's whole test suite on the built Python.  It is slow, so it runs only with --suite."""

from __future__ import annotations

import os
from unittest.mock import patch

from pythonbuild.validation.testing import run_archive
from tests.distribution.conftest import CATALOG, Built

_LEAST = 30_000  # at least this many tests pass on any Python


def test_only_expected_tests_of_cpythons_own_suite_fail(built: Built, display: dict[str, str]) -> None:
    with patch.dict(os.environ, display):
        report = run_archive(built.full_archive, CATALOG, stdlib=True)
    assert report.smoke
    assert report.suite
    assert not report.suite.unexpected
    assert report.suite.counts["passed"] > _LEAST
    assert report.suite.counts["failed"] == len(report.suite.expected)
