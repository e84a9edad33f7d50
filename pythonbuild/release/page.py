"""The page on which people find files of releases: one file, without scripts, fonts or images from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pythonbuild.model.formats import FLAVOURS
from pythonbuild.release.folder import SUMS, Release, Released

__all__ = ["page"]

# The files of a build in the order of the page -> their names there.
_KINDS = {
    "install_only_stripped": "install only, stripped",
    "install_only": "install only",
    "full": "full",
    "debug_symbols": "debug symbols",
    "sbom": "SBOM",
    "provenance": "provenance",
}
assert set(FLAVOURS) < set(_KINDS)


def page(releases: Iterable[Release], base_url: str) -> bytes:
    """Return the page of these releases in HTML.

    releases: at least one, newest first; base_url: the published address of the folder with the page, for commands that people copy.
    Links are relative to the page.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    releases = list(releases)
    shown = [
        {"tag": release.tag, "targets": _targets(release), "signatures": release.signatures} for release in releases
    ]
    python = max(file.file.python for file in releases[0].files)
    template = environment.get_template("page.html.j2")
    return template.render(releases=shown, base_url=base_url, sums=SUMS, kinds=_KINDS, python=python.series).encode()


def _targets(release: Release) -> dict[str, dict[str, list[Released]]]:
    """Return triple -> Python and options of a build -> its files, in the order of the page."""
    order = list(_KINDS)
    files = sorted(
        release.files,
        key=lambda file: (file.file.triple, _descending(file), str(file.options), order.index(file.file.flavour)),
    )
    targets: dict[str, dict[str, list[Released]]] = {}
    for file in files:
        options = file.options or ("freethreaded" if file.file.freethreaded else "options unknown")
        built = f"CPython {file.file.python}, {options}"
        targets.setdefault(file.file.triple, {}).setdefault(built, []).append(file)
    return targets


def _descending(file: Released) -> tuple[int, int, int, bool, str]:
    """Return a key that sorts the newest Python first."""
    python = file.file.python
    return -python.major, -python.minor, -python.micro, bool(python.prerelease), python.prerelease
