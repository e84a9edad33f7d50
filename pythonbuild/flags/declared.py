"""Flags declared once, as fields of frozen dataclasses: argparse, --help and command lines to paste come from them.

Standard library only, so that --help answers before anything is installed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, Optional, TypeVar, cast

from pythonbuild.errors import BadRequest

__all__ = [
    "Flag",
    "add_flags",
    "argument",
    "arguments",
    "check_combination",
    "either",
    "flag_of",
    "flags_of",
    "given",
    "read_flags",
    "refuse",
    "restricted",
    "switch",
    "to_argv",
    "value",
    "values",
]

Flags = TypeVar("Flags")


@dataclass(frozen=True)
class Flag:
    """How the command line sets a field.

    names: of the flag, the usual one first; none for a positional argument.
    text: what it means; "" hides it.  `{words}` in it stands for `words`.  usual: the default, in words.
    words: each word of a value -> the entry scripts whose platforms know it; all by default.
    kind: value (one word), values (repeatable), words (all words up to the next flag), switch (no word), or either
    (also --no-NAME).
    group: its heading in --help.  plan: does it decide what is built, so that another command needs it for the same plan?
    only: what it is for, e.g. "packages"; a command that does something else refuses it.
    excludes: names of flags that cannot be given beside it.
    platforms: the entry scripts whose --help lists it; all by default.
    """

    names: tuple[str, ...]
    text: str
    kind: str
    usual: str = ""
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    group: str = ""
    metavar: Optional[str] = None
    choices: Optional[tuple[str, ...]] = None
    read: Callable[[str], Any] = str
    count: Optional[str] = None
    plan: bool = False
    only: str = ""
    excludes: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The usual name, e.g. --target, or the argument's metavar."""
        return self.names[0] if self.names else str(self.metavar)

    def meaning(self, platform: str = "") -> str:
        """Return what the flag means: on one platform, without the words of others; by default with all words."""
        known = [
            word for word, platforms in self.words.items() if not (platform and platforms) or platform in platforms
        ]
        return self.text.replace("{words}", ", ".join(known))

    def help(self, platform: str = "") -> str:
        """Return the text for --help: the meaning, and the default."""
        return (
            f"{self.meaning(platform)} (default: {self.usual})" if self.usual and self.text else self.meaning(platform)
        )

    def known_on(self, platform: str) -> bool:
        """Does the --help of this platform's entry script list the flag?"""
        return bool(self.text) and not (platform and self.platforms and platform not in self.platforms)


def value(*names: str, text: str, default: Any = "", usual: str = "", **more: Any) -> Any:
    """Declare a flag that takes one value; usual: the default in words, where the value itself does not explain it."""
    shown = usual or (str(default) if default not in ("", None, 0) else "")
    return _declared(default, Flag(names, text, "value", shown, **more))


def values(*names: str, text: str, usual: str = "", **more: Any) -> Any:
    """Declare a flag that may be repeated; the field is a tuple."""
    return _declared((), Flag(names, text, "values", usual, **more))


def switch(*names: str, text: str, default: Optional[bool] = False, **more: Any) -> Any:
    """Declare a flag without a value; default: False, or None if the environment may decide."""
    return _declared(default, Flag(names, text, "switch", **more))


def either(*names: str, text: str, usual: str, **more: Any) -> Any:
    """Declare a flag with a --no- form; the field is None if neither is given."""
    return _declared(None, Flag(names, text, "either", usual, **more))


def argument(metavar: str, text: str = "", **more: Any) -> Any:
    """Declare a positional argument; the field is a text, "" if an optional one (count="?") is missing."""
    return _declared("", Flag((), text, "value", metavar=metavar, **more))


def arguments(metavar: str, text: str = "", *, names: tuple[str, ...] = (), count: str = "+", **more: Any) -> Any:
    """Declare positional arguments, or a flag that takes all words up to the next flag; the field is a tuple."""
    return _declared((), Flag(names, text, "words", metavar=metavar, count=count, **more))


def _declared(default: Any, flag: Flag) -> Any:
    return field(default=default, metadata={"flag": flag})


def flag_of(declared: Field[Any]) -> Optional[Flag]:
    """Return the flag of a dataclass's field, None if the command line does not set it."""
    found: Optional[Flag] = declared.metadata.get("flag")
    return found


def flags_of(declared: type, groups: Sequence[str]) -> list[tuple[Field[Any], Flag]]:
    """Return the fields of a dataclass that are flags: first those without a heading, then in the order of `groups`."""
    return sorted(_flags(declared), key=lambda pair: groups.index(pair[1].group) if pair[1].group else -1)


def _flags(declared: Any) -> Iterator[tuple[Field[Any], Flag]]:
    for one in fields(declared):
        flag = flag_of(one)
        if flag:
            yield one, flag


def add_flags(parser: argparse.ArgumentParser, declared: type, groups: Sequence[str], platform: str = "") -> None:
    """Add the flags of a dataclass to a parser, under headings in the order of `groups`.

    platform: of an entry script, whose --help leaves out what is for others.
    """
    into: dict[str, argparse._ActionsContainer] = {"": parser}
    for one, flag in flags_of(declared, groups):
        hidden = not flag.known_on(platform)
        if flag.group not in into and not hidden:
            into[flag.group] = parser.add_argument_group(flag.group)
        text = argparse.SUPPRESS if hidden and flag.names else flag.help(platform)
        _add(into.get(flag.group, parser), one, flag, text)


def _add(into: argparse._ActionsContainer, one: Field[Any], flag: Flag, help_text: str) -> None:
    words: dict[str, Any] = {"help": help_text if help_text == argparse.SUPPRESS else help_text.replace("%", "%%")}
    if flag.names:
        words.update(dest=one.name)
    if flag.kind == "switch":
        words.update(action="store_const", const=True)
    elif flag.kind == "either":
        words.update(action=_Either)
    else:
        words.update(metavar=flag.metavar, type=flag.read, choices=flag.choices, nargs=flag.count)
        if flag.kind == "values":
            words.update(action="append")
            words.pop("nargs")
        elif flag.names and flag.kind == "value":
            words.update(action=_Once)
    into.add_argument(*(flag.names or (one.name,)), **words)


class _Once(argparse.Action):
    """A value that may be given only once: the last one would silently win."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, words: Any, option: Optional[str] = None
    ) -> None:
        if getattr(namespace, self.dest) is not None:
            parser.error(f"{option} was given twice")
        setattr(namespace, self.dest, words)


class _Either(argparse.Action):
    """--NAME and --no-NAME, as argparse's own action, without a default of its own in the help."""

    def __init__(self, option_strings: Sequence[str], dest: str, **more: Any) -> None:
        names = [name for option in option_strings for name in (option, f"--no-{option[2:]}")]
        super().__init__(names, dest, nargs=0, **more)

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, words: Any, option: Optional[str] = None
    ) -> None:
        wanted = not str(option).startswith("--no-")
        if getattr(namespace, self.dest) not in (None, wanted):
            parser.error(f"{option} contradicts {self.option_strings[0 if not wanted else 1]}")
        setattr(namespace, self.dest, wanted)


def read_flags(declared: type[Flags], namespace: argparse.Namespace, **more: Any) -> Flags:
    """Return the dataclass with what argparse has read; more: fields that have no flag."""
    found = {one.name: getattr(namespace, one.name) for one, _ in _flags(declared)}
    kept = {name: tuple(each) if isinstance(each, list) else each for name, each in found.items() if each is not None}
    return declared(**kept, **more)


def given(flags: Any) -> Iterator[tuple[Flag, Any]]:
    """Yield each flag whose value is not the default, with that value."""
    for one, flag in _flags(flags):
        found = getattr(flags, one.name)
        if found is not None and found != one.default:
            yield flag, found


def refuse(flags: Any, only: str, reason: str, hint: str) -> None:
    """Raise BadRequest if a flag was given that is `only` for something else; reason: follows the flag's name."""
    for flag, found in given(flags):
        if flag.only == only:
            raise BadRequest(f"{_named(flag, found)} {reason}", hint)


def check_combination(flags: Any) -> None:
    """Raise BadRequest for two flags of which one would be ignored."""
    names = [flag.name for flag, _ in given(flags)]
    for flag, _ in given(flags):
        other = next((name for name in flag.excludes if name in names), "")
        if other:
            raise BadRequest(f"{flag.name} and {other} cannot be combined", "drop one of them")


def restricted(flags: Any, declared: type[Flags], **more: Any) -> Flags:
    """Return another verb's flags, with the values of those that decide the plan; more: its own fields."""
    wanted = {one.name for one in fields(cast(Any, declared))}
    kept = {one.name: getattr(flags, one.name) for one, flag in _flags(flags) if flag.plan and one.name in wanted}
    return declared(**{**kept, **more})


def to_argv(flags: Any) -> list[str]:
    """Return the words that give these flags again, without those that have their default."""
    first: list[str] = []
    words: list[str] = []
    for flag, found in given(flags):
        if not flag.names:
            first += found if flag.kind == "words" else [found]
        elif flag.kind == "switch":
            words.append(flag.name)
        elif flag.kind == "either":
            words.append(_named(flag, found))
        elif flag.kind == "values":
            words += [word for one in found for word in _valued(flag, one)]
        elif flag.kind == "words":
            words += [flag.name, *map(str, found)]
        else:
            words += _valued(flag, found)
    return [*first, *words]


def _named(flag: Flag, found: object) -> str:
    return f"--no-{flag.name[2:]}" if flag.kind == "either" and not found else flag.name


def _valued(flag: Flag, found: object) -> list[str]:
    text = str(found)
    return [f"{flag.name}={text}"] if text.startswith("-") else [flag.name, text]
