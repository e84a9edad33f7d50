"""Calls of all kinds, closures, recursion, generators."""

from __future__ import annotations

import functools
import itertools
import random


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


@functools.cache
def ways(amount, coins=(1, 2, 5, 10, 20, 50)):
    if amount == 0:
        return 1
    if amount < 0 or not coins:
        return 0
    return ways(amount - coins[-1], coins) + ways(amount, coins[:-1])


def counter(start):
    value = start

    def step(by=1, *more, scale=1, **ignored):
        nonlocal value
        value += (by + sum(more)) * scale
        return value

    return step


def walk(tree):
    if tree:
        left, value, right = tree
        yield from walk(left)
        yield value
        yield from walk(right)


def grow(values):
    tree = None
    for value in values:
        path, node = [], tree
        while node:
            path.append(node)
            node = node[0] if value < node[1] else node[2]
        new = (None, value, None)
        for left, here, right in reversed(path):
            new = (new, here, right) if value < here else (left, here, new)
        tree = new
    return tree


def calls():
    step = counter(3)
    for number in range(300):
        step()
        step(number, 2, 3)
        step(1, scale=2)
        step(*(1, 2), scale=3, name="x")
    ways.cache_clear()
    return fibonacci(16), ways(90), step(0)


def generators():
    values = random.Random(5).sample(range(1000), 150)
    ordered = list(walk(grow(values)))
    pairs = ((a, b) for a, b in zip(ordered, ordered[1:]) if (a ^ b) & 1)
    groups = {key: sum(1 for _ in group) for key, group in itertools.groupby(ordered, key=lambda value: value // 100)}
    chained = itertools.islice(itertools.chain.from_iterable(itertools.combinations(ordered[:20], 3)), 1500)
    return sum(a * b for a, b in pairs), groups, sum(chained)


def queens(size, row=0, columns=0, left=0, right=0):
    if row == size:
        return 1
    free = ~(columns | left | right) & ((1 << size) - 1)
    found = 0
    while free:
        place = free & -free
        free ^= place
        found += queens(size, row + 1, columns | place, (left | place) << 1, (right | place) >> 1)
    return found


WORKLOADS = [calls, generators, functools.partial(queens, 6)]
