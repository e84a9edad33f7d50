"""Lists, dictionaries, sets, queues and what is made of them."""

from __future__ import annotations

import bisect
import collections
import heapq
import operator
import random


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


WORKLOADS = [containers, shortest_paths, edit_distance, sorting, unpacking]
