"""Tests Pythons for macOS without a Mac: judges each file, and checks that Python exports all that real wheels call."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import lief
import pytest

from pythonbuild.binaries.archive import members
from pythonbuild.binaries.macho import macho_facts
from pythonbuild.catalog.load import load_catalog
from pythonbuild.errors import MissingPrerequisite
from pythonbuild.home import checkout
from pythonbuild.validation.subject import Subject, read_subject
from pythonbuild.validation.testing import run_archive
from pythonbuild.validation.validate import judge

CATALOG = load_catalog(checkout() / "cpython-unix")
# Wheels for macOS that their authors built with python.org's Python; not all are published for free-threaded Pythons.
WHEELS = ("numpy==2.3.5", "msgpack==1.1.2", "cffi==2.0.0")
FREETHREADED_WHEELS = ("numpy==2.3.5", "markupsafe==3.0.3")


@pytest.fixture(scope="session")
def subject(full: Path) -> Subject:
    return read_subject(full)


@pytest.fixture(scope="session")
def facts(subject: Subject) -> dict[str, Any]:
    """The content of PYTHON.json."""
    assert subject.facts is not None
    return subject.facts


@pytest.fixture(scope="session")
def tag(facts: dict[str, Any]) -> str:
    """The version and ABI flags in names of files, without a dot, e.g. 313t."""
    flags = ("t" if "freethreaded" in facts["build_options"] else "") + (
        "d" if "debug" in facts["build_options"] else ""
    )
    return "".join(facts["python_version"].split(".")[:2]) + flags


@pytest.fixture(scope="session")
def program(subject: Subject) -> str:
    """The interpreter's name in the archive."""
    assert subject.facts is not None
    return f"python/{subject.facts['python_exe']}"


def test_the_full_archive_breaks_no_rule(subject: Subject) -> None:
    assert judge(subject, CATALOG) == []


def test_the_smaller_archives_break_no_rule(built: Path, triple: str) -> None:
    archives = sorted(built.glob(f"*-{triple}-*install_only*.tar.gz"))
    assert len(archives) == 2
    for path in archives:
        assert judge(read_subject(path), CATALOG) == []


def test_every_file_is_for_the_targets_cpu_and_macos_version(subject: Subject, triple: str) -> None:
    target = CATALOG.target(triple)
    oldest = tuple(map(int, f"{target.macos}.0".split(".")))
    assert len(subject.macho) > 10
    assert not subject.elf
    for name, facts in subject.macho.items():
        assert facts.cpus == ({"aarch64": "ARM64", "x86_64": "X86_64"}[target.arch],), name
        assert facts.oldest == oldest, name
        assert facts.sdk is not None, name
        assert facts.sdk >= oldest, name


def test_the_interpreter_links_only_to_system_libraries(subject: Subject, program: str) -> None:
    facts = subject.macho[program]
    assert facts.kind == "EXECUTE"
    assert {name.rsplit("/", 1)[-1] for name in facts.needed} == {"libSystem.B.dylib", "CoreFoundation"}
    assert facts.rpath == ("@loader_path/../lib",)


def test_it_has_the_module_that_urllib_needs_on_macos(subject: Subject) -> None:
    """On macOS, urllib.request and therefore pip cannot be imported without _scproxy."""
    assert subject.facts is not None
    (proxies,) = subject.facts["build_info"]["extensions"]["_scproxy"]
    names = {str(link["name"]) for link in proxies["links"] if link.get("framework")}
    assert names == {"SystemConfiguration", "CoreFoundation"}
    assert "_tkinter" not in subject.facts["build_info"]["extensions"]


def test_its_metadata_is_that_of_a_build_on_a_mac(facts: dict[str, Any], tag: str, triple: str) -> None:
    values = facts["python_config_vars"]
    target = CATALOG.target(triple)
    assert values["MACOSX_DEPLOYMENT_TARGET"] == target.macos
    assert values["EXT_SUFFIX"] == f".cpython-{tag}-darwin.so"
    assert values["LDSHARED"].startswith("cc -bundle -undefined dynamic_lookup")
    assert facts["crt_features"] == ["libSystem"]
    assert facts["build_info"]["core"]["shared_lib"].endswith(".dylib")
    assert facts["apple_sdk_platform"] == "macosx"


def test_uv_installs_it(built: Path, facts: dict[str, Any], triple: str, tmp_path: Path) -> None:
    """uv unpacks it and patches its files as on a Mac, except those for which it would call programs of macOS."""
    archives = map(str, sorted(built.glob(f"*-{triple}-*.tar.*")))
    command = [sys.executable, "-m", "pythonbuild", "index", *archives]
    index = tmp_path / "index.json"
    index.write_text(subprocess.run(command, cwd=checkout(), capture_output=True, text=True, check=True).stdout)
    environment = {
        **os.environ,
        "UV_PYTHON_DOWNLOADS_JSON_URL": index.as_uri(),
        "UV_PYTHON_INSTALL_DIR": str(tmp_path / "pythons"),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_NO_CONFIG": "1",
    }
    variants = [f"+{option}" for option in ("freethreaded", "debug") if option in facts["build_options"]]
    name = f"cpython-{facts['python_version']}{''.join(variants)}-macos-{triple.split('-')[0]}-none"
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "python", "install", "--no-bin", name], env=environment, check=True)
    assert (tmp_path / "pythons" / name / "bin" / Path(facts["python_exe"]).name).is_file()


def test_convert_makes_the_same_archives(built: Path, full: Path, triple: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pythonbuild", "convert", str(full), "--output", str(tmp_path)]
    subprocess.run(command, cwd=checkout(), capture_output=True, check=True)
    made = sorted(tmp_path.iterdir())
    assert len(made) == 2
    for path in made:
        assert path.read_bytes() == (built / path.name).read_bytes(), path.name


def test_running_it_and_extracting_debug_symbols_are_refused(full: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingPrerequisite):
        run_archive(full, CATALOG)
    command = [sys.executable, "-m", "pythonbuild", "convert", str(full), "--formats", "debug_symbols"]
    done = subprocess.run([*command, "--output", str(tmp_path)], cwd=checkout(), capture_output=True, text=True)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def undefined(content: bytes) -> set[str]:
    """Return the names from CPython's C API that a Mach-O file imports."""
    file = lief.MachO.parse(io.BytesIO(content))
    binary = file.at(0) if file is not None else None
    assert binary is not None
    names = {str(symbol.name).removeprefix("_") for symbol in binary.imported_symbols}
    return {name for name in names if name.startswith(("Py", "_Py"))}


def test_python_exports_all_functions_that_wheels_call(
    subject: Subject, program: str, tag: str, triple: str, tmp_path: Path
) -> None:
    cpu = {"aarch64": "arm64"}.get(triple.split("-")[0], "x86_64")
    platforms = [f"--platform=macosx_{version}_{cpu}" for version in ("11_0", "10_15", "10_14", "10_13", "10_9")]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(tmp_path)]
    # A debug build loads the wheels of the plain one.
    command += ["--only-binary=:all:", f"--python-version={tag.rstrip('td')}", f"--abi=cp{tag.rstrip('d')}", *platforms]
    subprocess.run([*command, "--implementation=cp", *(FREETHREADED_WHEELS if "t" in tag else WHEELS)], check=True)
    exported = subject.macho[program].exported
    called: set[str] = set()
    for wheel in tmp_path.glob("*.whl"):
        with zipfile.ZipFile(wheel) as content:
            called.update(*(undefined(content.read(name)) for name in content.namelist() if name.endswith(".so")))
    assert len(called) > 300
    assert called - exported == set()
    (library,) = (facts for name, facts in subject.macho.items() if name.endswith(".dylib"))
    assert called - library.exported == set()


# Macros that configure defines on a Mac.  It silently omits one if it does not find the header or function here.
ON_A_MAC = """
HAVE_BROKEN_SEM_GETVALUE HAVE_BUILTIN_ATOMIC HAVE_CHFLAGS HAVE_COMPUTED_GOTOS HAVE_DEV_PTMX HAVE_DIRENT_D_TYPE
HAVE_DYLD_SHARED_CACHE_CONTAINS_PATH HAVE_DYNAMIC_LOADING HAVE_FORKPTY HAVE_GETENTROPY HAVE_KQUEUE HAVE_LCHFLAGS HAVE_LIBDL
HAVE_LOGIN_TTY HAVE_NDBM_H HAVE_NET_ETHERNET_H HAVE_OPENPTY HAVE_POSIX_SPAWN HAVE_PREADV HAVE_PWRITEV HAVE_SENDFILE HAVE_SHM_OPEN
HAVE_SOCKADDR_SA_LEN HAVE_STAT_TV_NSEC2 HAVE_STRUCT_STAT_ST_BIRTHTIME HAVE_SYS_EVENT_H HAVE_SYS_KERN_CONTROL_H HAVE_SYS_SYS_DOMAIN_H
HAVE_UUID_UUID_H HAVE_WORKING_TZSET PTHREAD_SYSTEM_SCHED_SUPPORTED PY_COERCE_C_LOCALE WITH_DYLD _DARWIN_C_SOURCE
""".split()
NOT_ON_A_MAC = """
HAVE_ACCEPT4 HAVE_CLOCK_NANOSLEEP HAVE_DUP3 HAVE_EPOLL HAVE_FDATASYNC HAVE_GETRANDOM HAVE_MEMRCHR HAVE_PIPE2 HAVE_POSIX_FALLOCATE
HAVE_PREADV2 HAVE_SEM_TIMEDWAIT HAVE_SIGTIMEDWAIT POSIX_SEMAPHORES_NOT_ENABLED _POSIX_C_SOURCE _XOPEN_SOURCE
""".split()


def test_configure_defines_the_same_macros_as_on_a_mac(full: Path) -> None:
    (text,) = (member.data.decode() for member in members(full) if member.info.name.endswith("/pyconfig.h"))
    defined = set(re.findall(r"^# *define (\w+)", text, re.MULTILINE))
    # Older versions of CPython do not look for all of them.
    known = defined | set(re.findall(r"^/\* *# *undef (\w+)", text, re.MULTILINE))
    assert len(known & set(ON_A_MAC)) > 25
    assert set(ON_A_MAC) & known - defined == set()
    assert set(NOT_ON_A_MAC) & defined == set()
    assert "#define THREAD_STACK_SIZE 0x1000000\n" in text


def test_a_wrong_signature_is_detected(full: Path, tag: str, triple: str) -> None:
    if not triple.startswith("aarch64-"):
        pytest.skip("binaries for Intel need not be signed")
    (data,) = (member.data for member in members(full) if member.info.name.endswith(f"/lib/libpython3.{tag[1:]}.dylib"))
    changed = bytearray(data)
    changed[len(data) // 2] ^= 1
    # A signature that claims to have the largest possible number of parts.
    head = data.rfind(b"\xfa\xde\x0c\xc0")
    nonsense = data[: head + 8] + b"\xff" * (len(data) - head - 8)
    found = [macho_facts(bytes(content)) for content in (data, changed, nonsense)]
    assert [facts.signature for facts in found if facts] == ["right", "wrong", "wrong"]
