"""CPython's own test suite, whole, on the built Python.  It takes long, so it runs only when --suite asks for it."""

from __future__ import annotations

import os
from unittest.mock import patch

from pythonbuild.validation.testing import run_archive
from tests.distribution.conftest import CATALOG, Built

_LEAST = 30_000  # tests that pass on any Python at the very least


def test_cpythons_own_suite_fails_only_where_it_is_expected_to(built: Built, display: dict[str, str]) -> None:
    with patch.dict(os.environ, display):
        report = run_archive(built.full_archive, CATALOG, stdlib=True)
    assert report.smoke
    assert report.suite
    assert not report.suite.unexpected
    assert report.suite.counts["passed"] > _LEAST
    assert report.suite.counts["failed"] == len(report.suite.expected)
