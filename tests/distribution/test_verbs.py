"""The verbs that show, compare and run archives."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pythonbuild.home import checkout
from tests.distribution.conftest import Built


def verb(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pythonbuild", *words]
    return subprocess.run(command, cwd=checkout(), capture_output=True, text=True)


@pytest.fixture
def full(built: Built) -> str:
    (path,) = (path for path in built.archives.glob("*.tar.zst"))
    return str(path)


@pytest.fixture
def install_only(built: Built) -> str:
    (path,) = built.archives.glob("*-install_only.tar.gz")
    return str(path)


def test_inspect_tells_what_is_in_archives(built: Built, full: str, install_only: str) -> None:
    done = verb("inspect", "--json", full, install_only)
    whole, only = json.loads(done.stdout)
    assert (whole["flavour"], whole["options"], whole["target"]) == ("full", built.options, "x86_64-unknown-linux-gnu")
    assert whole["python"].startswith("3.")
    assert {"_ssl", "zlib"} <= set(whole["builtin_modules"])
    assert "_tkinter" in whole["shared_modules"]
    assert sum(whole["sizes"].values()) > sum(only["sizes"].values()) > 50_000_000
    assert only["flavour"] == "install_only"
    text = verb("inspect", full).stdout
    assert "interpreter" in text
    assert "needs glibc 2.17" in text


def test_diff_finds_what_differs_and_nothing_else(full: str, install_only: str, built: Built) -> None:
    same = verb("diff", install_only, install_only)
    assert (same.returncode, same.stdout) == (0, "no differences\n")
    stripped = install_only.replace("install_only", "install_only_stripped")
    done = verb("diff", install_only, stripped)
    assert done.returncode == 1
    assert all(line.startswith("~ ") and "size" in line for line in done.stdout.splitlines()[:-1]), done.stdout
    assert "bin/python3" in done.stdout


def test_test_runs_the_smoke_test_and_cpythons_own(full: str, tmp_path: Path) -> None:
    junit = tmp_path / "report.xml"
    words = ["--stdlib", "--junit", str(junit), "--regrtest", "test_readline", "test_zlib", "test_bz2", "test_venv"]
    done = verb("test", full, *words)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    # What failed is what was expected to, for this Python.
    counted = re.search(r"\d+ passed, (\d+) failed", done.stdout)
    assert counted, done.stdout[-3000:]
    assert int(counted[1]) == done.stdout.count("\n  expected: ")
    assert 'name="test.test_zlib' in junit.read_text()


def test_cpythons_own_tests_are_only_in_full_archives(install_only: str) -> None:
    done = verb("test", install_only, "--stdlib")
    assert done.returncode == 2
    assert "--stdlib needs a full archive" in done.stderr
