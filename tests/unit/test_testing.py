"""Results of CPython's own suite, compared with expected failures."""

from __future__ import annotations

from pathlib import Path

import pytest

from pythonbuild.catalog.schema import ExpectedFailure
from pythonbuild.validation.testing import Outcome, environment, failed_files, failed_subtests, read_junit, suite_report

PRINTED = """
2 tests failed again:
    test_a test_b

== Tests result: FAILURE then FAILURE ==

25 tests skipped:
    test_x

3 tests failed:
    test_a test_b
    test.test_asyncio.test_c

443 tests OK.
""".splitlines()
JUNIT = """<testsuites><testsuite>
<testcase name="test.test_a.T.test_one" status="run" result="completed"><failure>Traceback
OSError: no</failure></testcase>
<testcase name="test.test_a.T.test_two" status="run" result="completed"/>
<testcase name="test.test_d.T.test_flaky"><error>x</error></testcase>
<testcase name="test.test_d.T.test_flaky" result="completed"/>
<testcase name="test.test_d.T.test_other" status="run" result="skipped"><skipped/></testcase>
</testsuite></testsuites>"""


def test_the_files_that_failed_are_those_of_the_last_summary() -> None:
    assert failed_files(PRINTED) == ["test_a", "test_b", "test.test_asyncio.test_c"]
    assert failed_files(["All 3 tests OK."]) == []


def test_a_failed_subtest_is_named_from_the_output() -> None:
    printed = [
        "FAIL: test_flaky (test.test_e.T.test_flaky) (source='x')",
        "Re-running test_tkinter in verbose mode (matching: test_named)",
        "FAIL: test_named (test.test_tkinter.test_font.FontTest.test_named) (source='my named font')",
        "FAIL: test_whole (test.test_tkinter.test_font.FontTest.test_whole)",
    ]
    (found,) = failed_subtests(printed)
    assert (found.name, found.result) == ("test.test_tkinter.test_font.FontTest.test_named", "failed")
    known = (ExpectedFailure(test=found.name, reason="no bold font"),)
    assert not suite_report([found], ["test_tkinter"], known).unexpected
    assert suite_report([found], ["test_tkinter"], ()).unexpected == (found,)


def test_a_test_that_passed_when_run_again_has_passed(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text(JUNIT)
    found = {outcome.name.rsplit(".", 1)[1]: outcome for outcome in read_junit(tmp_path / "junit.xml")}
    assert {name: outcome.result for name, outcome in found.items()} == {
        "test_one": "failed",
        "test_two": "passed",
        "test_flaky": "passed",
        "test_other": "skipped",
    }
    assert found["test_one"].detail == "OSError: no"


def test_an_expected_failure_is_accepted_and_a_crash_never() -> None:
    outcomes = [Outcome("test.test_a.T.test_one", "failed"), Outcome("test.test_a.T.test_two", "passed")]
    known = (ExpectedFailure(test="test.test_a.T.test_one", reason="no device"),)
    report = suite_report(outcomes, ["test_a"], known)
    assert not report.unexpected
    assert report.expected[0][1] == "no device"
    assert report.counts == {"passed": 1, "failed": 1, "skipped": 0}
    assert [found.name for found in suite_report(outcomes, ["test_a"], ()).unexpected] == ["test.test_a.T.test_one"]
    assert [found.name for found in suite_report(outcomes, ["test_a", "test_b"], known).unexpected] == ["test_b"]


def test_a_display_and_the_right_to_use_it_are_handed_on_and_pythons_settings_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("DISPLAY", "XAUTHORITY", "PYTHONPATH", "SSL_CERT_FILE", "LD_LIBRARY_PATH"):
        monkeypatch.setenv(name, "x")
    assert {"DISPLAY", "XAUTHORITY"} == {name for name, value in environment().items() if value == "x"}
