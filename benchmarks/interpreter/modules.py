"""Benchmarks of C modules in which many programs spend their time: compression and hashes of one MiB of fixed text."""

from __future__ import annotations

import bz2
import hashlib
import lzma
import zlib
from functools import partial

import pyperf

WORDS = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor".split()
TEXT = "".join(
    f"{index * index % 9973} {WORDS[index % 12]} {WORDS[index * 7 % 11]}\n" for index in range(46000)
).encode()
TEXT = TEXT[: 1 << 20]

runner = pyperf.Runner()
runner.bench_func("zlib_compress", partial(zlib.compress, TEXT, 6))
runner.bench_func("zlib_decompress", partial(zlib.decompress, zlib.compress(TEXT)))
runner.bench_func("crc32", partial(zlib.crc32, TEXT))
runner.bench_func("bz2_compress", partial(bz2.compress, TEXT))
runner.bench_func("bz2_decompress", partial(bz2.decompress, bz2.compress(TEXT)))
runner.bench_func("lzma_compress", partial(lzma.compress, TEXT, preset=1))
runner.bench_func("lzma_decompress", partial(lzma.decompress, lzma.compress(TEXT)))
for algorithm in ("md5", "sha1", "sha256", "sha3_256", "blake2b"):
    runner.bench_func(f"hash_{algorithm}", partial(hashlib.new, algorithm, TEXT))
