"""Edit MSBuild projects as data describes.  If a project is not what the data expects, no project changes.

Called as: edit_projects.py TREE EDITS, with CPython's sources and a JSON file: {"python": its version, "edits": the edits of projects.yml
for this version}.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

# https://learn.microsoft.com/visualstudio/msbuild/project-element-msbuild
NAMESPACE = "http://schemas.microsoft.com/developer/msbuild/2003"


class Unfit(Exception):
    """An edit does not fit the current content of its file; the text says which, and why."""


def edit_projects(tree: Path, python: str, edits: list[dict[str, Any]]) -> list[str]:
    """Make the edits in a source tree; return the changed files, relative to the tree.

    python: the version of CPython, for messages.  Raises Unfit and changes no file if an edit does not fit as often as it must.
    """
    roots: dict[str, ElementTree.Element] = {}
    for edit in edits:
        file = edit["file"]
        try:
            if file not in roots:
                roots[file] = read(tree / file)
            for change in edit["changes"]:
                apply(roots[file], change)
        except Unfit as problem:
            raise Unfit(
                f"edit {edit['name']} does not fit {file} of CPython {python}: {problem}\n"
                "adapt cpython-windows/projects.yml to the current content of the file"
            ) from None
    for file, root in roots.items():
        write(tree / file, root)
    return list(roots)


def read(path: Path) -> ElementTree.Element:
    """Return the root of a project."""
    # By default, a parser drops comments, which explain the projects.  Sources are known by their hash, so this is not an attack.
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))  # noqa: S314
    try:
        return ElementTree.parse(path, parser).getroot()  # noqa: S314
    except FileNotFoundError:
        raise Unfit("the file does not exist") from None
    except ElementTree.ParseError as error:
        raise Unfit(f"it is not XML: {error}") from None


def write(path: Path, root: ElementTree.Element) -> None:
    """Write a project, completely or not at all."""
    ElementTree.register_namespace("", NAMESPACE)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    ElementTree.ElementTree(root).write(partial, encoding="utf-8", xml_declaration=True)
    partial.replace(path)


def apply(root: ElementTree.Element, change: dict[str, Any]) -> None:
    """Make one change: at, times, and one of remove, after, replace, as in ProjectChange of the schema."""
    at = change["at"]
    try:
        found = root.findall(at, {"m": NAMESPACE})
    except (SyntaxError, TypeError) as error:  # findall() can raise either
        raise Unfit(f"{at!r} is not an XPath: {error}") from None
    if len(found) != change["times"]:
        raise Unfit(f"{at} occurs {len(found)} times, not {change['times']}")
    parents = {child: parent for parent in root.iter() for child in parent}
    for element in found:
        if change["remove"]:
            parents[element].remove(element)
        for offset, added in enumerate(parsed(change["after"]), start=1):
            added.tail = element.tail
            parents[element].insert(list(parents[element]).index(element) + offset, added)
        for old, new in change["replace"].items():
            text = element.text or ""
            if text.count(old) != 1:
                raise Unfit(f"{old!r} occurs {text.count(old)} times in the text of {at}, not once")
            element.text = text.replace(old, new)


def parsed(text: str) -> list[ElementTree.Element]:
    """Return the elements in a piece of a project."""
    try:
        return list(ElementTree.fromstring(f'<Project xmlns="{NAMESPACE}">{text}</Project>'))  # noqa: S314
    except ElementTree.ParseError as error:
        raise Unfit(f"the inserted text is not XML: {error}") from None


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    try:
        for name in edit_projects(Path(sys.argv[1]), given["python"], given["edits"]):
            print(f"edited {name}")  # noqa: T201
    except Unfit as problem:
        sys.exit(f"error: {problem}")
