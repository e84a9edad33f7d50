"""Reading untrusted archives: hostile and damaged ones give one clear error, and nothing is written outside."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import random
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pythonbuild.binaries import archive as reader
from pythonbuild.binaries.archive import members, unpack
from pythonbuild.catalog.load import load_catalog
from pythonbuild.errors import BadArchive
from pythonbuild.home import checkout
from pythonbuild.validation.subject import read_subject
from pythonbuild.validation.validate import judge, validate

CATALOG = load_catalog(checkout() / "cpython-unix")
Change = Callable[[tarfile.TarInfo], object]

# A PYTHON.json that keeps to the schema.
FACTS: dict[str, Any] = {
    "version": "8",
    "target_triple": "x86_64-unknown-linux-gnu",
    "build_options": "noopt",
    "optimizations": "noopt",
    "build_info": {
        "core": {"objs": ["build/a.o"], "links": [{"name": "m", "system": True}]},
        "extensions": {
            "_x": [
                {
                    "in_core": False,
                    "init_fn": "PyInit__x",
                    "links": [{"name": "z", "path_static": "build/lib/libz.a"}],
                    "objs": ["build/x.o"],
                    "required": False,
                    "variant": "default",
                }
            ]
        },
        "inittab_object": "build/config.o",
        "inittab_source": "build/config.c",
        "inittab_cflags": [],
        "object_file_format": "elf",
    },
    "crt_features": ["glibc-dynamic"],
    "libpython_link_mode": "shared",
    "licenses": ["Python-2.0"],
    "license_path": "licenses/x",
    "python_abi_tag": "cp313",
    "python_bytecode_magic_number": "f30d0d0a",
    "python_config_vars": {},
    "python_exe": "install/bin/python3",
    "python_extension_module_loading": ["builtin"],
    "python_implementation_cache_tag": "cpython-313",
    "python_implementation_hex_version": 51187696,
    "python_implementation_name": "cpython",
    "python_implementation_version": ["3", "13", "15", "final", "0"],
    "python_major_minor_version": "3.13",
    "python_paths": dict.fromkeys(
        ("stdlib", "platstdlib", "purelib", "platlib", "include", "scripts", "data"), "install"
    ),
    "python_paths_abstract": {},
    "python_platform_tag": "linux-x86_64",
    "python_stdlib_test_packages": [],
    "python_suffixes": {
        name: [] for name in ("bytecode", "debug_bytecode", "extension", "optimized_bytecode", "source")
    },
    "python_symbol_visibility": "global-default",
    "python_tag": "cp313",
    "python_version": "3.13.15",
    "run_tests": "build/run_tests.py",
}


def packed(*entries: tuple[str, bytes, Change]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content, change in entries:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            change(info)
            tar.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return gzip.compress(buffer.getvalue(), mtime=0)


def plain(info: tarfile.TarInfo) -> None:
    """Change nothing."""


def link(target: str, kind: bytes = tarfile.SYMTYPE) -> Change:
    def change(info: tarfile.TarInfo) -> None:
        info.type, info.linkname, info.size = kind, target, 0

    return change


def device(info: tarfile.TarInfo) -> None:
    info.type, info.size = tarfile.CHRTYPE, 0


def set_user(info: tarfile.TarInfo) -> None:
    info.mode = 0o4755


HOSTILE: dict[str, list[tuple[str, bytes, Change]]] = {
    "a path upwards": [("python/../../evil", b"x", plain)],
    "an absolute path": [("/evil", b"x", plain)],
    "a link upwards": [("python/l", b"", link("../../evil"))],
    "an absolute link": [("python/l", b"", link("/etc"))],
    "a link to the folder around": [("python/l", b"", link(".."))],
    "a hard link": [("python/a", b"x", plain), ("python/l", b"", link("python/a", tarfile.LNKTYPE))],
    "a device": [("python/d", b"", device)],
    "another user's program": [("python/s", b"x", set_user)],
    "links that lead outside together": [
        ("python/p/q/b", b"", link("../..")),
        ("python/p/q/c", b"", link("b/../x")),
        ("python/p/q/c/evil", b"x", plain),
    ],
    "a file twice": [("python/a", b"x", plain), ("python/a", b"y", plain)],
    "a file through a link": [("python/a", b"", link("b")), ("python/a", b"x", plain)],
    "a folder that is a file": [("python/a", b"x", plain), ("python/a/b", b"x", plain)],
    "a name that is too long": [("python/" + "a" * 300, b"x", plain)],
}


@pytest.mark.parametrize("case", sorted(HOSTILE))
def test_hostile_archives_are_not_unpacked(case: str, tmp_path: Path) -> None:
    archive = tmp_path / "cpython.tar.gz"
    archive.write_bytes(packed(*HOSTILE[case]))
    (tmp_path / "inside").mkdir()
    with pytest.raises(BadArchive, match=r"cpython\.tar\.gz"):
        unpack(archive, tmp_path / "inside")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cpython.tar.gz", "inside"]


def test_harmless_archives_are_unpacked(tmp_path: Path) -> None:
    archive = tmp_path / "cpython.tar.zst"
    content = packed(
        ("python/bin/python3.13", b"program", lambda info: setattr(info, "mode", 0o755)),
        ("python/bin/python3", b"", link("python3.13")),
        ("python/lib/x", b"text", plain),
    )
    archive.write_bytes(zstandard.ZstdCompressor().compress(gzip.decompress(content)))
    unpack(archive, tmp_path / "to")
    assert (tmp_path / "to/python/bin/python3").read_bytes() == b"program"
    assert (tmp_path / "to/python/bin/python3.13").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        b"\x1f\x8b",
        b"\x28\xb5\x2f\xfd",
        gzip.compress(b"no tar", mtime=0),
        zstandard.ZstdCompressor().compress(b"x" * 100_000),
        packed(("python/a", b"x" * 5000, plain))[:-30],
        packed(("other/a", b"x", plain)),
        packed(("python/PYTHON.json", b"{", plain)),
        packed(("python/PYTHON.json", b"[" * 100_000, plain)),
        packed(("python/PYTHON.json", b"[]", plain)),
    ],
)
def test_other_files_than_archives_of_pythons_give_one_error(content: bytes, tmp_path: Path) -> None:
    archive = tmp_path / "cpython.tar.gz"
    archive.write_bytes(content)
    with pytest.raises(BadArchive, match=r"cpython\.tar\.gz"):
        validate(archive, CATALOG)


@pytest.mark.parametrize("where", ["", "nothing", "."])
def test_a_path_that_is_not_a_file_gives_one_error(where: str, tmp_path: Path) -> None:
    with pytest.raises(BadArchive):
        list(members(tmp_path / where))


@pytest.mark.parametrize(("limit", "value"), [("_MOST_MEMBERS", 2), ("_MOST_BYTES", 1000), ("_LARGEST", 900)])
def test_a_bomb_is_not_read_to_its_end(limit: str, value: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "cpython.tar.gz"
    archive.write_bytes(packed(*((f"python/{number}", b"0" * 950, plain) for number in range(3))))
    monkeypatch.setattr(reader, limit, value)
    with pytest.raises(BadArchive, match="more than any distribution"):
        list(members(archive))


WHOLE = packed(
    ("python/PYTHON.json", json.dumps(FACTS).encode(), plain),
    ("python/install/bin/python3", b"", link("python3.13")),
    ("python/install/bin/python3.13", Path("/bin/true").read_bytes(), plain),
    (
        "python/install/lib/python3.13/_sysconfigdata__linux_x86_64-linux-gnu.py",
        b"build_time_vars = {'CC': 'cc'}",
        plain,
    ),
    ("python/install/lib/pkgconfig/python-3.13.pc", b"prefix=/x\nLibs:\n", plain),
    ("python/build/a.o", b"\x7fELF.text.hot", plain),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), changes=st.integers(1, 30), outside=st.booleans())
def test_damage_anywhere_is_a_finding_or_one_error(seed: int, changes: int, outside: bool, tmp_path: Path) -> None:
    """Bytes changed, dropped or doubled, in the compressed archive or in the tar inside."""
    dice = random.Random(seed)
    content = bytearray(WHOLE if outside else gzip.decompress(WHOLE))
    for _ in range(changes):
        at = dice.randrange(len(content))
        content[at : at + dice.choice((0, 1, 1, 40))] = dice.randbytes(dice.choice((0, 1, 1, 40)))
    archive = tmp_path / "cpython.tar.gz"
    archive.write_bytes(bytes(content) if outside else gzip.compress(bytes(content), 1))
    with contextlib.suppress(BadArchive):
        judge(read_subject(archive), CATALOG)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
PLACES: list[tuple[str, ...]] = [(key,) for key in FACTS] + [("build_info", key) for key in FACTS["build_info"]]
PLACES += [("build_info", "core", "objs"), ("build_info", "core", "links"), ("build_info", "extensions", "_x")]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), value=JSON)
def test_any_value_in_the_metadata_is_judged(place: tuple[str, ...], value: object, tmp_path: Path) -> None:
    facts = json.loads(json.dumps(FACTS))
    inner = facts
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    archive = tmp_path / "cpython.tar.gz"
    archive.write_bytes(packed(("python/PYTHON.json", json.dumps(facts).encode(), plain)))
    judge(read_subject(archive), CATALOG)
