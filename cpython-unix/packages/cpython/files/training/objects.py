"""Classes with slots, properties and super(), data classes, enumerations."""

from __future__ import annotations

import collections
import dataclasses
import enum
import heapq
import math


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


WORKLOADS = [objects, vectors, schedule]
