"""A full archive -> its other flavours, the same bytes as the build would have made."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from pythonbuild.binaries.archive import unpack
from pythonbuild.errors import BadArchive
from pythonbuild.model.naming import ArchiveFormat, ArchiveName
from pythonbuild.packaging.archives import Compression, install_only_archive, symbols_archive
from pythonbuild.packaging.strip import strip_installation

__all__ = ["convert"]


def convert(
    archive: Path,
    formats: Collection[ArchiveFormat],
    folder: Path,
    objcopy: Callable[[], Path],
    threads: int,
    say: Callable[[str], None],
) -> list[Path]:
    """Write flavours of a full archive into `folder`; returns their paths.

    objcopy: returns that program for the archive's platform; only asked for if something is to be stripped.
    Raises BadArchive if the archive cannot be read, is not a full one, or is unsafe to unpack.
    """
    name = ArchiveName(archive.name)
    if name.flavour != "full":
        raise BadArchive(f"{archive.name} is an {name.flavour} archive", "only full archives can be converted")
    # Debug information of Mach-O files stays in the objects.
    strips = "-apple-" not in name.triple
    if not strips and any(kind.flavour == "debug_symbols" for kind in formats):
        raise BadArchive(
            f"there is no debug_symbols archive of {archive.name}",
            "on macOS they stay in the objects, in python/build of the full archive, for dsymutil",
        )
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with tempfile.TemporaryDirectory(dir=folder, prefix=".convert-") as scratch:
        unpack(archive, Path(scratch) / "full")
        install = Path(scratch) / "full" / "python" / "install"
        if not install.is_dir():
            raise BadArchive(f"{archive.name} has no python/install", "only full archives can be converted")
        stripped, symbols = Path(scratch) / "stripped", Path(scratch) / "symbols"
        for kind in formats:
            if strips and kind.flavour in ("install_only_stripped", "debug_symbols") and not stripped.exists():
                strip_installation(install, stripped, symbols, objcopy(), threads, say)
            partial = Path(scratch) / str(kind)
            how = Compression(kind.suffix, hard=name.release, threads=threads)
            if kind.flavour == "debug_symbols":
                symbols_archive(symbols, partial, how)
            else:
                install_only_archive(
                    install if kind.flavour == "install_only" or not strips else stripped, partial, how
                )
            made.append(partial.replace(folder / name.other(kind)))
    return made
