"""Every edit fits the projects of every real CPython here, and fails where upstream has changed its place."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from pythonbuild.catalog.load import Catalog, load_catalog
from pythonbuild.catalog.schema import Origin, ProjectChange, ProjectEdit
from pythonbuild.home import checkout
from pythonbuild.host.toolchains import Msvc
from pythonbuild.model.version import PythonVersion
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.planner import make_plan
from pythonbuild.plan.step import ScriptAction
from pythonbuild.request.build import BuildRequest, resolve

Source = tuple[PythonVersion, Path]
CATALOG = load_catalog(checkout() / "cpython-unix")
EDITS = CATALOG.projects
VERSION = PythonVersion.parse("3.13.15")
CHANGES = [(edit, change) for edit in EDITS for change in edit.changes]
EDITOR = checkout() / "cpython-windows/packages/cpython/files/edit_projects.py"
# https://learn.microsoft.com/visualstudio/msbuild/project-element-msbuild
NAMESPACE = "http://schemas.microsoft.com/developer/msbuild/2003"


def for_version(version: PythonVersion) -> list[ProjectEdit]:
    return [edit for edit in EDITS if not edit.pythons or version.within(edit.pythons)]


def edited(folder: Path, version: PythonVersion, edits: Iterable[ProjectEdit]) -> subprocess.CompletedProcess[str]:
    """Call the program that a build calls, with what a plan gives it."""
    given = folder.parent / "projects.json"
    given.write_bytes(msgspec.json.encode({"python": str(version), "edits": list(edits)}))
    command = [sys.executable, "-I", "-B", str(EDITOR), str(folder), str(given)]
    return subprocess.run(command, capture_output=True, text=True)


def edit_projects(folder: Path, version: PythonVersion) -> list[str]:
    """Make all edits that are for a version; returns the files that the program says it has edited."""
    done = edited(folder, version, for_version(version))
    assert done.returncode == 0, done.stderr
    return [line.removeprefix("edited ") for line in done.stdout.splitlines()]


def refusal(folder: Path, version: PythonVersion, edits: Iterable[ProjectEdit]) -> str:
    """Return why edits are not made, and see that nothing was."""
    before = contents(folder)
    done = edited(folder, version, edits)
    assert done.returncode == 1
    assert done.stderr.startswith("error: edit ")
    assert contents(folder) == before
    return done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "PCbuild").iterdir()}


def items(path: Path, name: str) -> list[str]:
    found = ElementTree.parse(path).getroot().iter(f"{{{NAMESPACE}}}{name}")
    return [element.get("Include", "") for element in found if element.get("Include")]


def test_all_edits_fit(source: Source) -> None:
    version, folder = source
    before = contents(folder)
    changed = edit_projects(folder, version)
    assert changed == list(dict.fromkeys(edit.file for edit in for_version(version)))
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
    edit_projects(folder, version)
    assert not missing()


@pytest.mark.parametrize(
    ("project", "folder_property", "recipe"),
    [("_bz2.vcxproj", "bz2Dir", "bzip2"), ("_decimal.vcxproj", "mpdecimalDir", "mpdecimal")],
)
def test_the_files_of_other_libraries_are_there(
    source: Source,
    catalog: Catalog,
    archive: Callable[[str, tuple[Origin, ...]], Path],
    project: str,
    folder_property: str,
    recipe: str,
) -> None:
    version, folder = source
    made = catalog.recipe(recipe, catalog.target("x86_64-pc-windows-msvc"))
    start = f"$({folder_property})\\"
    kinds = ("ClCompile", "CustomBuild")  # headers are listed for the editor alone
    files = {name for kind in kinds for name in items(folder / "PCbuild" / project, kind) if name.startswith(start)}
    assert bool(files) == made.applies_to("x86_64-pc-windows-msvc", version)
    with tarfile.open(archive(recipe, made.recipe.sources[0].origins)) as tar:
        there = {name.partition("/")[2] for name in tar.getnames()}
    assert not {name.removeprefix(start).replace("\\", "/") for name in files} - there


def test_all_projects_but_the_launchers_are_built(source: Source) -> None:
    version, folder = source
    before = items(folder / "PCbuild" / "pcbuild.proj", "Projects")
    edit_projects(folder, version)
    after = items(folder / "PCbuild" / "pcbuild.proj", "Projects")
    assert set(before) - set(after) == {"pylauncher.vcxproj;pywlauncher.vcxproj", "pyshellext.vcxproj"}
    assert "venvlauncher.vcxproj;venvwlauncher.vcxproj" in after  # venv copies these


def test_sqlite_has_the_features_of_other_platforms(source: Source, catalog: Catalog) -> None:
    version, folder = source
    edit_projects(folder, version)
    defined = set(re.findall(r"SQLITE_ENABLE_\w+", (folder / "PCbuild" / "sqlite3.vcxproj").read_text()))
    script = catalog.recipe("sqlite").templates["build.sh.j2"]
    assert defined == set(re.findall(r"SQLITE_ENABLE_\w+", script))


def test_properties_name_the_folders_of_libraries(source: Source) -> None:
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
def test_changes_by_upstream_are_noticed(source: Source, edit: ProjectEdit, change: ProjectChange) -> None:
    version, folder = source
    if edit not in for_version(version):
        pytest.skip("this edit is for other versions")
    root = ElementTree.parse(folder / edit.file).getroot()
    for _ in planted(root, change):
        ElementTree.ElementTree(root).write(folder / edit.file)
        said = refusal(folder, version, for_version(version))
        assert f"edit {edit.name} does not fit {edit.file} of CPython {version}" in said


@pytest.mark.parametrize("edit", EDITS, ids=[edit.name for edit in EDITS])
def test_a_file_that_is_gone_or_no_xml_is_noticed(source: Source, edit: ProjectEdit) -> None:
    version, folder = source
    (folder / edit.file).write_text("<Project>")
    assert "not XML" in refusal(folder, version, [edit])
    (folder / edit.file).unlink()
    assert "does not exist" in refusal(folder, version, [edit])


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A project of two lines."""
    (tmp_path / "small").mkdir()
    (tmp_path / "small/PCbuild").mkdir()
    (tmp_path / "small/PCbuild/a.proj").write_text(f'<Project xmlns="{NAMESPACE}"><Item Include="x" />\n</Project>')
    return tmp_path / "small"


def an_edit(**change: object) -> ProjectEdit:
    return msgspec.convert({"name": "one", "why": "", "file": "PCbuild/a.proj", "changes": [change]}, ProjectEdit)


@pytest.mark.parametrize("change", [{"at": ".//m:Item[", "remove": True}, {"at": ".//m:Item", "after": "<Item"}])
def test_a_wrong_edit_is_named(small: Path, change: dict[str, object]) -> None:
    assert "error: edit one does not fit PCbuild/a.proj" in refusal(small, VERSION, [an_edit(**change)])


@pytest.mark.parametrize("change", [{"at": "x"}, {"at": "x", "remove": True, "after": "<y/>"}])
def test_a_change_does_one_thing(change: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError, match="one of remove, after, replace"):
        an_edit(**change)


def test_later_elements_keep_their_order(small: Path) -> None:
    done = edited(small, VERSION, [an_edit(at=".//m:Item", after='<Item Include="y" /><Item Include="z" />')])
    assert done.returncode == 0, done.stderr
    text = (small / "PCbuild/a.proj").read_text()
    assert text.index('"x"') < text.index('"y"') < text.index('"z"')


def test_a_plan_has_the_edits_for_its_version(source: Source) -> None:
    version, _ = source
    request = BuildRequest(
        ("x86_64-pc-windows-msvc",), (f"cpython-{version}",), (), "x86_64-windows", msvc=Msvc("1", Path("sh"))
    )
    plan = make_plan(resolve(request, CATALOG), CATALOG, PlanningFacts("x86_64-windows", msvc=Msvc("1", Path("sh"))))
    (action,) = (step.action for step in plan if step.name.startswith("cpython-"))
    assert isinstance(action, ScriptAction)
    given = json.loads(action.files["projects.json"])
    assert given["python"] == str(version)
    assert [edit["name"] for edit in given["edits"]] == [edit.name for edit in for_version(version)]
