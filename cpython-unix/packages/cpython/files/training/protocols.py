"""Coroutines, context managers, exceptions, garbage."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import types
import typing


async def worker(queue, results):
    while True:
        number = await queue.get()
        if number is None:
            return
        await asyncio.sleep(0)
        results.append(number * number)


async def pipeline():
    queue, results = asyncio.Queue(), []
    tasks = [asyncio.create_task(worker(queue, results)) for _ in range(5)]
    for number in range(60):
        await queue.put(number)
    for _ in tasks:
        await queue.put(None)
    await asyncio.gather(*tasks)

    async def numbers():
        for n in range(50):
            yield n

    return sum([n async for n in numbers()]) + sum(results)


def coroutines():
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(pipeline())
    finally:
        loop.close()


@typing.runtime_checkable
class Closable(typing.Protocol):
    def close(self): ...


@contextlib.contextmanager
def tag(out, name):
    out.append(f"<{name}>")
    try:
        yield out
    finally:
        out.append(f"</{name}>")


def managed():
    out = []
    missing = 0
    for n in range(80):
        with tag(out, "a") as inner, contextlib.suppress(KeyError):
            inner.append(n)
            {}[n]
        try:
            getattr(types.SimpleNamespace(x=n), "x" if n % 2 else "y")
        except AttributeError:
            missing += 1
        finally:
            missing += isinstance(out, Closable)
    return missing, len(out)


def garbage():
    nodes = [{"n": n} for n in range(400)]
    for one, two in zip(nodes, nodes[1:]):
        one["next"], two["back"] = two, one
    del nodes, one, two
    return gc.collect()


def old_garbage():
    """Many objects that stay, which the collector looks through, and some that it finds."""
    table = {n: [str(n), (n, n + 1), {"n": n}] for n in range(1500)}
    lists = [[] for _ in range(3000)]
    for one, two in zip(lists, lists[1:]):
        one.append(two)
        two.append(one)
    found = gc.collect()
    for one in lists:
        one.append(table)
    del lists, one, two
    return found + gc.collect()


WORKLOADS = [coroutines, managed, garbage, old_garbage]
