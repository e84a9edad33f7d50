"""Check an archive against all rules."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

# Importing a module of rules registers them.
from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import Target
from pythonbuild.validation import archive_rules, elf_rules, macho_rules, metadata_rules, pe_rules
from pythonbuild.validation.rule import Case, Finding, rules
from pythonbuild.validation.subject import Subject, read_subject

__all__ = ["RULE_MODULES", "judge", "validate"]

_BEFORE_ALL = ("json-first", "json-schema")
RULE_MODULES = (archive_rules, elf_rules, macho_rules, metadata_rules, pe_rules)


def validate(path: Path, catalog: Catalog) -> list[Finding]:
    """Return an archive's findings, sorted.  Raises BadArchive if it cannot be read."""
    return judge(read_subject(path), catalog)


def judge(subject: Subject, catalog: Catalog) -> list[Finding]:
    """Return the findings for an archive that was read, sorted."""
    case = Case(subject, _target(subject, catalog), catalog)
    # Rules that read PYTHON.json rely on its schema, so they do not run if it violates that.
    shaped = subject.full and next(metadata_rules.schema_errors(subject.facts or {}), None) is None
    findings = {
        Finding(rule.name, file, detail)
        for rule in rules()
        if shaped or not rule.full_only or (subject.full and rule.name in _BEFORE_ALL)
        for file, detail in rule.check(case)
    }
    return sorted(findings, key=lambda finding: (finding.rule, finding.file, finding.detail))


def _target(subject: Subject, catalog: Catalog) -> Optional[Target]:
    """Return an archive's target: the one in PYTHON.json or, without one, the first with sysconfig's GNU triple."""
    if subject.facts is not None:
        return catalog.targets.get(str(subject.facts.get("target_triple")))
    found = [target for target in catalog.targets.values() if target.gnu == subject.gnu_triple]
    return found[0] if found else None
