"""The values of --format: flavours of archives, and other files.

This module uses the standard library only, because --help works before an installation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

__all__ = ["FLAVOURS", "LINUX_FORMATS", "OTHER_FORMATS", "Flavour", "installable"]


@dataclass(frozen=True)
class Flavour:
    """A kind of archive.

    suffixes: of its name, the usual one first; title: its name for people; default: builds make it unless --format is given;
    tells_options: its name in a release contains the options of the build; stripped: it is made of what stripping separates;
    convertible: `convert` makes it from a full archive; preference: a client that can install several takes the lowest number,
    None if it can install none.
    """

    suffixes: tuple[str, ...]
    title: str
    default: bool = False
    tells_options: bool = False
    stripped: bool = False
    convertible: bool = False
    preference: Optional[int] = None


FLAVOURS = {
    "full": Flavour((".tar.zst",), "full", default=True, tells_options=True, preference=3),
    "install_only": Flavour((".tar.gz", ".tar.zst"), "install only", default=True, convertible=True, preference=2),
    "install_only_stripped": Flavour(
        (".tar.gz", ".tar.zst"), "install only, stripped", default=True, stripped=True, convertible=True, preference=1
    ),
    "debug_symbols": Flavour((".tar.zst", ".tar.gz"), "debug symbols", stripped=True, convertible=True),
    "sbom": Flavour((".cdx.json",), "SBOM", default=True, tells_options=True),
}
# Word -> the files that it stands for.  driver/formats/choose.py registers the module that makes them.
OTHER_FORMATS = {"deb": "Debian packages", "oci": "container images"}
# The words that only builds for Linux know.
LINUX_FORMATS = ("debug_symbols", "deb", "oci")


def installable() -> list[str]:
    """Return the flavours that clients can install, the preferred one first."""
    found = {name: flavour.preference for name, flavour in FLAVOURS.items() if flavour.preference is not None}
    return sorted(found, key=lambda name: found[name])
