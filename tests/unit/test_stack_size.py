"""The script of CPython's recipe that adds the stack size, which LLVM's linker omits, to a program for macOS."""

from __future__ import annotations

import runpy
import struct
from pathlib import Path

import pytest

from pythonbuild.home import checkout

SCRIPT = runpy.run_path(str(checkout() / "cpython-unix/packages/cpython/files/set_stack_size.py"))
LC_UUID, LC_MAIN = 0x1B, 0x80000028


def program(*commands: int) -> bytes:
    """A Mach-O header of 64 bits with load commands of 24 bytes each."""
    header = struct.pack("<IiiIIIII", 0xFEEDFACF, 0x0100000C, 0, 2, len(commands), 24 * len(commands), 0, 0)
    return header + b"".join(struct.pack("<IIQQ", command, 24, 7, 0) for command in commands)


def test_the_size_is_written_beside_the_entry_point_and_nothing_else_is_changed(tmp_path: Path) -> None:
    file = tmp_path / "python"
    file.write_bytes(program(LC_UUID, LC_MAIN, LC_UUID))
    SCRIPT["main"](str(file), "1000000")
    before, after = program(LC_UUID, LC_MAIN, LC_UUID), file.read_bytes()
    assert struct.unpack_from("<QQ", after, 32 + 24 + 8) == (7, 0x1000000)
    assert [place for place in range(len(before)) if before[place] != after[place]] == [32 + 24 + 16 + 3]


@pytest.mark.parametrize("content", [program(LC_UUID), b"\x7fELF" + bytes(60)])
def test_a_file_that_is_not_a_program_for_macos_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"has no entry point|is not a 64-bit Mach-O file"):
        SCRIPT["place_of_stack_size"](content)
