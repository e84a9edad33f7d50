"""Summarize an archive in numbers, and list the differences between two archives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pythonbuild.validation.subject import Subject

__all__ = ["difference", "summary"]

# Part -> pattern of names in the archive; the first match counts.
_PARTS = (
    ("objects and static libraries", r"python/build/.*|.*\.a"),
    ("licences", r"python/licenses/.*"),
    (
        "CPython's tests",
        r".*/lib/python3[^/]*/(test|idlelib/idle_test)/.*|.*/lib-dynload/(_test|_ctypes_test|_xxtest|xx)[^/]*",
    ),
    ("standard library", r".*/lib/python3.*"),
    ("Tcl and Tk", r".*/lib/(lib)?(tcl|tk)[^/]*(/.*)?"),
    ("interpreter", r".*/bin/python3\.\d+[td]*"),
    ("shared libpython", r".*/lib/libpython.*"),
    ("headers", r".*/include/.*"),
    ("everything else", r".*"),
)


def summary(subject: Subject) -> dict[str, Any]:
    """Return an archive's version, options, sizes in bytes by part, modules and links as plain values."""
    variables = subject.variables
    facts = subject.facts or {}
    extensions: dict[str, Any] = facts.get("build_info", {}).get("extensions", {}) if facts else {}
    shared = sorted(name for name, found in extensions.items() if found and "shared_lib" in found[0])
    return {
        "archive": subject.path.name,
        "flavour": _flavour(subject),
        "python": facts.get("python_version") or variables.get("py_version") or str(variables.get("VERSION", "")),
        "target": facts.get("target_triple") or subject.gnu_triple,
        "options": facts.get("build_options") or "+".join(sorted(subject.options)),
        "glibc": ".".join(map(str, max((max(elf.glibc) for elf in subject.elf.values() if elf.glibc), default=()))),
        "compressed": subject.path.stat().st_size,
        "sizes": _sizes(subject),
        "files": sum(entry.kind == "file" for entry in subject.entries.values()),
        "builtin_modules": sorted(set(extensions) - set(shared)),
        "shared_modules": shared or sorted(_modules(subject)),
        "links": {name: list(needed) for name, needed in sorted(subject.needed.items())},
    }


def difference(old: Subject, new: Subject) -> list[str]:
    """Return one line per difference in files, links and PYTHON.json.  Both archives must have been read with digests."""
    lines = []
    before, after = old.entries, new.entries
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            lines.append(f"- {name}")
        elif name not in before:
            lines.append(f"+ {name}")
        elif before[name] != after[name]:
            lines.append(f"~ {name}: {_change(old, new, name)}")
    for key, (left, right) in _changed_values(old.facts or {}, new.facts or {}):
        lines.append(f"~ PYTHON.json {key}: {left!r} -> {right!r}")
    return lines


def _change(old: Subject, new: Subject, name: str) -> str:
    left, right = old.entries[name], new.entries[name]
    said = []
    for what in ("kind", "link", "size", "mode", "owner"):
        if getattr(left, what) != getattr(right, what):
            form = "{:o}" if what == "mode" else "{}"
            said.append(f"{what} {form.format(getattr(left, what))} -> {form.format(getattr(right, what))}")
    needed = [set(subject.needed.get(name, ())) for subject in (old, new)]
    said += [f"no longer needs {library}" for library in sorted(needed[0] - needed[1])]
    said += [f"now needs {library}" for library in sorted(needed[1] - needed[0])]
    return ", ".join(said or ["content differs"])


def _changed_values(old: dict[str, Any], new: dict[str, Any], path: str = "") -> Iterator[tuple[str, tuple[Any, Any]]]:
    for key in sorted(old.keys() | new.keys()):
        left, right = old.get(key), new.get(key)
        if isinstance(left, dict) and isinstance(right, dict):
            yield from _changed_values(left, right, f"{path}{key}.")
        elif left != right:
            yield f"{path}{key}", (left, right)


def _flavour(subject: Subject) -> str:
    if subject.full:
        return "full"
    stripped = subject.elf and not any(elf.debug_sections for elf in subject.elf.values())
    return "install_only_stripped" if stripped else "install_only"


def _sizes(subject: Subject) -> dict[str, int]:
    sizes = {part: 0 for part, _ in _PARTS}
    for entry in subject.entries.values():
        part = next(name for name, pattern in _PARTS if re.fullmatch(pattern, entry.name))
        sizes[part] += entry.size
    return {part: size for part, size in sizes.items() if size}


def _modules(subject: Subject) -> set[str]:
    return {entry.name.rsplit("/", 1)[-1].split(".")[0] for entry in subject.files(r".*/lib-dynload/[^/]+\.so")}
