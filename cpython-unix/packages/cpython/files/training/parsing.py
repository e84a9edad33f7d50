"""Python's own parser and compiler, a parser and an interpreter written in Python."""

from __future__ import annotations

import ast
import bisect
import collections
import contextlib
import csv
import functools
import heapq
import itertools
import pathlib
import re
import shlex
import string
import textwrap
import tokenize

SOURCES = [
    pathlib.Path(module.__file__) for module in (textwrap, string, shlex, heapq, bisect, functools, contextlib, csv)
]


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


WORKLOADS = [source_code, expressions, machine]
