"""The kinds of files that a build puts into dist/, and their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

from pythonbuild.errors import BadArchive, UnknownName
from pythonbuild.model.formats import FLAVOURS, OTHER_FORMATS
from pythonbuild.model.options import OPTION_NAMES, BuildOptions
from pythonbuild.model.version import PythonVersion

__all__ = [
    "DEFAULT_FORMATS",
    "ArchiveFormat",
    "ArchiveName",
    "BuiltFile",
    "archive_name",
    "provenance_name",
]


@dataclass(frozen=True)
class ArchiveFormat:
    """The kind of an archive: its flavour, which says what it contains, and its suffix, which says how it is packed."""

    flavour: str
    suffix: str

    @classmethod
    def parse(cls, text: str) -> ArchiveFormat:
        """Parse a value such as "install_only" or "install_only.tar.zst".  Raises UnknownName."""
        flavour, dot, rest = text.partition(".")
        suffixes = FLAVOURS.get(flavour, ())
        suffix = dot + rest if dot else next(iter(suffixes), "")
        if suffix not in suffixes:
            known = [name if ending == all_[0] else name + ending for name, all_ in FLAVOURS.items() for ending in all_]
            raise UnknownName("format", text, [*known, *OTHER_FORMATS])
        return cls(flavour, suffix)

    def __str__(self) -> str:
        return self.flavour + self.suffix


DEFAULT_FORMATS = tuple(map(ArchiveFormat.parse, ("full", "install_only", "install_only_stripped", "sbom")))


def archive_name(
    python: PythonVersion, target: str, options: BuildOptions, tag: str, kind: ArchiveFormat, release: bool = False
) -> str:
    """Return the name of an archive, which follows python-build-standalone.

    Local builds: cpython-3.13.15-x86_64-unknown-linux-gnu-pgo+lto-20261121T1000.tar.zst, and the same with -install_only.tar.gz.
    Releases: cpython-3.13.15+20261121-x86_64-unknown-linux-gnu-pgo+lto-full.tar.zst, and without options
    cpython-3.13.15+20261121-x86_64-unknown-linux-gnu-install_only.tar.gz (freethreaded-install_only for free-threaded builds).
    """
    if not release:
        flavour = "" if kind.flavour == "full" else f"-{kind.flavour}"
        return f"cpython-{python}-{target}-{options}-{tag}{flavour}{kind.suffix}"
    if kind.flavour in ("full", "sbom"):
        described = f"{options}-{kind.flavour}"
    else:
        described = f"freethreaded-{kind.flavour}" if "freethreaded" in options else kind.flavour
    return f"cpython-{python}+{tag}-{target}-{described}{kind.suffix}"


class ArchiveName:
    """The parts of an archive's name.  Raises BadArchive if a file is not named like a full or install_only archive.

    In a release, the name of an install_only archive carries no option but freethreaded.
    """

    def __init__(self, name: str) -> None:
        found = next((match for pattern in _NAMES if (match := re.fullmatch(pattern, name))), None)
        if not found:
            raise BadArchive(
                f"{name} is not named like an archive of pythonbuild",
                "expected cpython-3.13.15-<triple>-<options>-<tag>[-install_only[_stripped]].tar.*, or for a release "
                "cpython-3.13.15+<tag>-<triple>-<options>-full.tar.zst, cpython-3.13.15+<tag>-<triple>-install_only.tar.gz",
            )
        parts = found.groupdict()
        self.python = PythonVersion.parse(parts["python"])
        self.triple = parts["triple"]
        self.options = BuildOptions.parse(parts["options"] or "noopt")
        self.tag = parts["tag"]
        self.flavour = parts["flavour"] or "full"
        self.release = "+" in name.split("-")[1]

    def other(self, kind: ArchiveFormat) -> str:
        """Return the name of another flavour of the same build."""
        return archive_name(self.python, self.triple, self.options, self.tag, kind, self.release)


_OPTION = f"(?:{'|'.join(OPTION_NAMES)})"
_OPTIONS = rf"(?P<options>{_OPTION}(?:\+{_OPTION})*)"
_INSTALL_ONLY = r"(?P<flavour>install_only|install_only_stripped)"
_RELEASE = r"cpython-(?P<python>[^-+]+)\+(?P<tag>[^-]+)-(?P<triple>.+?)"
_NAMES = (
    rf"cpython-(?P<python>[^-+]+)-(?P<triple>.+?)-{_OPTIONS}-(?P<tag>[^-]+)(?:-{_INSTALL_ONLY})?\.tar\.(?:gz|zst)",
    rf"{_RELEASE}-{_OPTIONS}-(?P<flavour>full)\.tar\.zst",
    rf"{_RELEASE}(?:-(?P<options>freethreaded))?-{_INSTALL_ONLY}\.tar\.(?:gz|zst)",
)


def provenance_name(python: PythonVersion, target: str, options: BuildOptions, tag: str, release: bool = False) -> str:
    """Return the name of the provenance statement of one build."""
    version, end = (f"{python}+{tag}", "") if release else (str(python), f"-{tag}")
    return f"cpython-{version}-{target}-{options}{end}.intoto.jsonl"


@dataclass(frozen=True)
class BuiltFile:
    """The parts of the name of any file that a build leaves; the flavour of a provenance statement is "provenance".

    options: None if the name carries none, as for an install_only archive of a release.
    """

    python: PythonVersion
    triple: str
    options: Optional[BuildOptions]
    freethreaded: bool
    tag: str
    flavour: str
    suffix: str

    @classmethod
    def parse(cls, name: str) -> BuiltFile:
        """Parse the name of a file of a local build or a release.  Raises BadArchive if builds leave no such file."""
        found = next((match for pattern in _FILES if (match := re.fullmatch(pattern, name))), None)
        parts = found.groupdict() if found else {}
        suffix = parts.get("suffix", "")
        flavour = "provenance" if suffix == _PROVENANCE else parts.get("flavour") or "full"
        if flavour != "provenance" and suffix not in FLAVOURS[flavour]:
            raise BadArchive(
                f"{name} is not named like a file that a build leaves",
                "restore the name that the build gave it, or remove it from the folder",
            )
        options = parts.get("options")
        return cls(
            PythonVersion.parse(parts["python"]),
            parts["triple"],
            BuildOptions.parse(options) if options else None,
            "freethreaded" in (options or parts.get("threads") or ""),
            parts["tag"],
            flavour,
            suffix,
        )

    def release_name(self, options: BuildOptions, tag: str) -> str:
        """Return the file's name in a release; options: the options of its build."""
        if self.flavour == "provenance":
            return provenance_name(self.python, self.triple, options, tag, release=True)
        kind = ArchiveFormat(self.flavour, self.suffix)
        return archive_name(self.python, self.triple, options, tag, kind, release=True)


_PROVENANCE = ".intoto.jsonl"
_SUFFIX = r"(?P<suffix>\.tar\.gz|\.tar\.zst|\.cdx\.json|\.intoto\.jsonl)"
_UNTOLD = r"install_only|install_only_stripped|debug_symbols"
_FILES = (
    rf"cpython-(?P<python>[^-+]+)-(?P<triple>.+?)-{_OPTIONS}-(?P<tag>[^-+]+?)(?:-(?P<flavour>{_UNTOLD}|sbom))?{_SUFFIX}",
    rf"{_RELEASE}(?:-(?P<threads>freethreaded))?-(?P<flavour>{_UNTOLD}){_SUFFIX}",
    rf"{_RELEASE}-{_OPTIONS}-(?P<flavour>full|sbom){_SUFFIX}",
    rf"{_RELEASE}-{_OPTIONS}(?P<suffix>\.intoto\.jsonl)",
)
