"""Floats, integers of machine size, decimals and fractions."""

from __future__ import annotations

import collections
import decimal
import fractions
import math
import operator
import statistics


def floats():
    x, y, total = 0.1, 0.2, 0.0
    for n in range(1, 4000):
        x, y = x * 0.99 + y * 0.01, y - x / n
        total += math.sin(x) * y if n & 1 else abs(y) ** 0.5
    return round(total, 6)


def integers():
    sieve = bytearray([1]) * 5000
    for n in range(2, 71):
        if sieve[n]:
            sieve[n * n :: n] = bytes(len(range(n * n, 5000, n)))
    primes = [n for n in range(2, 5000) if sieve[n]]
    mixed = 0
    for prime in primes:
        mixed = (mixed * 31 + prime) % 1000003 ^ (prime << 3) & 0xFFFF
    return mixed, pow(3, 10**20, 10**12 + 39), math.factorial(120) // math.factorial(118), math.gcd(mixed, 720720)


def matrices():
    size = 14
    a = [[(row * 3 + column) % 7 - 2.5 for column in range(size)] for row in range(size)]
    b = [[row - column * 0.5 for column in range(size)] for row in range(size)]
    for _ in range(2):
        columns = list(zip(*b))
        b = [[sum(map(operator.mul, row, column)) / 10 for column in columns] for row in a]
    trace = 0.0
    for i in range(size):
        for j in range(size):
            if i == j:
                trace += b[i][j]
            else:
                b[i][j] -= b[j][i] * 0.5
    return trace


def life():
    cells = {(x, y) for x in range(12) for y in range(12) if (x * y + x) % 3 == 0}
    for _ in range(4):
        near = collections.Counter((x + i, y + j) for x, y in cells for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)
        cells = {cell for cell, count in near.items() if count == 3 or (count == 2 and cell in cells)}
    return len(cells)


def exact_numbers():
    interest = decimal.Decimal("1.0175")
    money = decimal.Decimal("1000.00")
    for _ in range(60):
        money = (money * interest).quantize(decimal.Decimal("0.01"))
    part = sum((fractions.Fraction(1, n) for n in range(1, 25)), fractions.Fraction(0))
    values = [float(n * n % 17) for n in range(60)]
    return money, part, statistics.mean(values), statistics.pstdev(values)


def long_numbers():
    """Digits of e by a series of fractions, and what cryptography written in Python does."""
    numerator, denominator = 1, 1
    for n in range(1, 160):
        numerator, denominator = numerator * n + 1, denominator * n
    digits = str(numerator * 10**200 // denominator)
    modulus = (1 << 521) - 1
    value = int(digits[:150])
    for _ in range(40):
        value = (value * value + 12345) % modulus
        value ^= value >> 64
    return (
        digits,
        value.bit_count(),
        int.from_bytes(value.to_bytes(66, "big"), "little"),
        divmod(value, 10**40),
        f"{value:x}",
    )


WORKLOADS = [floats, integers, matrices, life, exact_numbers, long_numbers]
