"""What a rule is: a name, a sentence, a function from what was read to what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Optional

from pythonbuild.binaries.elf import ElfFacts
from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import Target
from pythonbuild.validation.subject import Subject

__all__ = ["Case", "ElfCheck", "Finding", "Rule", "WholeCheck", "elf_rule", "rule", "rules"]


@dataclass(frozen=True)
class Finding:
    """A broken rule: which, in which file of the archive ("" for the archive itself), and what was seen."""

    rule: str
    file: str
    detail: str

    def __str__(self) -> str:
        return f"{self.file}: {self.rule}: {self.detail}" if self.file else f"{self.rule}: {self.detail}"


@dataclass(frozen=True)
class Case:
    """What a rule judges by: the archive as read, the row of targets.yml it was built for (if there is one), the catalog."""

    subject: Subject
    target: Optional[Target]
    catalog: Catalog


# A rule over the whole archive yields (file, what is wrong); one over each program and library what is wrong with it.
WholeCheck = Callable[[Case], Iterator[tuple[str, str]]]
ElfCheck = Callable[[ElfFacts, str, Case], Iterator[str]]


@dataclass(frozen=True)
class Rule:
    """A rule: its name, what it demands, and whether only full archives can be judged by it."""

    name: str
    text: str
    check: WholeCheck
    full_only: bool = False


_RULES: dict[str, Rule] = {}


def rules() -> tuple[Rule, ...]:
    """Return all rules, sorted by name."""
    return tuple(_RULES[name] for name in sorted(_RULES))


def rule(name: str, text: str, full_only: bool = False) -> Callable[[WholeCheck], WholeCheck]:
    """Register a function as a rule over the whole archive."""

    def register(check: WholeCheck) -> WholeCheck:
        _RULES[name] = Rule(name, text, check, full_only)
        return check

    return register


def elf_rule(name: str, text: str) -> Callable[[ElfCheck], ElfCheck]:
    """Register a function as a rule over each ELF program and library of the archive."""

    def register(check: ElfCheck) -> ElfCheck:
        def every(case: Case) -> Iterator[tuple[str, str]]:
            for file, facts in case.subject.elf.items():
                for detail in check(facts, file, case):
                    yield file, detail

        _RULES[name] = Rule(name, text, every)
        return check

    return register
