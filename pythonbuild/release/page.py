"""The page by which people find files of releases: one file, without scripts, fonts or pictures from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pythonbuild.model.formats import FLAVOURS
from pythonbuild.release.folder import SUMS, Release, Released

__all__ = ["page"]

# The order of a build's files, and what they are called.
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
    """Return the page of these releases, the newest first.

    base_url: where the folder with the page will be found, for commands that people copy; links are relative to the page.
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
    """Return triple -> what was built -> its files, in the order of the page."""
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
    """A key that sorts the newest Python first."""
    python = file.file.python
    return -python.major, -python.minor, -python.micro, bool(python.prerelease), python.prerelease
