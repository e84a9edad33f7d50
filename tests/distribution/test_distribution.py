"""Tests the archives of a build, and the Python in them."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from pythonbuild.engines.unpack import extract_all
from pythonbuild.home import checkout, home
from tests.distribution.conftest import Built, clean_environment
from tests.required import REQUIRED

SMOKE = checkout() / "pythonbuild" / "validation" / "smoke"


def smoke(interpreter: Path, environment: dict[str, str], *flags: str) -> None:
    """Run the smoke test with an interpreter; it must use the compilers and the display that this machine has."""
    compilers = [name for name in ("gcc", "clang") if shutil.which(name)]
    for name in ("gcc", "clang"):
        assert name in compilers or name not in REQUIRED, f"{name} is required, but not installed"
    wanted = [*flags, "--require-compilers", ",".join(compilers)] if compilers else [*flags]
    if "DISPLAY" in environment:
        wanted.append("--require-display")
    command = [str(interpreter), "-B", str(SMOKE), *wanted]
    done = subprocess.run(
        command, env=clean_environment(**environment), cwd="/", capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]


def test_the_full_archive_passes_the_smoke_test(built: Built, display: dict[str, str]) -> None:
    smoke(built.interpreter, display)


def test_install_only_passes_it_in_a_folder_with_spaces_and_accents(built: Built, display: dict[str, str]) -> None:
    smoke(built.install_only / "python" / "bin" / "python3", display, "--without-static-library")


def test_the_stripped_archive_passes_it(built: Built, display: dict[str, str], tmp_path: Path) -> None:
    (archive,) = built.archives.glob("*install_only_stripped.tar.gz")
    with tarfile.open(archive) as tar:
        extract_all(tar, tmp_path)
    smoke(tmp_path / "python" / "bin" / "python3", display, "--without-static-library")


def test_it_runs_on_a_real_glibc_2_17(built: Built, display: dict[str, str], tmp_path: Path) -> None:
    """Patch a copy of the interpreter to use the loader and libraries in the compiler's sysroot."""
    store = home() / "store"
    record = json.loads((store / "latest" / f"toolchain-gcc_{platform.machine()}-unknown-linux-gnu.json").read_text())
    toolchain = store / "trees" / record["tree"] / "tree"
    (sysroot,) = toolchain.glob("*/sysroot")
    shutil.copytree(built.full / "python" / "install", tmp_path / "py", symlinks=True)
    interpreter = (tmp_path / "py" / "bin" / "python3").resolve()
    loader = next((sysroot / "lib").glob("ld-2.17.so"))
    patch = [str(toolchain / "bin" / "patchelf"), "--set-interpreter", str(loader), "--force-rpath", "--set-rpath"]
    subprocess.run([*patch, f"{sysroot}/lib:{sysroot}/usr/lib:$ORIGIN/../lib", str(interpreter)], check=True)
    said = subprocess.run(
        [str(interpreter), "-c", "import os; print(os.confstr('CS_GNU_LIBC_VERSION'))"],
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    assert said.stdout == "glibc 2.17\n", said.stderr
    # glibc 2.17 aborts when it reads this machine's locales, including C.UTF-8, so use the built-in C.
    smoke(interpreter, {**display, "LANG": "C"})


def test_no_installed_file_contains_the_path_of_the_build(built: Built) -> None:
    word = os.fsencode(home())
    hits = []
    for path in (built.full / "python" / "install").rglob("*"):
        if path.is_file() and not path.is_symlink() and "test" not in path.parts:
            hits += [str(path)] if word in path.read_bytes() else []
    assert not hits


def test_the_metadata_matches_the_interpreter(built: Built) -> None:
    facts = json.loads((built.full / "python" / "PYTHON.json").read_text())
    said = subprocess.run(
        [
            str(built.interpreter),
            "-B",
            "-c",
            "import sys, platform; print(platform.python_version(), sys.implementation.cache_tag)",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert facts["version"] == "8"
    assert [facts["python_version"], facts["python_implementation_cache_tag"]] == said
    assert facts["target_triple"] == "x86_64-unknown-linux-gnu"
    assert facts["build_options"] == built.options
    assert (built.full / "python" / facts["python_exe"]).is_file()
    assert (built.full / "python" / facts["python_stdlib_platform_config"] / "Makefile").is_file()
    for name, path in facts["python_paths"].items():
        assert path.startswith("install"), (name, path)
        assert (built.full / "python" / path).is_dir() or name in ("purelib", "platlib", "scripts", "data"), (
            name,
            path,
        )


def test_each_linked_library_has_its_licence(built: Built) -> None:
    texts = {path.name.split(".")[1] for path in (built.full / "python" / "licenses").iterdir()}
    linked = {
        "bzip2",
        "cpython",
        "dbm",
        "expat",
        "libedit",
        "libffi",
        "mpdecimal",
        "ncurses",
        "openssl",
        "sqlite",
        "uuid",
        "xz",
        "zlib-ng",
    }
    assert linked <= texts
    for path in (built.full / "python" / "licenses").iterdir():
        assert path.stat().st_size > 100, path


def test_the_archive_is_normalized(built: Built) -> None:
    """All members belong to root and have the same time; nothing that a build left behind is among them."""
    (archive,) = built.archives.glob("*install_only.tar.gz")
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
    assert {(member.uid, member.gid, member.uname, member.mtime) for member in members} == {(0, 0, "root", 1704067200)}
    names = [member.name for member in members]
    assert len(names) == len(set(names))
    assert all(name.startswith("python/") for name in names)
    # CPython's own tests are only in the full archive.
    assert not [name for name in names if re.search(r"/__pycache__(/|$)|^python/lib/python3[^/]*/test(/|$)", name)]


@pytest.mark.parametrize("name", ["libpython3.so", "libpython3.{minor}{abi}.so.1.0"])
def test_the_shared_library_for_embedding_exists(built: Built, name: str) -> None:
    version = json.loads((built.full / "python" / "PYTHON.json").read_text())["python_version"]
    file = name.format(minor=version.split(".")[1], abi=built.abi)
    if name == "libpython3.so" and built.abi:
        pytest.skip("the stable ABI's library belongs to the plain build")
    assert (built.install_only / "python" / "lib" / file).exists()
