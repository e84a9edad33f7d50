"""Rules: each has a name, a sentence that states the requirement, and a function that yields violations."""

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
    """A violation: the rule, the file in the archive ("" for the archive itself), and the details."""

    rule: str
    file: str
    detail: str

    def __str__(self) -> str:
        return f"{self.file}: {self.rule}: {self.detail}" if self.file else f"{self.rule}: {self.detail}"


@dataclass(frozen=True)
class Case:
    """A rule's input: the archive as read, its row in targets.yml (if it has one), and the catalog."""

    subject: Subject
    target: Optional[Target]
    catalog: Catalog


# A rule for the whole archive yields (file, violation); an ELF rule yields the violations of one program or library.
WholeCheck = Callable[[Case], Iterator[tuple[str, str]]]
ElfCheck = Callable[[ElfFacts, str, Case], Iterator[str]]


@dataclass(frozen=True)
class Rule:
    """A rule: its name, its requirement, its function, and whether it applies only to full archives."""

    name: str
    text: str
    check: WholeCheck
    full_only: bool = False


_RULES: dict[str, Rule] = {}


def rules() -> tuple[Rule, ...]:
    """Return all rules, sorted by name."""
    return tuple(_RULES[name] for name in sorted(_RULES))


def rule(name: str, text: str, full_only: bool = False) -> Callable[[WholeCheck], WholeCheck]:
    """Register a function as a rule for the whole archive."""

    def register(check: WholeCheck) -> WholeCheck:
        _RULES[name] = Rule(name, text, check, full_only)
        return check

    return register


def elf_rule(name: str, text: str) -> Callable[[ElfCheck], ElfCheck]:
    """Register a function as a rule for each ELF program and library in the archive."""

    def register(check: ElfCheck) -> ElfCheck:
        def every(case: Case) -> Iterator[tuple[str, str]]:
            for file, facts in case.subject.elf.items():
                for detail in check(facts, file, case):
                    yield file, detail

        _RULES[name] = Rule(name, text, every)
        return check

    return register
