#!/usr/bin/env python3
"""Counts the instructions that an interpreter executes for typical code.

    python3 benchmarks/interpreter/instructions.py NAME=COMMAND ...

COMMAND starts an interpreter, such as `dist/python/bin/python3`; it is split into words as in a shell.  valgrind's cachegrind,
which must be installed, counts the instructions.  Counts vary little between runs, even on a busy machine, so a difference of
one per cent is visible.  They do not measure time: a mispredicted branch costs at least twenty instructions, a cache miss a hundred.

For another CPU, qemu-user counts with the plugin in count_instructions.c, whose first lines show how to build it:

    NAME="qemu-aarch64 -L /usr/aarch64-linux-gnu -plugin ./count_instructions.so dist/python/bin/python3"

Prints instructions per iteration for each function, and mispredicted branches for native interpreters.  Each number is the
difference of a long and a short run.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

PLUGIN = "count_instructions.so"
SHORT, LONG = 1_000, 41_000
FUNCTIONS = {
    "loop": """
def function(n):
    total = 0
    for i in range(n):
        total += i * 3
""",
    "bodies": """
def function(n):
    bodies = [[float(i), i * 0.5, i * 0.25, 0.1 * i, 0.2 * i, 0.3 * i, 1.0 + i] for i in range(5)]
    pairs = [(bodies[i], bodies[j]) for i in range(5) for j in range(i + 1, 5)]
    for _ in range(n // 20):
        for one, two in pairs:
            x1, y1, z1, _, _, _, mass1 = one
            x2, y2, z2, _, _, _, mass2 = two
            dx, dy, dz = x1 - x2, y1 - y2, z1 - z2
            force = 0.01 * ((dx * dx + dy * dy + dz * dz) ** -1.5)
            one[3] -= dx * mass2 * force
            one[4] -= dy * mass2 * force
            two[3] += dx * mass1 * force
""",
    "methods": """
class Packet:
    pass
class Task:
    def __init__(self, number):
        self.number, self.queue, self.count = number, None, 0
    def run(self, packet):
        self.count += 1
        if packet is None:
            return self.number
        self.queue = packet
        return self.step(packet)
    def step(self, packet):
        return self.fill(packet) if self.count & 1 else None
    def fill(self, packet):
        packet.number = self.number
        return packet
def function(n):
    tasks, packet = [Task(i) for i in range(6)], Packet()
    for i in range(n):
        tasks[i % 6].run(packet if i & 3 else None)
""",
    "board": """
def function(n):
    counts, board, free = {}, list(range(81)), set()
    for i in range(n):
        place = i * 7 % 81
        board[place] = board[place - 1] ^ i
        if place in free:
            free.discard(place)
        else:
            free.add(place)
        counts[place] = counts.get(place, 0) + 1
        for step in (1, 2, 3):
            if board[place - step] > step and step not in free:
                board[step] += 1
""",
    "strings": """
def function(n):
    for i in range(n):
        text = '%d:%s' % (i, 'ab')
        parts = text.split(':')
        joined = text + parts[0]
        again = f'{joined}{i}'
""",
    "generator": """
def numbers(n):
    for i in range(n):
        yield i
def function(n):
    return sum(i for i in numbers(n))
""",
}


def count(command: list[str], code: str) -> tuple[int, ...]:
    """Return the instructions of one run and, natively, its mispredicted branches; exit if the command fails."""
    if any(word.endswith(PLUGIN) for word in command):
        done = subprocess.run([*command, "-S", "-B", "-c", code], capture_output=True, text=True)
        counted = re.search(r"executed (\d+) instructions", done.stderr)
        if done.returncode or not counted:
            sys.exit(f"{shlex.join(command)}: {done.stderr[-2000:]}")
        return (int(counted[1]),)
    valgrind = [
        "valgrind",
        "--tool=cachegrind",
        "--cache-sim=no",
        "--branch-sim=yes",
        "--cachegrind-out-file=/dev/null",
    ]
    try:
        done = subprocess.run([*valgrind, *command, "-S", "-B", "-c", code], capture_output=True, text=True)
    except FileNotFoundError:
        sys.exit("valgrind is not installed; on Debian: apt-get install valgrind")
    found = [re.search(rf"{what}\s*:\s+([\d,]+)", done.stderr) for what in ("I +refs", "Mispredicts")]
    if done.returncode or not all(found):
        sys.exit(f"{shlex.join(command)}: {done.stderr[-2000:]}")
    return tuple(int(match[1].replace(",", "")) for match in found if match)


def main() -> None:
    """Count and print."""
    interpreters = [text.partition("=") for text in sys.argv[1:]]
    if not interpreters or not all(command for _, _, command in interpreters):
        sys.exit(__doc__)
    for function, code in FUNCTIONS.items():
        columns = []
        for name, _, command in interpreters:
            words = shlex.split(command)
            short, long = (count(words, f"{code}\nfunction({n})") for n in (SHORT, LONG))
            instructions, *branches = ((b - a) / (LONG - SHORT) for a, b in zip(short, long))
            mispredicted = "".join(f" {number:6.2f} mispredicted branches" for number in branches)
            columns.append(f"{name} {instructions:8.1f} instructions{mispredicted}")
        print(f"{function:10}", " | ".join(columns), flush=True)


if __name__ == "__main__":
    main()
