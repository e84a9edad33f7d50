"""The part of PYTHON.json that describes how to link an interpreter again: `build_info`.

It is read from the files that the build left in python/build (see makefile.py).  Each path in it must exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pythonbuild.distribution.makefile import SetupLine, expand, inittab, setup_lines, variables
from pythonbuild.errors import PythonBuildError

__all__ = ["Library", "build_info"]

# In the order in which makesetup reads them.  The first line of a module counts.
_SETUP_FILES = ("Setup.local", "Setup.stdlib", "Setup.bootstrap", "Setup")
# Flags that make the linker add a library -> the name of that library.
_FLAG_LIBRARIES = {"-pthread": "pthread"}


@dataclass(frozen=True)
class Library:
    """The license of a library that Python links: SPDX identifiers, and the paths of its license texts in the archive."""

    licenses: tuple[str, ...]
    license_paths: tuple[str, ...]


@dataclass
class _Tree:
    """A distribution's python/ folder, and the content of its build files."""

    root: Path
    libraries: Mapping[str, Library]  # by the name after -l
    values: dict[str, str] = field(init=False)
    modules: dict[str, SetupLine] = field(init=False)
    required: set[str] = field(init=False)

    def __post_init__(self) -> None:
        build = self.root / "build"
        self.values = variables((build / "Makefile").read_text())
        self.modules = {}
        self.required = set()
        for name in _SETUP_FILES:
            lines = setup_lines((build / "Modules" / name).read_text())
            for line in lines:
                self.modules.setdefault(line.module, line)
            if name == "Setup.bootstrap":
                self.required = {line.module for line in lines}

    def words(self, name: str) -> list[str]:
        """Return the words of a make variable, expanded."""
        return expand(self.values.get(name, ""), self.values).split()

    def module_words(self, module: str) -> list[str]:
        """Return the words of a module's line, and the module's own LDFLAGS, which makesetup adds to a line without flags."""
        words = expand(" ".join(self.modules[module].words), self.values).split() if module in self.modules else []
        return words + self.words(f"MODULE_{module.upper()}_LDFLAGS")


def build_info(root: Path, libraries: Mapping[str, Library], object_format: str) -> dict[str, object]:
    """Return the value of `build_info` for the distribution whose python/ folder is `root`.

    libraries: the linked libraries by the name after -l; object_format: "elf", "mach-o" or "llvm-bitcode:VERSION".
    Raises PythonBuildError if the build files name a file that the distribution lacks.
    """
    tree = _Tree(root, libraries)
    builtin = inittab((root / "build/Modules/config.c").read_text())
    shared = tree.words("MODSHARED_NAMES")
    extensions = {entry.module: [_builtin(tree, entry.module, entry.function)] for entry in builtin}
    extensions.update({module: [_shared(tree, module)] for module in shared})
    _check_paths(root, extensions)
    return {
        "core": _core(tree),
        "extensions": dict(sorted(extensions.items())),
        "inittab_object": "build/Modules/config.o",
        "inittab_source": "build/Modules/config.c",
        "inittab_cflags": _inittab_flags(tree),
        "object_file_format": object_format,
    }


def _core(tree: _Tree) -> dict[str, object]:
    own = set(tree.words("MODOBJS")) | {"Modules/config.o"}
    objects = [f"build/{name}" for name in dict.fromkeys(tree.words("LIBRARY_OBJS")) if name not in own]
    missing = [name for name in objects if not (tree.root / name).is_file()]
    if missing or not objects:
        raise PythonBuildError(
            f"the build lacks objects of CPython's core: {', '.join(missing[:5]) or 'its Makefile names none'}"
        )
    words = tree.words("LIBS") + tree.words("SYSLIBS")
    system = dict.fromkeys(word[2:] for word in words if word.startswith("-l"))
    links = [{"name": name, "system": True} for name in system] + _frameworks(words)
    core: dict[str, object] = {"objs": objects, "links": links}
    for key, pattern in (
        ("shared_lib", "install/lib/libpython3.*.so.1.0"),
        ("shared_lib", "install/lib/libpython3.*.dylib"),
        ("static_lib", "install/lib/python3*/config-*/*.a"),
    ):
        found = sorted(tree.root.glob(pattern))
        if found:
            core[key] = found[0].relative_to(tree.root).as_posix()
    return core


def _builtin(tree: _Tree, module: str, function: str) -> dict[str, object]:
    # Modules of config.c.in (sys, marshal, ...) have no objects of their own: they are part of the core.
    in_core = module not in tree.modules
    facts = _facts(tree, module, function)
    return {**facts, "in_core": in_core, "required": in_core or module in tree.required}


def _shared(tree: _Tree, module: str) -> dict[str, object]:
    found = sorted(tree.root.glob(f"install/lib/python3*/lib-dynload/{module}.*so"))
    if len(found) != 1:
        raise PythonBuildError(f"the build made no shared library for the module {module}")
    facts = _facts(tree, module, f"PyInit_{module}")
    return {**facts, "in_core": False, "required": False, "shared_lib": found[0].relative_to(tree.root).as_posix()}


def _facts(tree: _Tree, module: str, function: str) -> dict[str, object]:
    words = tree.module_words(module)
    # makesetup puts each object beside its source, below Modules.
    objects = [f"build/Modules/{word[:-2]}.o" for word in words if word.endswith(".c")]
    links = [link for link in (_link(tree, word) for word in words) if link] + _frameworks(words)
    links = list({str(link["name"]): link for link in links}.values())
    facts: dict[str, object] = {"init_fn": function, "links": links, "objs": objects, "variant": "default"}
    used = [tree.libraries[str(link["name"])] for link in links if str(link["name"]) in tree.libraries]
    if used:
        facts["licenses"] = sorted({name for library in used for name in library.licenses})
        facts["license_paths"] = sorted({path for library in used for path in library.license_paths})
        # SQLite's "blessing" is a dedication to the public domain.
        facts["license_public_domain"] = facts["licenses"] == ["blessing"]
    return facts


def _frameworks(words: list[str]) -> list[dict[str, object]]:
    """Return the entries of `links` for all `-framework NAME`."""
    names = dict.fromkeys(name for flag, name in zip(words, words[1:]) if flag == "-framework")
    return [{"name": name, "framework": True} for name in names]


def _link(tree: _Tree, word: str) -> dict[str, object]:
    """Return the entry of `links` for a word of a module's line, {} if the word names no library."""
    if word.endswith(".a"):
        file = Path(word).name
        return {"name": file.removeprefix("lib").removesuffix(".a"), "path_static": f"build/lib/{file}"}
    name = _FLAG_LIBRARIES.get(word, word[2:] if word.startswith("-l") else "")
    if not name:
        return {}
    for key, path in (("path_static", f"build/lib/lib{name}.a"), ("path_dynamic", f"install/lib/lib{name}.so")):
        if (tree.root / path).is_file():
            return {"name": name, key: path}
    return {"name": name, "system": True}


def _inittab_flags(tree: _Tree) -> list[str]:
    """Return the flags for compiling config.c, besides the include path that `python_paths` names."""
    return [
        word
        for word in dict.fromkeys(tree.words("PY_CORE_CFLAGS"))
        if word.startswith(("-D", "-std=")) and not word.startswith("-D_FORTIFY_SOURCE")
    ]


def _check_paths(root: Path, extensions: Mapping[str, list[dict[str, object]]]) -> None:
    for module, (facts,) in extensions.items():
        objects = facts["objs"]
        assert isinstance(objects, list)
        for path in objects:
            if not (root / path).is_file():
                raise PythonBuildError(f"the build lacks the object {path} of module {module}")
