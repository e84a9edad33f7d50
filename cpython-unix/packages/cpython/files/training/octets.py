"""Bytes, buffers, encodings."""

from __future__ import annotations

import base64
import binascii
import functools
import io
import random
import struct

from prose import PROSE

NOISE = random.Random(11).randbytes(6000)


def encodings():
    total = 0
    for data in (NOISE, NOISE[:300], *(NOISE[n : n + 40] for n in range(0, 800, 40))):
        assert base64.b64decode(base64.b64encode(data)) == data
        assert base64.urlsafe_b64decode(base64.urlsafe_b64encode(data)) == data
        assert bytes.fromhex(data.hex()) == data == base64.b16decode(base64.b16encode(data))
        assert binascii.a2b_hex(binascii.b2a_hex(data, " ").replace(b" ", b"")) == data
        total += binascii.crc32(data) & 1
    short = NOISE[:240]
    for encode, decode in (
        (base64.b32encode, base64.b32decode),
        (base64.b85encode, base64.b85decode),
        (base64.a85encode, base64.a85decode),
    ):
        assert decode(encode(short)) == short
    return total


def buffers():
    target = bytearray()
    for n in range(0, len(NOISE) - 12, 12):
        kind, size, value = struct.unpack_from("<BHd", NOISE, n)
        target += struct.pack(">HI", size, kind * 257)
        if value != value:
            target.append(0)
    view = memoryview(target)
    parts = [bytes(view[n : n + 100]) for n in range(0, len(view), 100)]
    joined = b"|".join(parts)
    swapped = joined.replace(b"|", b"--").translate(bytes(range(255, -1, -1)))
    stream = io.BytesIO(swapped)
    chunks = [chunk for chunk in iter(functools.partial(stream.read, 256), b"")]
    return len(chunks), joined.count(b"\0"), joined.find(b"none"), sum(swapped), swapped[::-7].split(b"\xff")[0]


def unicode_text():
    wide = PROSE[:3000].replace("a", "ä").replace("e", "ё") + "😀" * 20
    total = 0
    for encoding in ("utf-8", "utf-16", "latin-1", "ascii"):
        total += len(wide.encode(encoding, "replace").decode(encoding))
        total += len(PROSE.encode(encoding).decode(encoding))
    lines = io.TextIOWrapper(io.BytesIO(wide.replace(";", "\n").encode()), encoding="utf-8")
    fields = [line.rstrip("\n").partition(" met ") for line in lines]
    return total, len(fields), wide.casefold().title().isascii(), wide.splitlines()[0].rjust(4000).find("😀")


WORKLOADS = [encodings, buffers, unicode_text]
