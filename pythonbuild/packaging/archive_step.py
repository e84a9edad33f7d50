"""The Python step that packs a distribution into an archive."""

from __future__ import annotations

import shutil

from pythonbuild.model.python_step import SBOM_FILE, ArchiveParameters, HandlerCall

__all__ = ["archive"]


def archive(call: HandlerCall[ArchiveParameters]) -> None:
    """Write one archive, or the SBOM, to a file named after its flavour."""
    # Imported when the step runs, because the import takes longer than making a plan.
    from pythonbuild.packaging.archives import Compression, full_archive, install_only_archive, symbols_archive

    (content,) = call.inputs
    tree, given = content.tree, call.parameters
    how = Compression(given.suffix, given.hard, call.threads)
    target = call.output / f"{given.flavour}{given.suffix}"
    if given.flavour == "full":
        full_archive(tree, target, how)
    elif given.flavour == "sbom":
        shutil.copyfile(tree / "python" / "build" / SBOM_FILE, target)
    elif given.flavour == "debug_symbols":
        symbols_archive(tree / "symbols", target, how)
    else:
        install_only_archive(tree / ("install" if content.role == "stripped" else "python/install"), target, how)
    call.say(f"{target.name}: {target.stat().st_size} bytes")
