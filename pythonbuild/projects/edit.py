"""Edits to MSBuild projects: XML trees are changed as data says, or, where they are not what it expects, not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from pythonbuild.catalog.schema import ProjectChange, ProjectEdit
from pythonbuild.errors import BadCatalog, ChangedUpstream
from pythonbuild.model.version import PythonVersion

__all__ = ["NAMESPACE", "edit_projects"]

# https://learn.microsoft.com/visualstudio/msbuild/project-element-msbuild
NAMESPACE = "http://schemas.microsoft.com/developer/msbuild/2003"
_Element = ElementTree.Element


def edit_projects(tree: Path, edits: Iterable[ProjectEdit], python: PythonVersion) -> list[str]:
    """Make the edits that are for `python` in its source tree; returns the files changed, relative to it.

    Raises ChangedUpstream, and leaves every file as it was, if one does not fit as often as it says; BadCatalog if an edit itself is wrong.
    """
    roots: dict[str, _Element] = {}
    for edit in edits:
        if edit.pythons and not python.within(edit.pythons):
            continue
        if edit.file not in roots:
            roots[edit.file] = _read(tree / edit.file, edit, python)
        for change in edit.changes:
            _apply(roots[edit.file], change, edit, python)
    for file, root in roots.items():
        _write(tree / file, root)
    return list(roots)


def _read(path: Path, edit: ProjectEdit, python: PythonVersion) -> _Element:
    # Comments say what projects are for; a parser drops them unless it is told not to.  Sources are known by their hash: no attack.
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))  # noqa: S314
    try:
        return ElementTree.parse(path, parser).getroot()  # noqa: S314
    except FileNotFoundError:
        raise _unfit(edit, python, "there is no such file") from None
    except ElementTree.ParseError as error:
        raise _unfit(edit, python, f"it is no XML: {error}") from None


def _write(path: Path, root: _Element) -> None:
    ElementTree.register_namespace("", NAMESPACE)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    ElementTree.ElementTree(root).write(partial, encoding="utf-8", xml_declaration=True)
    partial.replace(path)


def _apply(root: _Element, change: ProjectChange, edit: ProjectEdit, python: PythonVersion) -> None:
    try:
        found = root.findall(change.at, {"m": NAMESPACE})
    except (SyntaxError, TypeError) as error:  # it has both ways to say so
        raise BadCatalog(f"edit {edit.name} of {edit.file}: {change.at!r} is no XPath: {error}") from None
    if len(found) != change.times:
        raise _unfit(edit, python, f"{change.at} is there {len(found)} times, not {change.times}")
    parents = {child: parent for parent in root.iter() for child in parent}
    for element in found:
        if change.remove:
            parents[element].remove(element)
        for offset, added in enumerate(_parsed(change, edit), start=1):
            added.tail = element.tail
            parents[element].insert(list(parents[element]).index(element) + offset, added)
        for old, new in change.replace.items():
            text = element.text or ""
            if text.count(old) != 1:
                raise _unfit(edit, python, f"{old!r} is {text.count(old)} times in the text of {change.at}, not once")
            element.text = text.replace(old, new)


def _parsed(change: ProjectChange, edit: ProjectEdit) -> list[_Element]:
    try:
        return list(ElementTree.fromstring(f'<Project xmlns="{NAMESPACE}">{change.after}</Project>'))  # noqa: S314
    except ElementTree.ParseError as error:
        raise BadCatalog(
            f"edit {edit.name} of {edit.file}: what comes after {change.at!r} is no XML: {error}"
        ) from None


def _unfit(edit: ProjectEdit, python: PythonVersion, why: str) -> ChangedUpstream:
    return ChangedUpstream(
        f"edit {edit.name} does not fit {edit.file} of CPython {python}: {why}",
        "adapt cpython-windows/projects.yml to what the file says now",
    )
