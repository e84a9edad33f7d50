"""Train a profile: run CPython's own task, and beside it programs as people write them.

    ./python training.py JOBS

CPython's task, a part of its test suite, reaches all corners, most of them once, and what it repeats is not what programs
repeat: the compiler then believes that lists are short and that hardly anything is sorted by floats.  So the ways that programs
spend their time in are walked as well, for about as many instructions: classes, closures, generators, numbers, text,
containers, serialization, parsing, coroutines, garbage.  Only the standard library is used, of CPython 3.11 and newer.

JOBS processes run at once.  The exit status is that of CPython's task, or 1 if a workload failed.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import binascii
import bisect
import collections
import contextlib
import copy
import csv
import dataclasses
import datetime
import decimal
import difflib
import enum
import fractions
import functools
import gc
import hashlib
import heapq
import io
import itertools
import json
import logging
import math
import operator
import os
import pathlib
import pickle
import random
import re
import shlex
import statistics
import string
import struct
import subprocess
import sys
import textwrap
import time
import tokenize
import types
import typing
import xml.etree.ElementTree as ElementTree

try:
    import sqlite3
except ImportError:
    sqlite3 = None

SOURCES = [
    pathlib.Path(module.__file__) for module in (textwrap, string, shlex, heapq, bisect, functools, contextlib, csv)
]
PROSE = (
    " ".join(
        f"{name} met {other} at {index % 24:02}:{index * 7 % 60:02}, paid {index * 37 % 1000 / 8:.2f} EUR <{name}.{index}@mail.example>;"
        for index, (name, other) in enumerate(
            itertools.islice(itertools.product("Ada Bob Cleo Dan Eve".split(), repeat=2), 25)
        )
    )
    * 20
)


# ---- Objects --------------------------------------------------------------------------------------------------------
class Vector:
    __slots__ = ("x", "y", "z")

    def __init__(self, x, y, z):
        self.x, self.y, self.z = x, y, z

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y, self.z + other.z)

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor, self.z * factor)

    def dot(self, other):
        return self.x * other.x + self.y * other.y + self.z * other.z

    def length(self):
        return math.sqrt(self.dot(self))


class Account:
    opened = 0

    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance
        self.history = []
        Account.opened += 1

    @property
    def rich(self):
        return self.balance > 1000

    def deposit(self, amount):
        if amount <= 0:
            raise ValueError("nothing to deposit")
        self.balance += amount
        self.history.append(("deposit", amount))
        return self

    def withdraw(self, amount):
        if amount > self.balance:
            raise ValueError(f"{self.owner} has {self.balance}, not {amount}")
        self.balance -= amount
        self.history.append(("withdraw", amount))
        return self


class Savings(Account):
    def __init__(self, owner, balance=0, rate=0.02):
        super().__init__(owner, balance)
        self.rate = rate

    def deposit(self, amount):
        return super().deposit(amount + int(amount * self.rate))

    def __eq__(self, other):
        return isinstance(other, Savings) and self.balance == other.balance

    def __hash__(self):
        return hash(self.owner)


def objects():
    accounts = [Savings(f"owner {n}", n * 10) if n % 3 else Account(f"owner {n}", n) for n in range(120)]
    failed = 0
    for turn in range(12):
        for account in accounts:
            account.deposit(turn + 5)
            try:
                account.withdraw(40)
            except ValueError:
                failed += 1
            if account.rich and hasattr(account, "rate"):
                account.rate *= 1.01
    return failed, len({account for account in accounts if isinstance(account, Savings)})


def vectors():
    positions = [Vector(n * 0.5, n * 0.25, 1.0 / (n + 1)) for n in range(40)]
    speeds = [Vector(1.0, -n * 0.01, 0.5) for n in range(40)]
    for _ in range(12):
        positions = [position + speed * 0.1 for position, speed in zip(positions, speeds)]
        total = sum(position.length() for position in positions)
    return total


@dataclasses.dataclass(order=True)
class Task:
    priority: int
    name: str = dataclasses.field(compare=False)
    needs: list = dataclasses.field(default_factory=list, compare=False)


class Color(enum.Enum):
    RED = 1
    GREEN = 2
    BLUE = 3


class Kind(enum.Flag):
    A = 1
    B = 2
    C = 4


def schedule():
    queue = []
    for number in range(200):
        heapq.heappush(queue, Task(number * 7919 % 101, f"task {number}", [number // 2, number // 3]))
    done = collections.OrderedDict()
    colors = collections.Counter()
    while queue:
        task = heapq.heappop(queue)
        done[task.name] = dataclasses.replace(task, needs=[])
        colors[Color(task.priority % 3 + 1)] += 1
        if Kind.A in Kind(task.priority % 8):
            colors["a"] += 1
    return colors.most_common(2)


# ---- Functions, closures, generators --------------------------------------------------------------------------------
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


# ---- Numbers --------------------------------------------------------------------------------------------------------
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


# ---- Text -----------------------------------------------------------------------------------------------------------
def text():
    words = PROSE.split()
    upper = [word.strip(".,;<>").upper() for word in words if not word.startswith("<")]
    lines = textwrap.wrap(PROSE[:1500], 72)
    table = "\n".join(f"{index:>4} {line:<72} {len(line) / 72:6.1%}" for index, line in enumerate(lines))
    joined = "".join(chr(ord(letter) ^ 1) if letter.isalpha() else letter for letter in table[:800])
    replaced = PROSE.replace("EUR", "€").encode("utf-8").decode("utf-8").translate(str.maketrans("abc", "xyz"))
    frequent = collections.Counter(upper).most_common(5)
    old = "%s has %d of %5.2f, %r" % (frequent[0][0], frequent[0][1], 3.14159, words[0])
    new = "{0} and {1!r:>12} and {kind}".format(old, "ü", kind=string.ascii_letters.find("q"))
    return (
        len(joined),
        len(replaced),
        new.count("a"),
        str(1234567),
        str(-3.25e-7),
        int("987654"),
        float("2.5e3"),
        hex(255),
    )


WORD = re.compile(r"\b(?P<name>[A-Z]\w+)\b|(?P<time>\d\d:\d\d)|(?P<mail>[\w.]+@[\w.]+)")
MONEY = re.compile(r"paid\s+(\d+)\.(\d{2})\s+EUR")


def patterns():
    found = collections.Counter(match.lastgroup for match in WORD.finditer(PROSE))
    cents = sum(int(euros) * 100 + int(rest) for euros, rest in MONEY.findall(PROSE))
    hidden = re.sub(r"<([^@>]+)@[^>]+>", lambda match: f"<{match[1][0]}...>", PROSE)
    fields = [re.split(r"[,;:]\s*", line) for line in PROSE.split("met")[:60]]
    return found, cents, len(hidden), sum(map(len, fields)), bool(re.fullmatch(r"(a|b)*c?[^x-z]+", "ababcq" * 8))


def differences():
    one = PROSE[:900].split()
    two = [word for word in one if not word.startswith("D")] + ["end"]
    return difflib.SequenceMatcher(None, one, two).ratio(), len(list(difflib.unified_diff(one[:60], two[:60])))


def source_code():
    nodes = collections.Counter()
    for path in SOURCES[:3]:
        content = path.read_text(encoding="utf-8")
        tree = ast.parse(content)
        nodes.update(type(node).__name__ for node in ast.walk(tree))
        compile(tree, str(path), "exec")
    with tokenize.open(SOURCES[3]) as file:
        nodes.update(token.type for token in itertools.islice(tokenize.generate_tokens(file.readline), 1500))
    return nodes.most_common(1), shlex.split("a 'b c' \"d e\" f\\ g --flag=1" * 10)


def parse_expression(source):
    """A small recursive descent parser, as in many a tool."""
    tokens = re.findall(r"\d+\.?\d*|[-+*/()]", source)
    position = 0

    def peek():
        return tokens[position] if position < len(tokens) else None

    def take():
        nonlocal position
        position += 1
        return tokens[position - 1]

    def factor():
        token = take()
        if token == "(":
            value = expression()
            take()
            return value
        return -factor() if token == "-" else float(token)

    def term():
        value = factor()
        while peek() in ("*", "/"):
            value = value * factor() if take() == "*" else value / (factor() or 1.0)
        return value

    def expression():
        value = term()
        while peek() in ("+", "-"):
            value = value + term() if take() == "+" else value - term()
        return value

    return expression()


def expressions():
    return [parse_expression(f"({n} + 3.5) * (2 - {n} / 7) + -4 * (1 + 2 * (3 - {n}))") for n in range(60)]


def machine():
    """An interpreter in the interpreter: match, dictionaries of functions, stacks."""
    program = [("push", 0), ("push", 200), ("dup",), ("add2",), ("dec",), ("jump", 2), ("end",)]
    stack, place, steps = [], 0, 0
    handlers = {"dup": lambda: stack.append(stack[-1]), "dec": lambda: stack.append(stack.pop() - 1)}
    while True:
        steps += 1
        match program[place]:
            case ("push", value):
                stack.append(value)
            case ("add2",):
                top = stack.pop()
                stack[-2] += top
            case ("jump", target) if stack[-1] > 0:
                place = target - 1
            case ("end",):
                break
            case (name,) if name in handlers:
                handlers[name]()
        place += 1
    return stack[0], steps


# ---- Containers -----------------------------------------------------------------------------------------------------
def containers():
    numbers = [n * 7919 % 1009 for n in range(1500)]
    rows = [{"id": n, "group": n % 13, "name": f"row {n}", "value": value} for n, value in enumerate(numbers[:300])]
    groups = collections.defaultdict(list)
    for row in rows:
        groups[row["group"]].append(row["value"])
    best = sorted(rows, key=lambda row: (row["group"], -row["value"]))[:20]
    by_name = sorted(rows, key=operator.itemgetter("name"), reverse=True)
    distinct = set(numbers) & set(range(0, 1000, 3)) | {1, 2}
    queue = collections.deque(numbers[:200], maxlen=100)
    while len(queue) > 10:
        queue.rotate(3)
        queue.popleft()
    merged = {**{key: sum(values) for key, values in groups.items()}, "best": [row["id"] for row in best]}
    swapped = {str(value): key for key, value in merged.items() if key != "best"}
    flat = [item for values in groups.values() for item in values if item & 1]
    first, *middle, last = flat
    middle[3:5] = [last, first]
    where = bisect.bisect_left(sorted(numbers), 500)
    return (
        len(distinct),
        by_name[0]["id"],
        len(swapped),
        max(middle),
        any(value > 990 for value in flat),
        numbers.index(7),
        where,
    )


def shortest_paths():
    edges = collections.defaultdict(dict)
    for n in range(120):
        for step in (1, 7, 31):
            edges[n][(n + step) % 120] = step * 3 % 11 + 1
    distance, queue = {0: 0}, [(0, 0)]
    while queue:
        so_far, node = heapq.heappop(queue)
        if so_far > distance[node]:
            continue
        for other, length in edges[node].items():
            new = so_far + length
            if new < distance.get(other, 1 << 30):
                distance[other] = new
                heapq.heappush(queue, (new, other))
    return sum(distance.values())


def edit_distance():
    one, two = "relocatable interpreter", "reproducible interpretation"
    row = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(two, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


# ---- Data in and out ------------------------------------------------------------------------------------------------
RECORDS = [
    {
        "id": n,
        "name": f"Ünïque {n}" if n % 5 == 0 else f"name {n}",
        "tags": ["a", "b\n", 'c"'][: n % 4],
        "score": n / 7,
        "nested": {"ok": n % 2 == 0, "none": None, "list": list(range(n % 9))},
    }
    for n in range(80)
]


def serialized():
    as_json = json.dumps(RECORDS)
    again = json.loads(as_json)
    pretty = json.dumps(again[:10], indent=2, sort_keys=True, ensure_ascii=False)
    pickled = pickle.dumps(RECORDS, protocol=pickle.HIGHEST_PROTOCOL)
    assert pickle.loads(pickled) == again
    copied = copy.deepcopy(RECORDS[:25])
    rows = io.StringIO()
    writer = csv.DictWriter(rows, ["id", "name", "score"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(RECORDS)
    back = list(csv.DictReader(io.StringIO(rows.getvalue())))
    packed = b"".join(struct.pack("<IdH", record["id"], record["score"], 7) for record in RECORDS)
    unpacked = list(struct.iter_unpack("<IdH", packed))
    encoded = base64.b64encode(pickled)
    return len(pretty), len(copied), len(back), len(unpacked), hashlib.sha256(base64.b64decode(encoded)).hexdigest()


def documents():
    root = ElementTree.Element("records")
    for record in RECORDS[:40]:
        item = ElementTree.SubElement(root, "record", id=str(record["id"]))
        ElementTree.SubElement(item, "name").text = record["name"]
    again = ElementTree.fromstring(ElementTree.tostring(root, encoding="unicode"))
    return [item.findtext("name") for item in again.iter("record") if int(item.get("id")) % 2]


def database():
    if sqlite3 is None:
        return None
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("create table record (id integer primary key, name text, score real)")
        connection.executemany("insert into record values (:id, :name, :score)", RECORDS)
        return connection.execute("select count(*), avg(score) from record where name like 'n%'").fetchone()


class Lines(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(self.format(record))


def journal():
    handler = Lines()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.Logger("training")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    for n in range(60):
        logger.debug("not seen %d", n)
        logger.info("seen %d of %s", n, "all")
    return len(handler.lines)


def times():
    moment = datetime.datetime(2024, 2, 28, 23, 30)
    stamps = [(moment + datetime.timedelta(hours=n * 5)).isoformat() for n in range(60)]
    return max(datetime.datetime.fromisoformat(stamp) for stamp in stamps).strftime("%Y-%m-%d"), len(set(stamps))


def files():
    here = pathlib.PurePosixPath("/usr/lib/python/site-packages")
    names = [here / f"package_{n}" / "module.py" for n in range(60)]
    return {name.with_suffix(".pyc").relative_to("/usr").parts[-2] for name in names}, [
        os.path.join("a", "b", str(n)) for n in range(50)
    ]


# ---- Coroutines, protocols, errors ----------------------------------------------------------------------------------
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
    return gc.collect()


def old_garbage():
    """Many objects that stay, which the collector looks through, and some that it finds."""
    table = {n: [str(n), (n, n + 1), {"n": n}] for n in range(1500)}
    lists = [[] for _ in range(3000)]
    for one, two in zip(lists, lists[1:]):
        one.append(two)
    found = gc.collect()
    for one in lists:
        one.append(table)
    del lists, one, two
    return found + gc.collect()


# ---- Bytes, long and short ------------------------------------------------------------------------------------------
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


# ---- Order, and long numbers ----------------------------------------------------------------------------------------
def sorting():
    chance = random.Random(17)
    integers = [chance.randrange(1 << 28) for _ in range(600)]
    reals = [chance.random() for _ in range(600)]
    names = [f"{value:x}" for value in integers]
    pairs = [(value % 50, name) for value, name in zip(integers, names)]
    nearly = sorted(integers)
    nearly[100], nearly[400] = nearly[400], nearly[100]
    return [sorted(values)[0] for values in (integers, reals, names, pairs, nearly, integers[:12], reals[:30])] + [
        sorted(names, key=len),
        max(pairs, key=lambda pair: pair[::-1]),
        min(reals),
        heapq.nsmallest(5, integers),
    ]


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


def unpacking():
    rows = [(n, str(n), (n / 2, n & 3)) for n in range(300)]
    total = 0.0
    for index, (number, _name, (half, _)) in enumerate(rows):
        a, b, c = index, number, half
        a, b = b, a
        first, *rest = c, a, b
        total += first + len(rest)
    table = [[x * y for y in range(20)] for x in range(20)]
    flipped = [list(column) for column in zip(*table)]
    return total, sum(map(sum, flipped)), dict(enumerate(table[3])), tuple(row[0] for row in rows)[5:200:3]


WORKLOADS = [
    objects, vectors, schedule, calls, generators, functools.partial(queens, 6), floats, integers, matrices, life,
    exact_numbers, text, patterns, differences, source_code, expressions, machine, containers, shortest_paths,
    edit_distance, serialized, documents, database, journal, times, files, coroutines, managed, garbage,
    old_garbage, encodings, buffers, unicode_text, sorting, long_numbers, unpacking,
]  # fmt: skip
# For how long each of them is repeated.  All together then count about as much as CPython's task.
SECONDS = 0.7


def work(part, parts):
    """Run each PARTSth workload, from PART on."""
    for workload in WORKLOADS[part::parts]:
        end = time.monotonic() + SECONDS
        while True:
            workload()
            if time.monotonic() >= end:
                break


def main():
    """Train; see above."""
    if len(sys.argv) == 3:
        work(int(sys.argv[1]), int(sys.argv[2]))
        return
    jobs = sys.argv[1]
    suite = subprocess.run([sys.executable, "-m", "test", "--pgo", "--timeout=1200", f"-j{jobs}"])
    workers = [subprocess.Popen([sys.executable, __file__, str(part), jobs]) for part in range(int(jobs))]
    failed = [worker.wait() for worker in workers]
    sys.exit(suite.returncode or int(any(failed)))


if __name__ == "__main__":
    main()
