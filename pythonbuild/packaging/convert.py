"""A full archive -> its other flavours, the same bytes as the build would have made."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from pythonbuild.binaries.archive import unpack
from pythonbuild.errors import BadArchive
from pythonbuild.model.naming import ArchiveFormat, archive_name
from pythonbuild.model.options import BuildOptions
from pythonbuild.model.version import PythonVersion
from pythonbuild.packaging.archives import Compression, install_only_archive, symbols_archive
from pythonbuild.packaging.strip import strip_installation

__all__ = ["FullName", "convert"]


class FullName:
    """The parts of a full archive's name.  Raises BadArchive if the file is not named like one."""

    def __init__(self, name: str) -> None:
        local = re.fullmatch(
            r"cpython-(?P<python>[^-+]+)-(?P<triple>.+?)-(?P<options>[a-z+]+)-(?P<tag>[^-]+)\.tar\.zst", name
        )
        release = re.fullmatch(
            r"cpython-(?P<python>[^-+]+)\+(?P<tag>[^-]+)-(?P<triple>.+)-(?P<options>[a-z+]+)-full\.tar\.zst", name
        )
        found = release or local
        if not found:
            raise BadArchive(
                f"{name} is not named like a full archive",
                "cpython-3.13.15-<triple>-<options>-<tag>.tar.zst, or cpython-3.13.15+<tag>-<triple>-<options>-full.tar.zst",
            )
        self.python = PythonVersion.parse(found["python"])
        self.triple = found["triple"]
        self.options = BuildOptions.parse(found["options"])
        self.tag = found["tag"]
        self.release = release is not None

    def other(self, kind: ArchiveFormat) -> str:
        """Return the name of another flavour of the same build."""
        return archive_name(self.python, self.triple, self.options, self.tag, kind, self.release)


def convert(
    archive: Path,
    formats: Iterable[ArchiveFormat],
    folder: Path,
    objcopy: Callable[[], Path],
    threads: int,
    say: Callable[[str], None],
) -> list[Path]:
    """Write flavours of a full archive into `folder`; returns their paths.

    objcopy: returns that program for the archive's platform; only asked for if something is to be stripped.
    Raises BadArchive if the archive cannot be read, is not a full one, or is unsafe to unpack.
    """
    name = FullName(archive.name)
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with tempfile.TemporaryDirectory(dir=folder, prefix=".convert-") as scratch:
        unpack(archive, Path(scratch) / "full")
        install = Path(scratch) / "full" / "python" / "install"
        if not install.is_dir():
            raise BadArchive(f"{archive.name} has no python/install", "only full archives can be converted")
        stripped, symbols = Path(scratch) / "stripped", Path(scratch) / "symbols"
        for kind in formats:
            if kind.flavour in ("install_only_stripped", "debug_symbols") and not stripped.exists():
                strip_installation(install, stripped, symbols, objcopy(), threads, say)
            partial = Path(scratch) / str(kind)
            how = Compression(kind.suffix, hard=name.release, threads=threads)
            if kind.flavour == "debug_symbols":
                symbols_archive(symbols, partial, how)
            else:
                install_only_archive(install if kind.flavour == "install_only" else stripped, partial, how)
            made.append(partial.replace(folder / name.other(kind)))
    return made
