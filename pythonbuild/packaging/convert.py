"""Makes other flavours from a full archive, with the same bytes as the build would have made."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from pythonbuild.binaries.archive import unpack
from pythonbuild.errors import BadArchive
from pythonbuild.model.naming import ArchiveFormat, ArchiveName
from pythonbuild.model.platforms import platform_of
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
    """Write flavours of a full archive into `folder`, and return their paths.

    objcopy: returns that program for the archive's platform, and is called only if files must be stripped; threads: for stripping
    and compressing; say: reports progress, one line per call.
    Raises BadArchive if the archive cannot be read, is not a full one, is unsafe to unpack, or has no debug symbols to pack.
    """
    name = ArchiveName(archive.name)
    if name.flavour != "full":
        raise BadArchive(f"{archive.name} has the flavour {name.flavour}", "only full archives can be converted")
    strips = platform_of(name.triple).strips
    if not strips and any(kind.flavour == "debug_symbols" for kind in formats):
        raise BadArchive(
            f"{archive.name} has no symbols for a debug_symbols archive",
            "only Python for Linux has them in its programs and libraries",
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
