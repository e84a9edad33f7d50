"""Runs the verbs that take archives as commands, and checks their output and exit status."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pythonbuild.home import checkout
from tests.distribution.conftest import Built

ONE_BUILD = True


def verb(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pythonbuild", *words]
    return subprocess.run(command, cwd=checkout(), capture_output=True, text=True)


@pytest.fixture
def full(built: Built) -> str:
    return str(built.full_archive)


@pytest.fixture
def install_only(built: Built) -> str:
    (path,) = built.archives.glob("*-install_only.tar.gz")
    return str(path)


def test_inspect_describes_archives(built: Built, full: str, install_only: str) -> None:
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


def test_diff_finds_only_real_differences(install_only: str) -> None:
    same = verb("diff", install_only, install_only)
    assert (same.returncode, same.stdout) == (0, "no differences\n")
    stripped = install_only.replace("install_only", "install_only_stripped")
    done = verb("diff", install_only, stripped)
    assert done.returncode == 1
    assert all(line.startswith("~ ") and "size" in line for line in done.stdout.splitlines()[:-1]), done.stdout
    assert "bin/python3" in done.stdout


def test_validate_finds_nothing_in_our_archives(built: Built, full: str) -> None:
    archives = sorted(map(str, built.archives.glob("*.tar.*")))
    done = verb("validate", "--json", *archives)
    assert (json.loads(done.stdout), done.returncode) == ([], 0)
    assert re.search(r": no findings, \d+ rules\n$", verb("validate", full).stdout)


def test_test_runs_the_smoke_test_and_cpythons_own_tests(full: str, tmp_path: Path) -> None:
    junit = tmp_path / "report.xml"
    done = verb("test", full, "--stdlib", "--junit", str(junit), "--regrtest", "test_zlib")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert re.search(r"\d+ passed, \d+ failed", done.stdout), done.stdout[-3000:]
    assert 'name="test.test_zlib' in junit.read_text()


def test_cpythons_own_tests_are_only_in_full_archives(install_only: str) -> None:
    done = verb("test", install_only, "--stdlib")
    assert done.returncode == 2
    assert "--stdlib needs a full archive" in done.stderr


def test_a_build_for_programs_names_its_files_with_size_and_sha256(built: Built, tmp_path: Path) -> None:
    command = [sys.executable, str(checkout() / "build-linux.py"), "--python", built.python, "--options", built.options]
    done = subprocess.run([*command, "--json", "--output", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (event,) = [found for found in map(json.loads, done.stdout.splitlines()) if found["event"] == "Delivered"]
    files = {Path(file["path"]).name: (file["size"], file["sha256"]) for file in event["files"]}
    assert files == {
        path.name: (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()) for path in tmp_path.iterdir()
    }
    assert len(files) == 5


@pytest.mark.parametrize("size", [0, 3, 1000, 1_000_000])
@pytest.mark.parametrize("name", ["validate", "convert"])
def test_a_truncated_archive_gives_one_clear_error(name: str, size: int, full: str, tmp_path: Path) -> None:
    short = tmp_path / Path(full).name
    with open(full, "rb") as source, open(short, "wb") as target:
        target.write(source.read(size))
    done = verb(name, str(short))
    assert done.returncode == 2
    assert short.name in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [short.name]
