"""Running programs for another CPU.  Stand-ins: a shell script for the emulator, a text file for the interpreter."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

import pythonbuild.validation.validate  # noqa: F401  (registers the rules)
from pythonbuild.catalog.load import load_catalog
from pythonbuild.catalog.schema import Target
from pythonbuild.errors import MissingPrerequisite
from pythonbuild.home import checkout
from pythonbuild.validation.emulator import make_it_start
from pythonbuild.validation.rule import Case, rules
from pythonbuild.validation.subject import Subject

CATALOG = load_catalog(checkout() / "cpython-unix")
S390X = CATALOG.target("s390x-unknown-linux-gnu")


@pytest.fixture
def interpreter(tmp_path: Path) -> Path:
    """bin/python3 -> bin/python3.13, which no kernel runs."""
    folder = tmp_path / "an odd place" / "bin"
    folder.mkdir(parents=True)
    (folder / "python3.13").write_bytes(b"\x7fELF of another CPU")
    (folder / "python3.13").chmod(0o755)
    (folder / "python3").symlink_to("python3.13")
    return folder / "python3"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with s390x's libc, and an emulator on PATH that tells what it was called with."""
    loader = tmp_path / "root/usr/s390x-linux-gnu/lib/ld64.so.1"
    loader.parent.mkdir(parents=True)
    loader.write_text("")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "qemu-s390x-static").write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    (programs / "qemu-s390x-static").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return tmp_path / "root"


def test_the_emulator_gets_the_libc_the_name_and_the_arguments(interpreter: Path, machine: Path) -> None:
    assert make_it_start(interpreter, S390X, machine)
    link = interpreter.parent / "link"
    link.symlink_to("python3")
    done = subprocess.run([link, "-c", "a  b"], capture_output=True, text=True, check=True)
    real = str(interpreter.parent / "python3.13.emulated")
    expected = ["-L", str(machine / "usr/s390x-linux-gnu"), "-0", str(link), real, "-c", "a  b"]
    assert done.stdout.splitlines() == expected


def test_missing_emulators_are_named_with_their_packages(
    interpreter: Path, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingPrerequisite, match="qemu-s390x is missing") as caught:
        make_it_start(interpreter, S390X, machine)
    assert caught.value.hint == "apt-get install qemu-user-static libc6-s390x-cross"
    assert interpreter.read_bytes().startswith(b"\x7fELF")


def test_packages_of_another_architecture_need_it_to_be_known(interpreter: Path, machine: Path) -> None:
    with pytest.raises(MissingPrerequisite) as caught:
        make_it_start(interpreter, CATALOG.target("aarch64-unknown-linux-musl"), machine)
    wanted = "dpkg --add-architecture arm64 && apt-get update && apt-get install qemu-user-static musl:arm64"
    assert caught.value.hint == wanted


def test_without_its_libc_the_emulator_does_not_help(interpreter: Path, machine: Path) -> None:
    (machine / "usr/s390x-linux-gnu/lib/ld64.so.1").unlink()
    with pytest.raises(MissingPrerequisite, match=r"ld64\.so\.1 is missing"):
        make_it_start(interpreter, S390X, machine)


def test_programs_that_run_without_an_emulator_are_started_directly(interpreter: Path, machine: Path) -> None:
    interpreter.resolve().write_text("#!/bin/sh\nexit 0\n")
    assert not make_it_start(interpreter, S390X, machine)
    assert not (interpreter.parent / "python3.13.emulated").exists()


def test_a_native_interpreter_that_does_not_start_is_for_the_test_to_report(interpreter: Path, machine: Path) -> None:
    native = msgspec.structs.replace(S390X, gnu=f"{platform.machine()}-linux-gnu")
    assert not make_it_start(interpreter, native, machine)
    assert not make_it_start(interpreter, None, machine)


@pytest.mark.parametrize("target", CATALOG.targets.values(), ids=lambda target: target.triple)
def test_every_cross_compiled_target_has_an_emulator(target: Target) -> None:
    if target.toolchains == ("zig",):
        assert target.emulator is not None
        assert target.emulator.packages


@pytest.mark.parametrize(("triple", "found"), [("x86_64-unknown-linux-musl", ["preadv2"]), (S390X.triple, [])])
def test_a_function_that_the_oldest_musl_lacks_is_found(triple: str, found: list[str]) -> None:
    (rule,) = (rule for rule in rules() if rule.name == "elf-gone")
    subject = SimpleNamespace(elf={"bin/python3.13": SimpleNamespace(undefined=frozenset({"preadv2", "read"}))})
    case = Case(cast(Any, subject), CATALOG.target(triple), CATALOG)
    assert list(rule.check(case)) == [("bin/python3.13", f"needs {name}") for name in found]


@pytest.mark.parametrize(
    ("host", "multiarch", "found"),
    [
        ("i686-pc-linux-gnu", "i386-linux-gnu", "i686-linux-gnu"),
        ("s390x-ibm-linux-gnu", "s390x-linux-gnu", "s390x-linux-gnu"),
        ("x86_64-pc-linux-musl", "x86_64-linux-musl", "x86_64-linux-musl"),
        ("", "aarch64-linux-gnu", "aarch64-linux-gnu"),
    ],
)
def test_an_archive_without_metadata_tells_its_target_by_sysconfig(host: str, multiarch: str, found: str) -> None:
    variables = {"HOST_GNU_TYPE": host, "MULTIARCH": multiarch}
    assert Subject.gnu_triple.fget(SimpleNamespace(variables=variables)) == found  # type: ignore[attr-defined]
    assert [target for target in CATALOG.targets.values() if target.gnu == found]


@pytest.mark.parametrize(
    ("machine", "relro", "relocated", "found"),
    [("S390", False, False, 1), ("MIPS", False, False, 0), ("MIPS", False, True, 1), ("MIPS", True, True, 0)],
)
def test_a_mips_library_without_a_stack_note_is_accepted(
    machine: str, relro: bool, relocated: bool, found: int
) -> None:
    (rule,) = (rule for rule in rules() if rule.name == "elf-relro")
    facts = SimpleNamespace(machine=machine, relro=relro, relocated_data=relocated)
    case = Case(cast(Any, SimpleNamespace(elf={"lib/x.so": facts})), S390X, CATALOG)
    assert len(list(rule.check(case))) == found
