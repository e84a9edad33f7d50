"""Edits of project files that are themselves wrong, and those that are for other versions."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pythonbuild.catalog.schema import ProjectEdit
from pythonbuild.errors import BadCatalog
from pythonbuild.model.version import PythonVersion
from pythonbuild.projects.edit import NAMESPACE, edit_projects

VERSION = PythonVersion.parse("3.13.15")


def edit(**change: object) -> ProjectEdit:
    return msgspec.convert({"name": "an-edit", "why": "", "file": "a.proj", "changes": [change]}, ProjectEdit)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "a.proj").write_text(f'<Project xmlns="{NAMESPACE}"><Item Include="x" />\n</Project>')
    return tmp_path


@pytest.mark.parametrize("change", [{"at": ".//m:Item[", "remove": True}, {"at": ".//m:Item", "after": "<Item"}])
def test_a_wrong_edit_is_named(tree: Path, change: dict[str, object]) -> None:
    with pytest.raises(BadCatalog, match=r"edit an-edit of a\.proj"):
        edit_projects(tree, [edit(**change)], VERSION)


@pytest.mark.parametrize("change", [{"at": "x"}, {"at": "x", "remove": True, "after": "<y/>"}])
def test_a_change_does_one_thing(change: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError, match="one of remove, after, replace"):
        edit(**change)


def test_what_comes_after_keeps_its_order(tree: Path) -> None:
    edit_projects(tree, [edit(at=".//m:Item", after='<Item Include="y" /><Item Include="z" />')], VERSION)
    text = (tree / "a.proj").read_text()
    assert text.index('"x"') < text.index('"y"') < text.index('"z"')


def test_an_edit_for_other_versions_is_left_out(tree: Path) -> None:
    other = msgspec.structs.replace(edit(at=".//m:Gone", remove=True), pythons=">=3.14")
    assert edit_projects(tree, [other], VERSION) == []
