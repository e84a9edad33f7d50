"""Trees as files: the same bytes for the same content, unpacked without changes, and nothing outside of their folder."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
import zstandard

from pythonbuild.errors import DamagedArtifact
from pythonbuild.store.packed import pack_tree, unpack_tree
from pythonbuild.store.trees import digest_of, manifest_of


def make_tree(folder: Path) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "program").write_text("#!/bin/sh\n")
    (folder / "bin" / "program").chmod(0o755)
    (folder / "bin" / "link").symlink_to("program")
    (folder / "bin" / "dangling").symlink_to("/nowhere/at all")
    (folder / "empty").mkdir()
    (folder / "naïve ☃ name").write_bytes(bytes(range(256)) * 50)
    (folder / "nothing").write_bytes(b"")
    (folder / ("long" * 60)).write_text("long")
    return folder


def test_there_and_back(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree")
    pack_tree(tree, manifest_of(tree), tmp_path / "packed")
    unpack_tree(tmp_path / "packed", tmp_path / "back")
    assert digest_of(manifest_of(tmp_path / "back")) == digest_of(manifest_of(tree))


def test_the_same_content_makes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        tree = make_tree(tmp_path / name)
        pack_tree(tree, manifest_of(tree), tmp_path / f"{name}.packed")
    assert (tmp_path / "one.packed").read_bytes() == (tmp_path / "other.packed").read_bytes()


def test_a_tree_that_has_changed_is_not_packed(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree")
    manifest = manifest_of(tree)
    (tree / "bin" / "program").write_text("#!/bin/sa\n")
    with pytest.raises(DamagedArtifact, match="program differs from what was stored"):
        pack_tree(tree, manifest, tmp_path / "packed")
    (tree / "bin" / "program").unlink()
    with pytest.raises(DamagedArtifact, match="No such file"):
        pack_tree(tree, manifest, tmp_path / "packed")


def packed_of(members: list[tarfile.TarInfo], path: Path) -> Path:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    path.write_bytes(zstandard.ZstdCompressor().compress(plain.getvalue()))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, target, 1 if kind == tarfile.REGTYPE else 0
    return made


@pytest.mark.parametrize(
    "members",
    [
        [member("../outside")],
        [member("a/../../outside")],
        [member("{outside}")],
        [member("a", tarfile.SYMTYPE, ".."), member("a/outside")],
        [member("a", tarfile.SYMTYPE, "{outside}"), member("a")],
        [member("a", tarfile.LNKTYPE, "../outside")],
        [member("a", tarfile.CHRTYPE)],
    ],
    ids=["up", "down and up", "absolute", "through a link", "onto a link", "hard link", "device"],
)
def test_nothing_is_written_elsewhere(members: list[tarfile.TarInfo], tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    for found in members:
        found.name, found.linkname = (text.format(outside=outside) for text in (found.name, found.linkname))
    with pytest.raises(DamagedArtifact):
        unpack_tree(packed_of(members, tmp_path / "packed"), tmp_path / "back")
    assert not outside.exists()


def test_truncated_or_other_data_is_refused(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree")
    packed = tmp_path / "packed"
    pack_tree(tree, manifest_of(tree), packed)
    whole = packed.read_bytes()
    for number, content in enumerate((whole[: len(whole) // 2], b"", b"no archive at all", whole[:-5])):
        packed.write_bytes(content)
        with pytest.raises(DamagedArtifact):
            unpack_tree(packed, tmp_path / f"back-{number}")
