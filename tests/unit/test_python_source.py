"""--python-source with other files than CPython's source: the error names what is missing, and prints no content."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from pythonbuild.driver.python_source import read_local_python
from pythonbuild.errors import BadRequest

SECRET = "hunter2"
FILES = ("Include/patchlevel.h", "configure", "Makefile.pre.in", "Lib/os.py", "Python/pythonrun.c")


def said(path: Path) -> str:
    """Return the error for a path."""
    with pytest.raises(BadRequest) as caught:
        read_local_python(path)
    assert SECRET not in caught.value.report()
    return caught.value.message


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = tmp_path / "tree"
    for name in FILES:
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(SECRET)
    return made


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_of_a_tree_is_named(tree: Path, name: str) -> None:
    (tree / name).unlink()
    assert said(tree) == f"{tree} is not a CPython source tree: it has no {name}"


@pytest.mark.parametrize("text", [SECRET, f'#define PY_VERSION "{SECRET}"', f"\xff{SECRET}"])
def test_a_header_without_a_version_is_not_shown(tree: Path, text: str) -> None:
    (tree / FILES[0]).write_bytes(text.encode("latin-1"))
    assert "Include/patchlevel.h does not define PY_VERSION as a version of Python" in said(tree)


@pytest.mark.parametrize(
    "content", [b"", SECRET.encode(), b"\x1f\x8b" + SECRET.encode(), b"\xfd7zXZ\0" + SECRET.encode()]
)
def test_a_file_that_is_not_an_archive_is_not_shown(tree: Path, content: bytes) -> None:
    (tree / "file").write_bytes(content)
    assert said(tree / "file") == f"{tree / 'file'} cannot be read as a tar archive"


def test_an_archive_of_something_else_is_named(tree: Path) -> None:
    with tarfile.open(tree / "other.tar", "w") as tar:
        info = tarfile.TarInfo(f"{SECRET}/README")
        tar.addfile(info, io.BytesIO())
    assert said(tree / "other.tar").endswith("is not a source tarball of CPython: it has no Include/patchlevel.h")


def test_a_path_to_nothing_is_named(tree: Path) -> None:
    assert said(tree / "nowhere") == f"{tree / 'nowhere'} does not exist"
