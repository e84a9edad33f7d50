"""LLVM on this machine: the chosen installation, and the programs that builds require."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pythonbuild.catalog.load import load_catalog
from pythonbuild.cli import doctor
from pythonbuild.cli.main import main
from pythonbuild.errors import MissingPrerequisite
from pythonbuild.home import checkout
from pythonbuild.host import llvm
from pythonbuild.host.toolchains import Llvm
from pythonbuild.model.target import building_machine
from pythonbuild.program import Program

BASE = ("clang", "clang++", "ld.lld", "ld64.lld", "llvm-ar", "llvm-profdata")
BOLT = ("llvm-bolt", "merge-fdata")
PROGRAM = Program.named("pythonbuild")
ROWS = load_catalog(checkout() / "cpython-unix").toolchains

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """A function that installs an LLVM with some programs; this machine's own LLVM is hidden, and so is its daemon."""
    folders: list[Path] = []
    monkeypatch.setattr(llvm, "_folders", lambda: folders)
    monkeypatch.setattr(doctor, "_in_containers", list)
    monkeypatch.setenv("PYTHONBUILD_HOME", str(tmp_path / "cache"))

    def add(version: str, *programs: str) -> Path:
        folder = tmp_path / version
        folder.mkdir()
        for name in programs:
            (folder / name).write_text(f"#!/bin/sh\necho 'clang version {version}'\n")
            (folder / name).chmod(0o755)
        folders.append(folder)
        return folder

    return add


def test_the_newest_of_the_most_complete_is_taken(install: Install) -> None:
    assert llvm.find_llvm(ROWS.values()) is None
    install("14.0.6", *BASE, *BOLT)
    install("99.0.0", "llvm-ar")
    assert llvm.find_llvm(ROWS.values()) is None, "one is too old, the other has no clang"
    expected = [
        install("19.1.0", "clang"),
        install("21.1.0", *BASE),
        install("20.1.0", *BASE, *BOLT),
        install("22.1.8", *BASE, *BOLT),
    ]
    install("23.0.0", *BASE)
    found = llvm.find_llvm(ROWS.values())
    assert found == Llvm(expected[-1], "clang version 22.1.8")


def test_every_program_that_a_toolchain_calls_has_a_package(install: Install) -> None:
    install("22.1.8", "clang")
    found = llvm.find_llvm(ROWS.values())
    assert found
    assert found.lacks == set(llvm.LLVM_PACKAGES) - {"clang"}
    assert llvm.install_command(found, found.lacks) == "apt-get install bolt-22 clang-22 lld-22 llvm-22"


def plan(*words: str) -> int:
    return main(["plan", "--engine", "host", *words], PROGRAM)


@pytest.mark.skipif(building_machine() != "x86_64", reason="BOLT is for x86-64")
def test_only_builds_that_use_bolt_ask_for_it(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install("22.1.8", *BASE)
    assert main(["doctor"], PROGRAM) == 0
    printed = capsys.readouterr().out
    assert "macOS: ready\n" in printed
    assert "\nlto with this machine's LLVM: ready\n" in printed
    assert "lacks llvm-bolt, merge-fdata\n    apt-get install bolt-22" in printed
    assert plan("--target", "aarch64-apple-darwin") == 0
    assert plan("--options", "lto") == 0
    capsys.readouterr()
    for words in (["--options", "pgo+lto"], ["--options", "pgo", "--target", "aarch64-apple-darwin"]):
        assert plan(*words) == MissingPrerequisite.exit_status
        message = capsys.readouterr().err
        assert "requires llvm-bolt, merge-fdata, which the LLVM in" in message
        assert "apt-get install bolt-22\n" in message


def test_a_build_for_macos_asks_for_its_linker(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install("22.1.8", *(name for name in BASE if name != "ld64.lld"), *BOLT)
    main(["doctor"], PROGRAM)
    assert "macOS: not ready\n- the LLVM in" in capsys.readouterr().out
    assert plan("--options", "pgo+lto") == 0
    assert plan("--target", "aarch64-apple-darwin") == MissingPrerequisite.exit_status
    assert "requires ld64.lld, which the LLVM in" in capsys.readouterr().err


def test_without_llvm_all_that_a_build_calls_is_named(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan("--target", "aarch64-apple-darwin") == MissingPrerequisite.exit_status
    message = capsys.readouterr().err
    assert "requires clang, clang++, ld64.lld, llvm-ar of one version, 19 or newer, on this machine" in message
    main(["doctor"], PROGRAM)
    assert "no LLVM 19 or newer was found; builds call its clang, " in capsys.readouterr().out
