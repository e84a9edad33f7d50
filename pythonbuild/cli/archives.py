"""Verbs for archives: validate, inspect, diff, convert, test, index.  Every function returns an exit status."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pythonbuild.catalog.load import own_catalog
from pythonbuild.catalog.schema import ExpectedFailure
from pythonbuild.cli.building import make_step
from pythonbuild.errors import BadRequest
from pythonbuild.flags.archives import ConvertFlags, DiffFlags, IndexFlags, InspectFlags, TestFlags, ValidateFlags
from pythonbuild.flags.build import RunFlags
from pythonbuild.flags.declared import refuse
from pythonbuild.model.formats import FLAVOURS, OTHER_FORMATS
from pythonbuild.model.naming import ArchiveFormat, ArchiveName
from pythonbuild.model.target import building_machine
from pythonbuild.packaging.convert import convert as convert_archive
from pythonbuild.release.uv_index import uv_index
from pythonbuild.units import size
from pythonbuild.validation.compare import difference, summary
from pythonbuild.validation.package_rules import package_rules, validate_packages
from pythonbuild.validation.rule import rules
from pythonbuild.validation.subject import read_subject
from pythonbuild.validation.testing import SuiteReport, run_archive
from pythonbuild.validation.validate import validate as judge_archive

__all__ = ["convert", "diff", "index", "inspect", "test", "validate"]


def validate(flags: ValidateFlags) -> int:
    """Check archives against all rules; return 1 if there are findings."""
    if flags.list_rules:
        for rule in rules():
            sys.stdout.write(f"{rule.name:18} {rule.text}{' (full archives)' if rule.full_only else ''}\n")
        for package_rule in package_rules():
            sys.stdout.write(f"{package_rule.name:18} {package_rule.text} (Debian packages)\n")
        return 0
    if not flags.archives:
        raise BadRequest("no archive was given", "name the .tar.zst, .tar.gz or .deb files, or use --list-rules")
    catalog = own_catalog()
    packages = [Path(name) for name in flags.archives if name.endswith(".deb")]
    found = {name: judge_archive(Path(name), catalog) for name in flags.archives if not name.endswith(".deb")}
    found.update({str(path): findings for path, findings in validate_packages(packages).items()})
    if flags.json:
        rows = [{"archive": name, **asdict(finding)} for name, findings in found.items() for finding in findings]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
    else:
        for name, findings in found.items():
            for finding in findings:
                sys.stdout.write(f"{name}: {finding}\n")
            count = len(package_rules() if name.endswith(".deb") else rules())
            sys.stdout.write(f"{name}: {len(findings) or 'no'} findings, {count} rules\n")
    return 1 if any(found.values()) else 0


def inspect(flags: InspectFlags) -> int:
    """Print a summary of each archive's content."""
    rows = [summary(read_subject(Path(name))) for name in flags.archives]
    if flags.json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return 0
    for row in rows:
        sys.stdout.write(f"{row['archive']}  {size(row['compressed'])}, {size(sum(row['sizes'].values()))} unpacked\n")
        sys.stdout.write(
            f"  {row['flavour']}, CPython {row['python']} for {row['target']}, {row['options'] or 'options unknown'}"
        )
        sys.stdout.write(f", needs glibc {row['glibc']}\n" if row["glibc"] else "\n")
        for part, amount in row["sizes"].items():
            sys.stdout.write(f"  {size(amount):>9}  {part}\n")
        for kind in ("builtin", "shared"):
            names = row[f"{kind}_modules"]
            if names:
                sys.stdout.write(f"  {len(names)} {kind} modules: {' '.join(names)}\n")
        libraries = sorted({library for needed in row["links"].values() for library in needed})
        sys.stdout.write(f"  links: {' '.join(libraries)}\n")
    return 0


def diff(flags: DiffFlags) -> int:
    """Print the differences of two archives; return 1 if there are any."""
    lines = difference(*(read_subject(Path(name), digests=True) for name in (flags.old, flags.new)))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.write(f"{len(lines)} differences\n" if lines else "no differences\n")
    return 1 if lines else 0


def convert(flags: ConvertFlags) -> int:
    """Make the other flavours of full archives."""
    texts = [part for text in flags.formats or ("install_only,install_only_stripped",) for part in text.split(",")]
    convertible = [name for name in FLAVOURS if name not in ("full", "sbom")]
    for flavour in (text.partition(".")[0] for text in texts):
        if flavour in (*FLAVOURS, *OTHER_FORMATS) and flavour not in convertible:
            raise BadRequest(f"convert cannot make {flavour}", f"choose from {', '.join(convertible)}")
    formats = list(dict.fromkeys(map(ArchiveFormat.parse, texts)))
    for text in flags.archives:
        archive = Path(text)
        triple = ArchiveName(archive.name).triple

        def objcopy(triple: str = triple) -> Path:
            return _objcopy(triple, flags)

        folder = Path(flags.output or archive.parent)
        for made in convert_archive(archive, formats, folder, objcopy, flags.jobs, lambda line: None):
            sys.stdout.write(f"{made}  {size(made.stat().st_size)}\n")
    return 0


def _objcopy(triple: str, flags: ConvertFlags) -> Path:
    """Return the objcopy with which builds for this target strip; fetch its toolchain if the store lacks it."""
    catalog = own_catalog()
    target = catalog.target(triple)
    if building_machine() not in target.build_machines:
        raise BadRequest(f"files of {triple} cannot be stripped on this machine", "convert the archive on Linux")
    step, program = catalog.objcopy_for(target, building_machine())
    # On this machine, where the program runs.
    build = RunFlags(
        program=flags.program, verb="build", targets=(triple,), engine="host", verbose=flags.verbose, jobs=flags.jobs
    )
    return make_step(build, step, flags).tree(step) / program


def index(flags: IndexFlags) -> int:
    """Print an index of archives for uv."""
    catalog = own_catalog()
    found = uv_index(map(Path, flags.archives), flags.base_url, catalog)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return 0


def test(flags: TestFlags) -> int:
    """Run the smoke test on archives, and with --stdlib CPython's own suite; return 1 on unexpected failures."""
    if not flags.stdlib:
        refuse(flags, "stdlib", "applies to CPython's own test suite", "add --stdlib, or drop it")
    bad = [name for name in flags.archives if not _test(Path(name), flags)]
    for name in bad:
        sys.stdout.write(f"{name}: FAILED\n")
    return 1 if bad else 0


def _test(archive: Path, flags: TestFlags) -> bool:
    """Test one archive; return whether every result is as expected."""
    sys.stdout.write(f"{archive.name}: smoke test\n")
    sys.stdout.flush()
    report = run_archive(
        archive,
        own_catalog(),
        stdlib=flags.stdlib,
        junit=Path(flags.junit) if flags.junit else None,
        arguments=flags.regrtest,
    )
    if report.suite:
        sys.stdout.write(_suite_text(archive, report.suite, report.left_out))
    return report.good


def _suite_text(archive: Path, report: SuiteReport, left_out: Sequence[ExpectedFailure]) -> str:
    lines = [f"{archive.name}: " + ", ".join(f"{count} {result}" for result, count in report.counts.items())]
    lines += [f"  not run, because it may hang: {item.test}: {item.reason}" for item in left_out]
    lines += [f"  expected: {outcome.name}: {reason}" for outcome, reason in report.expected]
    lines += [f"  FAILED: {outcome.name}: {outcome.detail}" for outcome in report.unexpected]
    return "\n".join(lines) + "\n"
