"""Words: formatted, searched, replaced, compared."""

from __future__ import annotations

import collections
import difflib
import itertools
import re
import string
import textwrap

PROSE = (
    " ".join(
        f"{name} met {other} at {index % 24:02}:{index * 7 % 60:02}, paid {index * 37 % 1000 / 8:.2f} EUR <{name}.{index}@mail.example>;"
        for index, (name, other) in enumerate(
            itertools.islice(itertools.product("Ada Bob Cleo Dan Eve".split(), repeat=2), 25)
        )
    )
    * 20
)


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


WORKLOADS = [text, patterns, differences]
