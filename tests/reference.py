"""Generates docs/commands.md from the verbs and the declarations of their flags: ``python3 -m tests.reference``.  Standard library only."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pythonbuild.cli.options import VERBS, Verb
from pythonbuild.flags.common import GROUPS
from pythonbuild.flags.declared import Flag, flags_of
from pythonbuild.home import checkout

__all__ = ["COMMAND", "PAGE", "rewritten"]

COMMAND = "python3 -m tests.reference"
PAGE = checkout() / "docs" / "commands.md"
_BEGIN, _END = "<!-- flags: begin -->", "<!-- flags: end -->"
_PLATFORMS = {"linux": "Linux", "macos": "macOS", "windows": "Windows"}
_COLUMNS = ("flag", "meaning", "default", "platforms")


def rewritten(page: Path = PAGE) -> str:
    """Return the text of the page, with what the declarations say between its two marks.  Raises ValueError if it lacks the marks."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{page.name} lacks the lines {_BEGIN} and {_END}, between which the flags stand")
    return f"{before}{_BEGIN}\n{_reference()}{_END}{after}"


def _reference() -> str:
    """Return the table of commands, and a section for each command."""
    rows = [(f"[`{name}`](#{_slug(name)})", _marked(verb.help)) for name, verb in VERBS.items()]
    sections = [line for verb in VERBS.values() for line in _section(verb)]
    return "\n".join([*_table(("command", "what it does"), rows), "", *sections])


def _section(verb: Verb) -> Iterator[str]:
    """Yield the lines of a command's section.  Where `build` has the same flags under a heading, it links to them."""
    yield from (f"## {verb.name}", "", _sentence(verb.help), "")
    first = VERBS["build"]
    links, tables = [], []
    for heading, flags in _groups(verb).items():
        title, _, note = heading.rstrip(")").partition(" (")
        if verb is not first and flags == _groups(first).get(heading):
            # The headings of `build` come first on the page, so that no number follows in their anchors.
            links.append(f"[{title}](#{_slug(title)})")
        else:
            tables += [f"### {title[0].upper()}{title[1:]}", "", *([_sentence(note), ""] if note else [])]
            tables += [*_table(_COLUMNS, map(_row, flags)), ""]
    if links:
        yield from (f"It {'also ' if tables else ''}takes these flags of `build`: {', '.join(links)}.", "")
    elif not tables:
        yield from ("It has no flags.", "")
    yield from tables


def _groups(verb: Verb) -> dict[str, list[Flag]]:
    """Return a command's flags under the headings of --help."""
    groups: dict[str, list[Flag]] = {}
    for _, flag in flags_of(verb.flags, GROUPS):
        if flag.text or not flag.names:
            groups.setdefault(flag.group or ("general" if flag.names else "arguments"), []).append(flag)
    return groups


def _row(flag: Flag) -> tuple[str, ...]:
    names = list(flag.names)
    if flag.kind == "either":
        names += [f"--no-{name[2:]}" for name in flag.names]
    elif flag.kind != "switch":
        value = (
            "{" + ",".join(flag.choices) + "}" if flag.names and flag.choices else flag.metavar or flag.name[2:].upper()
        )
        names[-1:] = [" ".join([*names[-1:], f"{value}{'...' if flag.kind == 'words' else ''}"])]
    platforms = ", ".join(_PLATFORMS[platform] for platform in flag.platforms)
    return ", ".join(f"`{name}`" for name in names), _marked(_meaning(flag)), _marked(flag.usual), platforms


def _meaning(flag: Flag) -> str:
    """Return what a flag means, with the platforms that know each of its words."""
    return flag.text.replace("{words}", ", ".join(_word(word, platforms) for word, platforms in flag.words.items()))


def _word(word: str, platforms: Sequence[str]) -> str:
    name, _, note = word.partition(" (")
    notes = [*filter(None, [note.rstrip(")")]), *(_PLATFORMS[platform] for platform in platforms)]
    return f"`{name}`" + (f" ({', '.join(notes)})" if notes else "")


def _sentence(text: str) -> str:
    return f"{_marked(text[0].upper() + text[1:])}."


def _marked(text: str) -> str:
    """Return a text of --help with its flags and variables as code."""
    parts = text.split("`")
    for number in range(0, len(parts), 2):
        parts[number] = re.sub(r"(?<![\w-])(--[a-z][\w-]*|[A-Z]+_[A-Z_]+(=\w+)?)", r"`\1`", parts[number])
    return "`".join(parts)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, without columns that are empty."""
    found = list(rows)
    kept = [number for number in range(len(titles)) if any(row[number] for row in found)]
    lines = [titles, ["---"] * len(titles), *found]
    return [f"| {' | '.join(line[number] for number in kept)} |" for line in lines]


def _slug(text: str) -> str:
    return re.sub(r"\W+", "-", text.lower()).strip("-")


def main() -> int:
    """Write the page; returns 0."""
    text = rewritten()
    changed = PAGE.read_text(encoding="utf-8") != text
    PAGE.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(checkout())} {'changed' if changed else 'is up to date'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
