"""Read an archive in one pass, and keep only the facts that rules need, not the files themselves."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from pythonbuild.binaries.archive import Member, members, unsafe
from pythonbuild.binaries.elf import ElfFacts, elf_facts, object_format
from pythonbuild.binaries.macho import MACHO_MAGIC, MachOFacts, has_cold_functions, macho_facts
from pythonbuild.binaries.pe import PeFacts, pe_facts
from pythonbuild.errors import BadArchive
from pythonbuild.model.options import OPTION_NAMES

__all__ = ["Entry", "Subject", "read_subject", "sysconfig_variables"]

# Paths of build roots, stores, home folders and a peer's build container.  Not `/tmp/`: documentation mentions it.
_LEAKS = re.compile(
    rb"(?:\.cache/pythonbuild/|/store/trees/[0-9a-f]{16}|/roots/[A-Za-z0-9._+]+-[0-9a-f]{12}/|/tools/(?:deps|host)/|/home/[a-z0-9_-]+/)[^\0\s\"']{0,60}"
)
# Files that may contain such paths: tests, documentation and terminfo.
_NO_LEAKS_BELOW = re.compile(r"/(?:test|tests|idle_test)/|\.(?:txt|rst|html|terms)$|/terminfo/")
_KEPT_TEXT = re.compile(r"(?:_sysconfigdata_[^/]*\.py|\.pc|/Makefile|/python[^/]*-config|build-details\.json)$")


@dataclass(frozen=True)
class Entry:
    """An archive entry without its content.  `kind`: file, link, folder or other; `digest`: a file's SHA-256, if requested."""

    name: str
    kind: str
    size: int
    mode: int
    link: str = ""
    owner: tuple[int, int, str, str] = (0, 0, "root", "root")
    digest: str = ""


@dataclass
class Subject:
    """The facts read from an archive.

    root: the installation's folder in the archive, "python/install" or "python"; facts: the content of PYTHON.json;
    elf, macho, pe: programs and libraries by name; objects: formats of object files by name;
    texts: small files that rules read; programs: first lines of scripts; variables: sysconfig's, from _sysconfigdata.
    """

    path: Path
    entries: dict[str, Entry] = field(default_factory=dict)
    first: str = ""
    repeated: list[str] = field(default_factory=list)
    unsafe: dict[str, str] = field(default_factory=dict)
    facts: Optional[dict[str, Any]] = None
    elf: dict[str, ElfFacts] = field(default_factory=dict)
    macho: dict[str, MachOFacts] = field(default_factory=dict)
    pe: dict[str, PeFacts] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    unreadable_foreign: list[str] = field(default_factory=list)
    objects: dict[str, str] = field(default_factory=dict)
    profiled: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)
    leaks: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        """Whether this is a full archive, which contains PYTHON.json."""
        return self.facts is not None

    @property
    def root(self) -> str:
        """The installation's folder in the archive."""
        return "python/install" if self.full else "python"

    @property
    def options(self) -> frozenset[str]:
        """The build options that the archive claims: those in PYTHON.json or, without one, in the file name."""
        if self.facts is not None:
            return frozenset(str(self.facts.get("build_options", "")).split("+"))
        known = f"(?:{'|'.join(OPTION_NAMES)})"
        found = re.search(rf"-({known}(?:\+{known})*)-", self.path.name)
        return frozenset(found[1].split("+")) if found else frozenset()

    @property
    def cpu(self) -> str:
        """The CPU in PYTHON.json's target triple, or "" without one."""
        return str((self.facts or {}).get("target_triple", "")).split("-", 1)[0]

    @property
    def gnu_triple(self) -> str:
        """The GNU triple in sysconfig, without the vendor, e.g. i686-linux-gnu."""
        # MULTIARCH is Debian's name for the platform: i386-linux-gnu for i686-linux-gnu.
        parts = str(self.variables.get("HOST_GNU_TYPE") or self.variables.get("MULTIARCH", "")).split("-")
        return "-".join(parts[:1] + parts[2:] if len(parts) > 3 else parts)

    @property
    def exported(self) -> dict[str, frozenset[str]]:
        """The symbols that each ELF and Mach-O file exports, by file name."""
        found = {name: facts.exported for name, facts in self.elf.items()}
        return {**found, **{name: facts.exported for name, facts in self.macho.items()}}

    @property
    def needed(self) -> dict[str, tuple[str, ...]]:
        """The libraries that each ELF and Mach-O file needs, by file name."""
        found = {name: facts.needed for name, facts in self.elf.items()}
        return {**found, **{name: facts.needed for name, facts in self.macho.items()}}

    def files(self, pattern: str) -> Iterator[Entry]:
        """Yield the files whose full name matches a regular expression."""
        compiled = re.compile(pattern)
        for entry in self.entries.values():
            if entry.kind == "file" and compiled.fullmatch(entry.name):
                yield entry


def read_subject(path: Path, digests: bool = False) -> Subject:
    """Read the archive of a Python, and hash each file if `digests` is set.  Raises BadArchive if it cannot be read."""
    subject = Subject(path)
    for member in members(path):
        _take(subject, member, digests)
    if not any(name.startswith("python/") for name in subject.entries):
        raise BadArchive(
            f"{path.name} does not contain a folder python/",
            "pass a full, install_only or install_only_stripped archive",
        )
    return subject


def _take(subject: Subject, member: Member, digests: bool) -> None:
    info = member.info
    name = info.name.rstrip("/")
    if name in subject.entries:
        subject.repeated.append(name)
    reason = unsafe(info)
    if reason:
        subject.unsafe[name] = reason
    kind = "file" if info.isreg() else "link" if info.issym() else "folder" if info.isdir() else "other"
    owner = (info.uid, info.gid, info.uname, info.gname)
    digest = hashlib.sha256(member.data).hexdigest() if digests and kind == "file" else ""
    subject.entries[name] = Entry(name, kind, info.size, info.mode, member.link, owner, digest)
    subject.first = subject.first or name
    if kind == "file":
        _take_content(subject, name, member.data)


def _take_content(subject: Subject, name: str, data: bytes) -> None:
    if name == "python/PYTHON.json":
        subject.facts = _json(subject.path, data)
    if name.startswith("python/build/") and name.endswith(".o"):
        _take_object(subject, name, data)
    elif not name.endswith((".o", ".obj")):
        _take_binary(subject, name, data)
    if data[:2] == b"#!":
        subject.programs[name] = data[:300].split(b"\n", 1)[0].decode("utf-8", "replace")
    if _KEPT_TEXT.search(name):
        subject.texts[name] = data.decode("utf-8", "replace")
        if "_sysconfigdata_" in name:
            subject.variables = sysconfig_variables(subject.texts[name])
    if not _NO_LEAKS_BELOW.search(name):
        leak = _LEAKS.search(data)
        if leak:
            subject.leaks[name] = leak[0].decode("utf-8", "replace")


def _take_binary(subject: Subject, name: str, data: bytes) -> None:
    if data[:4] == b"\x7fELF":
        elf = elf_facts(data)
        if elf:
            subject.elf[name] = elf
        else:
            subject.unreadable.append(name)
    elif "/site-packages/" in name:
        return  # pip ships launchers for every Windows architecture
    # Java class files start with one of Mach-O's magic numbers, and "MZ" alone does not identify PE files.
    elif data[:4] in MACHO_MAGIC and not name.endswith(".class"):
        macho = macho_facts(data)
        if macho:
            subject.macho[name] = macho
        else:
            subject.unreadable_foreign.append(name)
    elif data[:2] == b"MZ" and name.endswith((".exe", ".dll", ".pyd")):
        pe = pe_facts(data)
        if pe:
            subject.pe[name] = pe
        else:
            subject.unreadable_foreign.append(name)


def _take_object(subject: Subject, name: str, data: bytes) -> None:
    kind = object_format(data)
    subject.objects[name] = kind
    # Bitcode contains a summary of the profile that the compiler used.  In ELF files, compilers put functions that the
    # profile marks as hot into sections named .text.hot; in Mach-O files, they mark cold functions instead.
    mark = b"ProfileSummary" if kind == "llvm-bitcode" else b".text.hot"
    if has_cold_functions(data) if kind == "mach-o" else mark in data:
        subject.profiled.add(name)


def _json(path: Path, data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadArchive(f"PYTHON.json of {path.name} is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadArchive(f"PYTHON.json of {path.name} is not a JSON object")
    return value


def sysconfig_variables(text: str) -> dict[str, Any]:
    """Return build_time_vars of a _sysconfigdata module without running it, or {} if it cannot be read."""
    try:
        for node in ast.parse(text).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "build_time_vars":
                value = ast.literal_eval(node.value)
                return value if isinstance(value, dict) else {}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    return {}
