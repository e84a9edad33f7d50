"""Print what CPython's projects for Windows make: built-in modules, extension modules, and the libraries that each links with.

Called as: read_projects.py TREE [PROPERTY=VALUE]..., with CPython's sources and the values of MSBuild properties that occur in names
of libraries.  Writes JSON: {"builtins": {module: function that makes it, or null}, "core": made, "extensions": {module: made}}, where
made is {"links": libraries that it links with, without .lib, "recipes": recipes whose sources or libraries it contains}.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

_M = "{http://schemas.microsoft.com/developer/msbuild/2003}"
# The macros tested in PC/config.c that pythonbuild's builds define, and the values of properties in the names of our libraries.
_DEFINED = {"WIN32", "MS_WINDOWS_DESKTOP", "_Py_HAVE_ZLIB"}
_PROPERTIES = {"OutDir": "", "PyDebugExt": ""}
# Property sheets of all projects; their content does not concern any one project.
_FOR_ALL = ("python.props", "pyproject.props")
# Prefix of properties that name folders -> the recipe that the folder comes from.
_RECIPES = {
    "bz2": "bzip2",
    "libffi": "libffi",
    "lzma": "xz",
    "mpdecimal": "mpdecimal",
    "openssl": "openssl",
    "sqlite3": "sqlite",
    "tcltk": "tcltk",
    "zlib": "zlib",
    "zlibng": "zlib-ng",
    "zstd": "zstd",
}


class Unknown(Exception):
    """The sources contain something that this program does not understand; the text says what, and where."""


def builtins(config: str) -> dict[str, str | None]:
    """Return the table of built-in modules in PC/config.c: name -> the function that makes it, None for modules without one."""
    table = config[config.index("_PyImport_Inittab[]") :]
    found: dict[str, str | None] = {}
    kept = [True]
    for line in table.splitlines():
        if line.startswith("#if"):
            kept.append(kept[-1] and _holds(line))
        elif line.startswith("#endif"):
            kept.pop()
        elif line.startswith("#"):
            raise Unknown(f"PC/config.c: {line}")
        elif kept[-1] and (entry := re.match(r'\s*\{"(\w+)", (\w+)\}', line)):
            found[entry[1]] = None if entry[2] == "NULL" else entry[2]
        elif re.match(r"\s*\{0, 0\}", line):
            return found
    raise Unknown("PC/config.c: the table has no end")


def _holds(line: str) -> bool:
    """Return whether one of the names that a line tests is defined."""
    words = line.removeprefix("#ifdef").removeprefix("#if").split("||")
    names = [re.fullmatch(r"\s*(?:defined\((\w+)\)|(\w+))\s*", word) for word in words]
    if None in names:
        raise Unknown(f"PC/config.c: {line}")
    return any((name[1] or name[2]) in _DEFINED for name in names if name)


class Projects:
    """The folder PCbuild, and the extension modules for which it has projects."""

    def __init__(self, folder: Path, properties: dict[str, str]) -> None:
        self._folder = folder
        self._properties = {**_PROPERTIES, **properties}
        self.modules = self._modules()

    def _root(self, name: str) -> ElementTree.Element:
        return ElementTree.parse(self._folder / name).getroot()  # noqa: S314  (it is known by its hash)

    def _modules(self) -> list[str]:
        """Return the names of the extension modules that pcbuild.proj lists."""
        root = self._root("pcbuild.proj")
        items = [
            item for kind in ("ExtensionModules", "ExternalModules", "TestModules") for item in root.iter(_M + kind)
        ]
        words = {word for item in items for word in item.get("Include", "").split(";") if not word.startswith("@(")}
        return sorted(name for name in words if self._kind(f"{name}.vcxproj") == "DynamicLibrary")

    def _kind(self, project: str) -> str:
        found = {element.text or "" for element in self._root(project).iter(f"{_M}ConfigurationType")}
        if len(found) != 1:
            raise Unknown(f"{project} has the kinds {sorted(found)}, not exactly one")
        return found.pop()

    def made(self, project: str) -> dict[str, list[str]]:
        """Return what a project's module or DLL is made of."""
        return {"links": self.links(project), "recipes": self.recipes(project)}

    def links(self, project: str) -> list[str]:
        """Return the libraries that a project links with: named by it or by the sheets that it imports, or made by another project."""
        root = self._root(project)
        texts = [element.text or "" for element in root.iter(f"{_M}AdditionalDependencies")]
        for imported in root.iter(f"{_M}Import"):
            sheet = imported.get("Project", "")
            if (self._folder / sheet).is_file() and sheet not in _FOR_ALL:
                texts += [element.text or "" for element in self._root(sheet).iter(f"{_M}AdditionalDependencies")]
        names = [self._expanded(word, project) for text in texts for word in text.split(";")]
        return sorted({*(word for name in names for word in name), *self._made(root)})

    def recipes(self, project: str) -> list[str]:
        """Return the recipes whose sources or libraries are named by a project, or by a sheet or project that it includes."""
        root = self._root(project)
        names = [project, *(element.get("Project", "") for element in root.iter(f"{_M}Import"))]
        names += [f"{name}.vcxproj" for name in self._made(root)]
        roots = [self._root(name) for name in names if name not in _FOR_ALL and (self._folder / name).is_file()]
        # Only compiled files and folders of headers count.  Projects also name other places, such as those of licences to copy.
        texts = [item.get("Include", "") for root in roots for item in root.iter(f"{_M}ClCompile")]
        texts += [item.text or "" for root in roots for item in root.iter(f"{_M}AdditionalIncludeDirectories")]
        used = {word.lower() for text in texts for word in re.findall(r"\$\((\w+?)(?:Out|Include)?[Dd]ir\b", text)}
        return sorted(_RECIPES[word] for word in used & set(_RECIPES))

    def _expanded(self, word: str, project: str) -> Iterator[str]:
        if word.startswith("%(") or not word:
            return
        text = re.sub(r"\$\((\w+)\)", lambda match: self._properties.get(match[1], match[0]), word)
        for name in text.split(";"):
            if "$(" in name or not name.lower().endswith(".lib"):
                raise Unknown(f"{project}: {word} is not the name of a known library")
            yield name[: -len(".lib")]

    def _made(self, root: ElementTree.Element) -> Iterator[str]:
        """Yield what other projects make for this one, unless they are modules or CPython itself."""
        for reference in root.iter(f"{_M}ProjectReference"):
            project = reference.get("Include", "")
            name = project.removesuffix(".vcxproj")
            if name not in ("pythoncore", "python3dll", *self.modules) and self._kind(project).endswith("Library"):
                yield name


def main(tree: Path, properties: dict[str, str]) -> dict[str, object]:
    """Return the value to write as JSON."""
    projects = Projects(tree / "PCbuild", properties)
    return {
        "builtins": builtins((tree / "PC/config.c").read_text(encoding="utf-8")),
        "core": projects.made("pythoncore.vcxproj"),
        "extensions": {name: projects.made(f"{name}.vcxproj") for name in projects.modules},
    }


if __name__ == "__main__":
    try:
        given = dict(word.split("=", 1) for word in sys.argv[2:])
        json.dump(main(Path(sys.argv[1]), given), sys.stdout, indent=1, sort_keys=True)
    except Unknown as problem:
        sys.exit(f"error: {problem}")
