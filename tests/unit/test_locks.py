"""Locks exclude each other.  On Unix, those of Windows use a stand-in for its module msvcrt."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from pythonbuild import locks

Lock = Callable[..., bool]


class Ranges:
    """msvcrt.locking() over all files of this process: each byte belongs to one open file."""

    LK_NBLCK = 2

    def __init__(self) -> None:
        self.owners: dict[tuple[int, int], int] = {}

    def locking(self, descriptor: int, mode: int, size: int) -> None:
        assert mode == self.LK_NBLCK
        start, inode = os.lseek(descriptor, 0, os.SEEK_CUR), os.fstat(descriptor).st_ino
        places = [(inode, place) for place in range(start, start + size)]
        if any(place in self.owners for place in places):
            raise PermissionError(13, "Permission denied")
        self.owners.update(dict.fromkeys(places, descriptor))

    def close(self, descriptor: int) -> None:
        """What the system does when a file is closed."""
        self.owners = {place: owner for place, owner in self.owners.items() if owner != descriptor}


@pytest.fixture(params=["this system", "a stand-in for Windows"])
def lock_and_close(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> tuple[Lock, Callable[[IO[Any]], None]]:
    """The function `lock`, and one that closes a file."""
    if request.param == "this system":
        return locks.lock, lambda file: file.close()
    ranges = Ranges()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "msvcrt", ranges)
    module = types.ModuleType("locks_of_windows")
    exec(compile(Path(locks.__file__).read_text(), locks.__file__, "exec"), module.__dict__)

    def close(file: IO[Any]) -> None:
        ranges.close(file.fileno())
        file.close()

    return module.lock, close


def test_locks_keep_out_whom_they_should(
    lock_and_close: tuple[Lock, Callable[[IO[Any]], None]], tmp_path: Path
) -> None:
    lock, close = lock_and_close
    one, two, three = (open(tmp_path / "lock", "w") for _ in range(3))  # noqa: SIM115
    assert lock(one)
    assert not lock(two, wait=False)
    assert not lock(two, shared=True, wait=False)
    close(one)
    assert lock(two, shared=True, wait=False)
    assert lock(three, shared=True, wait=False)
    with open(tmp_path / "lock", "w") as alone:
        assert not lock(alone, wait=False)
        close(two)
        assert not lock(alone, wait=False)
        close(three)
        assert lock(alone, wait=False)
        with open(tmp_path / "other", "w") as other:
            assert lock(other, wait=False)
