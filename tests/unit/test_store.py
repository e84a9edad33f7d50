"""The store on disk: when it reads the files of a tree again."""

from __future__ import annotations

import os
from pathlib import Path

from pythonbuild.store.record import Record
from pythonbuild.store.store import Store


def stored(folder: Path) -> tuple[Store, Record, Path]:
    """Return a store, the record of a tree in it, and the tree's only file."""
    store = Store(folder)
    tree = store.work / "tree"
    tree.mkdir()
    (tree / "file").write_text("good")
    record = store.put(Record("key", "identity", {}, tree=""), tree)
    return store, record, store.tree(record) / "file"


def spoil(file: Path) -> None:
    """Change a file and keep its size and time."""
    status = file.stat()
    file.chmod(0o644)
    file.write_text("evil")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_every_process_hashes_a_tree(tmp_path: Path) -> None:
    store, record, file = stored(tmp_path)
    spoil(file)
    assert store.check(record, thorough=False) == ""
    assert store.check(record, thorough=True) == "file"
    assert store.check(record, thorough=True) == "file"


def test_a_process_hashes_a_tree_once(tmp_path: Path) -> None:
    store, record, file = stored(tmp_path)
    assert store.check(record, thorough=True) == ""
    spoil(file)
    assert store.check(record, thorough=True) == ""
    assert Store(tmp_path).check(record, thorough=True) == "file"


def test_a_process_notices_another_size_or_time_at_any_time(tmp_path: Path) -> None:
    store, record, file = stored(tmp_path)
    assert store.check(record, thorough=True) == ""
    file.chmod(0o644)
    file.write_text("longer")
    assert store.check(record, thorough=True) == "file"
