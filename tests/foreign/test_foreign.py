"""Tests Pythons for other platforms, which are built here and run under qemu-user or musl's loader.

They need Debian's qemu-user-static, each target's libc, and musl; `pythonbuild test` names what is missing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import zstandard

from pythonbuild.binaries.archive import unpack
from pythonbuild.catalog.load import load_catalog
from pythonbuild.home import checkout
from pythonbuild.validation.testing import run_archive
from pythonbuild.validation.validate import validate

CATALOG = load_catalog(checkout() / "cpython-unix")

# Reasons for which smoke tests may be skipped, besides the limits of qemu.
LEFT_OUT = {
    "there is neither gcc nor clang for this platform",
    "only without the GIL",
    "manylinux has nothing for this platform",
    "glibc only",
    "since 3.14",
    "musl 1.2.2, which it has to run with, has no preadv2() and pwritev2()",
    "a static interpreter loads no libraries",
    # These depend on the machine that runs the tests.
    "this system has none",
    "this system has no time zones",
    *([] if "DISPLAY" in os.environ else ["DISPLAY is not set"]),
}
# Where CPython's CPU names differ from the target triple's: in platform tags, and in file names of extension modules.
PLATFORM_CPU = {"armv7": "arm", "ppc64le": "powerpc64le"}
SUFFIX_CPU = {"i686": "i386"}
MUSL = "x86_64-unknown-linux-musl:noopt"
STATIC = f"{MUSL}+static"
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# This program needs only the kernel and the archive, and no system files.
ALONE = """\
import ctypes, decimal, hashlib, importlib, lzma, socket, sqlite3, ssl, subprocess, sys, tkinter, uuid
for name in sys.builtin_module_names:
    importlib.import_module(name)
assert sqlite3.connect(":memory:").execute("select json('[1]'), sqrt(4)").fetchone() == ("[1]", 2)
assert hashlib.sha256(b"abc").hexdigest().startswith("ba7816bf")
assert lzma.decompress(lzma.compress(b"x" * 10000)) == b"x" * 10000
assert ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda value: value + 1)(41) == 42
assert tkinter.Tcl().eval("expr 6 * 7") == "42"
assert ssl.create_default_context().minimum_version
assert subprocess.check_output([sys.executable, "-c", "print(1)"]) == b"1\\n"
print("alone", sys.base_prefix)
"""


def enter(root: Path) -> list[str]:
    """Return the command prefix that confines a command to `root`."""
    return ["chroot", str(root)] if os.getuid() == 0 else ["unshare", "--map-root-user", "chroot", str(root)]


def metadata(archive: Path) -> dict[str, Any]:
    """Read PYTHON.json, the archive's first entry."""
    with (
        open(archive, "rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file) as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        member = tar.next()
        assert member is not None
        content = tar.extractfile(member)
        assert content is not None
        facts: dict[str, Any] = json.load(content)
        return facts


def test_it_breaks_no_rule(full: Path) -> None:
    assert validate(full, CATALOG) == []


def test_it_passes_the_smoke_test(full: Path, capfd: pytest.CaptureFixture[str]) -> None:
    report = run_archive(full, CATALOG)
    printed = capfd.readouterr()
    assert report.good, (printed.out + printed.err)[-8000:]
    skipped = [line for line in printed.err.splitlines() if line.startswith("skipped ")]
    assert skipped
    assert [line for line in skipped if line.partition(": ")[2] not in LEFT_OUT and ": emulated: " not in line] == []


def test_its_metadata_is_that_of_a_native_build(full: Path, foreign: str) -> None:
    facts = metadata(full)
    target = foreign.split(":")[0]
    # Of all levels of x86-64, CPython knows the CPU only.
    arch = CATALOG.target(target).arch
    values = facts["python_config_vars"]
    assert facts["target_triple"] == target
    assert facts["python_platform_tag"] == f"linux-{PLATFORM_CPU.get(arch, arch)}"
    assert facts["python_suffixes"]["extension"][0] == values["EXT_SUFFIX"]
    assert SUFFIX_CPU.get(arch, PLATFORM_CPU.get(arch, arch)) in values["EXT_SUFFIX"]
    assert ("musl" in values["EXT_SUFFIX"]) == ("musl" in target)
    assert "x86_64" not in values["EXT_SUFFIX"] or arch == "x86_64"
    assert values["SIZEOF_VOID_P"] == ("4" if arch in ("armv7", "i686", "mips", "mipsel") else "8")


def test_a_compiled_wheel_works_on_a_system_with_only_musl(archives: dict[str, Path], tmp_path: Path) -> None:
    if MUSL not in archives:
        pytest.skip("no Python for musl was asked for")
    root = tmp_path / "root"
    (archive,) = archives[MUSL].glob("*-x86_64-unknown-linux-musl-*-install_only.tar.gz")
    unpack(archive, root)
    (root / "lib").mkdir()
    loader = Path("/lib/ld-musl-x86_64.so.1")
    assert loader.exists(), "Debian's package musl is missing"
    shutil.copy(loader.resolve(), root / "lib" / loader.name)
    wheels = tmp_path / "wheels"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels)]
    command += ["--only-binary=:all:", "--platform=musllinux_1_2_x86_64", "--platform=musllinux_1_1_x86_64"]
    command += ["--python-version=3.13", "--implementation=cp", "msgpack==1.1.2"]
    subprocess.run(command, check=True)
    (wheel,) = wheels.glob("msgpack-*musllinux*.whl")
    with zipfile.ZipFile(wheel) as content:
        assert any(name.endswith(".so") for name in content.namelist())
    shutil.copy(wheel, root)
    (root / "tmp").mkdir()
    python = [*enter(root), "/python/bin/python3"]
    environment = {"PATH": SYSTEM_PATH}
    subprocess.run([*python, "-m", "pip", "install", "--no-index", f"/{wheel.name}"], check=True, env=environment)
    program = "import msgpack, msgpack._cmsgpack as c; print(c.__file__, msgpack.unpackb(msgpack.packb([1, 'a'])))"
    done = subprocess.run([*python, "-c", program], check=True, env=environment, capture_output=True, text=True)
    assert "musl" in done.stdout
    assert done.stdout.strip().endswith("[1, 'a']")


@pytest.mark.parametrize("flavour", ["install_only", "install_only_stripped"])
def test_a_static_python_runs_on_an_empty_system(archives: dict[str, Path], tmp_path: Path, flavour: str) -> None:
    if STATIC not in archives:
        pytest.skip("no static Python was asked for")
    (archive,) = archives[STATIC].glob(f"*-x86_64-unknown-linux-musl-noopt+static-*-{flavour}.tar.gz")
    unpack(archive, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["python"]
    command = [*enter(tmp_path), "/python/bin/python3", "-B", "-c", ALONE]
    done = subprocess.run(command, env={"PATH": SYSTEM_PATH}, capture_output=True, text=True)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "alone /python\n")
