"""Write the size of the main thread's stack into a Mach-O program, because LLVM's linker leaves it out.

    python set_stack_size.py PROGRAM SIZE                          SIZE in hexadecimal, as for ld's option -stack_size

The program must be signed again afterwards.  Format: LC_MAIN in mach-o/loader.h.
"""

import struct
import sys

_MAGIC_64 = 0xFEEDFACF
_LC_MAIN = 0x80000028
_HEADER_SIZE = 32


def place_of_stack_size(content: bytes) -> int:
    """Return the offset of the stack's size in a 64-bit Mach-O program; raise ValueError if it has no entry point."""
    magic, _, _, _, count = struct.unpack_from("<IiiII", content)
    if magic != _MAGIC_64:
        raise ValueError("is not a 64-bit Mach-O file")
    place = _HEADER_SIZE
    for _ in range(count):
        command, size = struct.unpack_from("<II", content, place)
        if command == _LC_MAIN:
            return place + 16
        place += size
    raise ValueError("has no entry point")


def main(program: str, size: str) -> None:
    """Change the program in place."""
    with open(program, "r+b") as file:
        place = place_of_stack_size(file.read())
        file.seek(place)
        file.write(struct.pack("<Q", int(size, 16)))


if __name__ == "__main__":
    main(*sys.argv[1:])
