"""Runs `validate` on real archives: it finds nothing in ours, and every rule finds the defect planted for it."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from pythonbuild.binaries.archive import members
from pythonbuild.binaries.elf import ElfFacts
from pythonbuild.binaries.macho import MachOFacts
from pythonbuild.engines.unpack import extract_all
from pythonbuild.home import checkout
from pythonbuild.validation.rule import Finding, rules
from pythonbuild.validation.subject import Subject, read_subject
from pythonbuild.validation.validate import judge, validate
from tests.distribution.conftest import CATALOG, Built

# Reading an archive takes longer than judging it, so one worker runs all of these tests.
VALIDATE = pytest.mark.xdist_group("validate")

# Linker flags for a library without defects; then, for each rule, the source and the extra flags of a library that breaks it.
GOOD = ["-Wl,--build-id=sha1", "-Wl,-z,now", "-Wl,-z,relro", "-nostdlib"]
LIBRARIES: dict[str, tuple[str, list[str]]] = {
    "elf-libraries": ("", ["-L.", "-l:libother.so.9"]),
    "elf-glibc": ('__asm__(".symver f, f@GLIBC_2.99"); void f(void); void g(void) { f(); }', ["-L.", "-l:libnew.so"]),
    "elf-rpath": ("", ["-Wl,-rpath,/opt/lib"]),
    "elf-private": ("void SSL_read(void) {}", []),
    "elf-gone": ("int pthread_yield(void); int g(void) { return pthread_yield(); }", []),
    "elf-stack": ("", ["-Wl,-z,execstack"]),
    "elf-relro": ("", ["-Wl,-z,norelro"]),
    "elf-now": ("void f(void); void g(void) { f(); }", ["-Wl,-z,lazy"]),
    "elf-wx": ("int data = 1; int g(void) { return data; }", ["-Wl,-N"]),
    "elf-textrel": ('__asm__(".text\\n.quad f\\n"); void f(void);', ["-Wl,-z,notext"]),
    "elf-build-id": ("", ["-Wl,--build-id=none"]),
    "elf-kernel": (
        '__asm__(".section .note.ABI-tag,\\"a\\",@note\\n.long 4,16,1\\n.asciz \\"GNU\\"\\n.long 0,6,1,0\\n.text\\n");',
        [],
    ),
}


def compiled(folder: Path) -> dict[str, bytes]:
    """Return {rule: library that breaks it}, compiled with this machine's gcc."""
    (folder / "version").write_text("GLIBC_2.99 { f; };")
    for name, source, flags in (
        ("libother.so.9", "void other(void) {}", []),
        ("libnew.so", "void f(void) {}", ["-Wl,--version-script=version", "-Wl,-soname,libc.so.6"]),
    ):
        (folder / "part.c").write_text(source)
        soname = [] if "soname" in "".join(flags) else [f"-Wl,-soname,{name}"]
        run = ["gcc", "-shared", "-fPIC", "-nostdlib", "part.c", *flags, *soname, "-o", name]
        subprocess.run(run, cwd=folder, check=True)
    found = {}
    for rule, (source, flags) in LIBRARIES.items():
        (folder / "bad.c").write_text(source + "\nint unused_symbol_of_this_file;\n")
        command = ["gcc", "-shared", "-fPIC", "bad.c", *GOOD, "-Wl,--no-as-needed", *flags, "-o", "bad.so"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{rule}: {done.stderr}"
        found[rule] = (folder / "bad.so").read_bytes()
    found["elf-machine"] = found["elf-private"][:18] + b"\xb7\x00" + found["elf-private"][20:]  # EM_AARCH64
    found["elf-readable"] = b"\x7fELF" + b"\xff" * 60
    return found


@pytest.fixture(scope="module")
def subject(built: Built) -> Subject:
    return read_subject(built.full_archive)


@pytest.fixture(scope="module")
def planted(built: Built, tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    """The findings in a copy of the archive with one planted defect for each rule about its files."""
    if not built.python.startswith("cpython-3.13") or built.options != "noopt":
        pytest.skip("the planted defects fit only the default build")
    folder = tmp_path_factory.mktemp("planted")
    target = folder / built.full_archive.name
    compressor = zstandard.ZstdCompressor(level=1)
    with (
        open(target, "wb") as file,
        compressor.stream_writer(file) as stream,
        tarfile.open(fileobj=stream, mode="w|") as tar,
    ):
        add(tar, "python/first-of-all", b"")
        for member in members(built.full_archive):
            content, name = spoiled(member.name, member.data), member.name
            if content is None:
                continue
            info = copy.copy(member.info)
            if name.endswith("/bin/python3"):
                info.linkname = "nowhere"
            info.size = len(content) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(content) if info.isreg() else None)
        for rule, content in compiled(folder).items():
            add(tar, f"python/install/lib/{rule}.so", content)
        add_oddities(tar)
    return judge(read_subject(target), CATALOG)


def spoiled(name: str, data: bytes) -> bytes | None:
    """Return a file's content with its planted defects; None to leave the file out."""
    if "/_sysconfigdata_" in name:
        data = data.replace(b"'CC': 'cc", b"'CC': 'clang").replace(b"'CFLAGS': '", b"'CFLAGS': '-isysroot /sdk ")
        return data.replace(b"base_prefix", b"prefix")
    if name.endswith("/python-3.13.pc"):
        return data.replace(b"${pcfiledir}/../..", b"/install")
    if name.endswith("/libpython3.13.so.1.0"):
        return None
    if name.endswith("LICENSE.openssl.LICENSE.txt"):
        return b""
    return data


def add_oddities(tar: tarfile.TarFile) -> None:
    add(tar, "python/../../etc/passwd", b"x")
    add(tar, "elsewhere/file", b"x")
    add(tar, "python/install/lib/twice", b"x")
    add(tar, "python/install/lib/twice", b"y")
    add(tar, "python/install/lib/mine", b"x", uid=1000)
    add(tar, "python/install/bin/tool", b"#!/install/bin/python3\n", mode=0o755)
    add(tar, "python/install/lib/leak", b"\0/root/.cache/pythonbuild/roots/x\0")
    add(tar, "python/install/lib/config.h.orig", b"x")
    add(tar, "python/install/lib/debug/.build-id/ab/c.debug", b"x")


def add(tar: tarfile.TarFile, name: str, content: bytes, uid: int = 0, mode: int = 0o644) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.uid, info.mode = len(content), uid, mode
    tar.addfile(info, io.BytesIO(content))


# Rule -> the file in which the planted defect must be found.
IN_FILES = {
    **{rule: f"python/install/lib/{rule}.so" for rule in [*LIBRARIES, "elf-machine", "elf-readable"]},
    "tar-path": "python/../../etc/passwd",
    "tar-top": "elsewhere/file",
    "tar-once": "python/install/lib/twice",
    "tar-owner": "python/install/lib/mine",
    "link-target": "python/install/bin/python3",
    "link-python": "python/install/bin/python",
    "script-start": "python/install/bin/tool",
    "leak": "python/install/lib/leak",
    "sysconfig-tools": "_sysconfigdata_",
    "sysconfig-flags": "_sysconfigdata_",
    "sysconfig-moves": "_sysconfigdata_",
    "pkg-config": "python-3.13.pc",
    "caches": "python/install/lib/config.h.orig",
    "debug-symbols": "python/install/lib/debug/.build-id/ab/c.debug",
    "shared-library": "python/install/lib",
    "json-first": "python/PYTHON.json",
    "json-paths": "python/PYTHON.json",
    "licenses": "python/licenses/LICENSE.openssl.LICENSE.txt",
}


@VALIDATE
@pytest.mark.parametrize("rule", sorted(IN_FILES))
def test_a_defect_in_the_files_is_found(rule: str, planted: list[Finding]) -> None:
    found = [finding.file for finding in planted if finding.rule == rule]
    assert any(IN_FILES[rule] in file for file in found), found


def with_facts(subject: Subject, change: Callable[[dict[str, Any]], object]) -> Subject:
    facts = copy.deepcopy(subject.facts)
    assert facts is not None
    change(facts)
    return dataclasses.replace(subject, facts=facts)


def with_interpreter(subject: Subject, change: Callable[[ElfFacts], ElfFacts]) -> Subject:
    (name,) = (name for name in subject.elf if name.startswith("python/install/bin/python3."))
    return dataclasses.replace(subject, elf={**subject.elf, name: change(subject.elf[name])})


def without_protection(elf: ElfFacts) -> ElfFacts:
    """Return the facts of an interpreter compiled without stack protectors and fortified functions."""
    return dataclasses.replace(elf, undefined=frozenset(name for name in elf.undefined if not name.startswith("__")))


# Rule -> a change of the archive as read, after which a claim about the archive no longer matches its files.
IN_CLAIMS: dict[str, Callable[[Subject], Subject]] = {
    "json-schema": lambda it: with_facts(it, lambda facts: facts.update(surprise=1)),
    "json-target": lambda it: with_facts(it, lambda facts: facts.update(python_platform_tag="linux_x86_64")),
    "json-options": lambda it: with_facts(
        it, lambda facts: facts.update(build_options="noopt" if "debug" in it.options else "debug")
    ),
    "option-pgo": lambda it: with_facts(it, lambda facts: facts.update(build_options="pgo")),
    "option-lto": lambda it: with_facts(it, lambda facts: facts.update(build_options="lto")),
    "option-bolt": lambda it: with_interpreter(it, lambda elf: dataclasses.replace(elf, bolted=not elf.bolted)),
    "option-static": lambda it: with_facts(it, lambda facts: facts.update(build_options="noopt+static")),
    "json-glibc": lambda it: with_facts(it, lambda facts: facts.update(crt_features=["glibc-max-symbol-version:2.5"])),
    "modules": lambda it: with_facts(it, lambda facts: facts["build_info"]["extensions"].pop("_lzma")),
    "module-functions": lambda it: with_facts(it, lambda facts: facts["build_info"]["extensions"].pop("_lzma")),
    "annotated": lambda it: with_facts(it, lambda facts: facts["build_info"]["core"].update(links=[])),
    "elf-protected": lambda it: with_interpreter(it, without_protection),
    "stripped": lambda it: dataclasses.replace(it, path=Path("cpython-3.13.15-t-noopt-x-install_only_stripped.tar.gz")),
}


@VALIDATE
@pytest.mark.parametrize("rule", sorted(IN_CLAIMS))
def test_a_false_claim_is_found(rule: str, subject: Subject, built: Built) -> None:
    if rule in ("option-pgo", "option-lto") and rule.removeprefix("option-") in built.options:
        subject = with_facts(subject, lambda facts: facts.update(build_options="noopt"))
    else:
        subject = IN_CLAIMS[rule](subject)
    assert rule in {finding.rule for finding in judge(subject, CATALOG)}


# Rule -> a change of one fact about libraries for macOS and Windows.  These tests build none for those systems, so they judge
# real libraries from a package's wheels.
FOREIGN: dict[str, Callable[[Subject], Subject]] = {
    "foreign-readable": lambda it: dataclasses.replace(it, unreadable_foreign=["python/x.dll"]),
    "macho-machine": lambda it: with_facts(it, lambda facts: facts.update(target_triple="x86_64-apple-darwin")),
    "pe-machine": lambda it: with_facts(it, lambda facts: facts.update(target_triple="x86_64-pc-windows-msvc")),
    "macho-libraries": lambda it: with_macho(it, needed=("/opt/homebrew/lib/libz.dylib",)),
    "macho-rpath": lambda it: with_macho(it, rpath=("/opt/lib",)),
    "macho-oldest": lambda it: with_macho(it, oldest=(15, 0, 0)),
    "macho-names": lambda it: with_macho(it, two_level=False),
    "macho-weak": lambda it: with_macho(it, weak=frozenset({"strchrnul"})),
    "macho-private": lambda it: with_macho(it, exported=frozenset({"SSL_read"})),
    "macho-own-name": lambda it: with_macho(it, kind="DYLIB", own_name="/install/lib/libpython3.13.dylib"),
    "macho-padding": lambda it: with_macho(it, kind="EXECUTE", padding=32),
    "macho-signed": lambda it: with_macho(it, signature="none"),
    "macho-stack": lambda it: dataclasses.replace(
        it, macho={"python/install/bin/python3.13": dataclasses.replace(facts_of(it), kind="EXECUTE", stack=0)}
    ),
    "macho-modules": lambda it: dataclasses.replace(
        it, macho={"python/install/lib/python3.13/lib-dynload/_x.cpython-313-darwin.so": facts_of(it)}
    ),
    "pe-libraries": lambda it: with_pe(it, needed=("libz.dll",)),
    "pe-memory": lambda it: with_pe(it, no_execute=False),
}


def with_macho(subject: Subject, **changes: Any) -> Subject:
    changed = {name: dataclasses.replace(facts, **changes) for name, facts in subject.macho.items()}
    return dataclasses.replace(subject, macho=changed)


def facts_of(subject: Subject) -> MachOFacts:
    return next(iter(subject.macho.values()))


def with_pe(subject: Subject, **changes: Any) -> Subject:
    changed = {name: dataclasses.replace(facts, **changes) for name, facts in subject.pe.items()}
    return dataclasses.replace(subject, pe=changed)


@pytest.fixture(scope="module")
def foreign(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """An archive with the extension modules of MarkupSafe 3.0.3 for macOS and Windows, and a PYTHON.json for macOS."""
    folder = tmp_path_factory.mktemp("foreign")
    for system in ("macosx_11_0_arm64", "win_arm64"):
        ask = [
            "--no-deps",
            "--only-binary",
            ":all:",
            "--python-version",
            "3.13",
            "--platform",
            system,
            "--dest",
            str(folder),
        ]
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *ask, "markupsafe==3.0.3"], check=True)
    facts = {**(subject.facts or {}), "target_triple": "aarch64-apple-darwin", "apple_sdk_deployment_target": "11.0"}
    facts |= {f"apple_sdk_{name}": "x" for name in ("canonical_name", "platform", "version")}
    archive = folder / "cpython.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        add(tar, "python/PYTHON.json", json.dumps(facts).encode())
        add(tar, "python/install/python313.dll", b"stands in for Python's own")
        for path in sorted(folder.glob("*.whl")):
            with zipfile.ZipFile(path) as wheel:
                for name in wheel.namelist():
                    if name.endswith((".so", ".pyd")):
                        add(tar, f"python/install/{name}", wheel.read(name))
    return read_subject(archive)


@VALIDATE
def test_real_libraries_for_other_systems_break_no_rule(foreign: Subject) -> None:
    assert foreign.macho
    assert foreign.pe
    assert not [finding for finding in judge(foreign, CATALOG) if finding.rule in FOREIGN]


@VALIDATE
@pytest.mark.parametrize("rule", sorted(FOREIGN))
def test_a_defect_in_a_library_for_another_system_is_found(rule: str, foreign: Subject) -> None:
    assert rule in {finding.rule for finding in judge(FOREIGN[rule](foreign), CATALOG)}


def test_each_rule_has_a_planted_defect() -> None:
    assert {rule.name for rule in rules()} == {*IN_FILES, *IN_CLAIMS, *FOREIGN}


def test_our_archives_have_no_findings(built: Built) -> None:
    archives = sorted(built.archives.glob("*.tar.*"))
    assert len(archives) == 3
    assert {path.name: validate(path, CATALOG) for path in archives} == {path.name: [] for path in archives}


def test_convert_reproduces_the_archives_of_the_build(built: Built, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pythonbuild", "convert", str(built.full_archive), "--output", str(tmp_path)]
    subprocess.run(command, cwd=checkout(), capture_output=True, check=True)
    made = sorted(tmp_path.iterdir())
    assert len(made) == 2
    for path in made:
        assert path.read_bytes() == (built.archives / path.name).read_bytes(), path.name


@pytest.mark.needs("gdb")
def test_gdb_finds_the_symbols_of_a_stripped_python(built: Built, tmp_path: Path) -> None:
    formats = ["--formats", "install_only_stripped,debug_symbols.tar.gz"]
    command = [
        sys.executable,
        "-m",
        "pythonbuild",
        "convert",
        str(built.full_archive),
        *formats,
        "--output",
        str(tmp_path),
    ]
    subprocess.run(command, cwd=checkout(), capture_output=True, check=True)
    for path in sorted(tmp_path.glob("*.tar.gz")):
        with tarfile.open(path) as tar:
            extract_all(tar, tmp_path)
    program = (tmp_path / "python/bin/python3").resolve()
    ask = ["gdb", "-nx", "-batch", "-ex", f"set debug-file-directory {tmp_path}/python/lib/debug"]
    done = subprocess.run(
        [*ask, "-ex", f"file {program}", "-ex", "info line Py_BytesMain"], capture_output=True, text=True
    )
    assert "main.c" in done.stdout, done.stdout + done.stderr
