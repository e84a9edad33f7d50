"""Every edit fits the projects of every real CPython that can be had here, and none fits where upstream has changed something."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pythonbuild.catalog.load import Catalog, load_catalog
from pythonbuild.catalog.schema import Origin, ProjectChange, ProjectEdit
from pythonbuild.errors import ChangedUpstream
from pythonbuild.home import checkout
from pythonbuild.model.version import PythonVersion
from pythonbuild.projects.edit import NAMESPACE, edit_projects

Source = tuple[PythonVersion, Path]
EDITS = load_catalog(checkout() / "cpython-unix").projects
CHANGES = [(edit, change) for edit in EDITS for change in edit.changes]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "PCbuild").iterdir()}


def items(path: Path, name: str) -> list[str]:
    found = ElementTree.parse(path).getroot().iter(f"{{{NAMESPACE}}}{name}")
    return [element.get("Include", "") for element in found if element.get("Include")]


def test_all_edits_fit(source: Source) -> None:
    version, folder = source
    before = contents(folder)
    changed = edit_projects(folder, EDITS, version)
    assert changed == list(dict.fromkeys(edit.file for edit in EDITS))
    after = contents(folder)
    assert {name for name in after if after[name] != before[name]} == {Path(file).name for file in changed}
    for file in changed:
        text = after[Path(file).name].decode()
        assert "ns0:" not in text
        # What was said there in comments still is.
        comments = re.findall(
            r"<!--.*?-->", before[Path(file).name].decode("utf-8-sig").replace("\r\n", "\n"), re.DOTALL
        )
        assert all(comment in text for comment in comments)


def test_the_files_of_the_edited_library_are_there(
    source: Source, catalog: Catalog, archive: Callable[[str, tuple[Origin, ...]], Path]
) -> None:
    version, folder = source
    with tarfile.open(archive("xz", catalog.recipe("xz").recipe.sources[0].origins)) as tar:
        there = {name.partition("/")[2] for name in tar.getnames()}

    def missing() -> set[str]:
        files = {name.removeprefix("$(lzmaDir)") for name in items(folder / "PCbuild" / "liblzma.vcxproj", "ClCompile")}
        assert len(files) > 70
        return {name.replace("\\", "/") for name in files} - there

    assert missing()
    edit_projects(folder, EDITS, version)
    assert not missing()


def test_what_is_built_is_all_but_the_launchers(source: Source) -> None:
    version, folder = source
    before = items(folder / "PCbuild" / "pcbuild.proj", "Projects")
    edit_projects(folder, EDITS, version)
    after = items(folder / "PCbuild" / "pcbuild.proj", "Projects")
    assert set(before) - set(after) == {"pylauncher.vcxproj;pywlauncher.vcxproj", "pyshellext.vcxproj"}
    assert "venvlauncher.vcxproj;venvwlauncher.vcxproj" in after  # venv copies these


def test_sqlite_has_the_features_of_other_platforms(source: Source, catalog: Catalog) -> None:
    version, folder = source
    edit_projects(folder, EDITS, version)
    defined = set(re.findall(r"SQLITE_ENABLE_\w+", (folder / "PCbuild" / "sqlite3.vcxproj").read_text()))
    script = catalog.recipe("sqlite").templates["build.sh.j2"]
    assert defined == set(re.findall(r"SQLITE_ENABLE_\w+", script))


def test_projects_are_told_from_outside_where_libraries_lie(source: Source) -> None:
    _, folder = source
    root = ElementTree.parse(folder / "PCbuild" / "python.props").getroot()
    imported = [element.get("Project") for element in root.iter(f"{{{NAMESPACE}}}Import")]
    assert "$(ExternalProps)" in imported
    for name in ("sqlite3Dir", "bz2Dir", "lzmaDir", "libffiOutDir", "opensslOutDir", "opensslIncludeDir", "zlibDir"):
        (property_,) = root.iter(f"{{{NAMESPACE}}}{name}")
        assert property_.get("Condition") == f"$({name}) == ''"


def planted(root: ElementTree.Element, change: ProjectChange) -> Iterator[str]:
    """Change what `change` is about as upstream might; yields what was done, once it is done."""
    parents = {child: parent for parent in root.iter() for child in parent}
    (element,) = root.findall(change.at, {"m": NAMESPACE})
    parents[element].append(element)
    yield "it is there twice"
    parents[element].remove(element)
    for word in change.replace:
        element.text = (element.text or "").replace(word, "")
        yield "its text has changed"
    parents[element].remove(element)
    yield "it is gone"


@pytest.mark.parametrize(("edit", "change"), CHANGES, ids=[f"{edit.name}-{change.at}" for edit, change in CHANGES])
def test_what_upstream_changes_is_noticed(source: Source, edit: ProjectEdit, change: ProjectChange) -> None:
    version, folder = source
    root = ElementTree.parse(folder / edit.file).getroot()
    for what in planted(root, change):
        ElementTree.ElementTree(root).write(folder / edit.file)
        before = contents(folder)
        with pytest.raises(ChangedUpstream, match=f"edit {edit.name} does not fit {edit.file} of CPython {version}"):
            edit_projects(folder, EDITS, version)
        assert contents(folder) == before, what


@pytest.mark.parametrize("edit", EDITS, ids=[edit.name for edit in EDITS])
def test_a_file_that_is_gone_or_no_xml_is_noticed(source: Source, edit: ProjectEdit) -> None:
    version, folder = source
    (folder / edit.file).write_text("<Project>")
    with pytest.raises(ChangedUpstream, match="no XML"):
        edit_projects(folder, EDITS, version)
    (folder / edit.file).unlink()
    with pytest.raises(ChangedUpstream, match="no such file"):
        edit_projects(folder, EDITS, version)
