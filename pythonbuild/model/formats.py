"""The values of --format.  This module uses the standard library only, because --help works before an installation."""

from __future__ import annotations

__all__ = ["FLAVOURS", "LINUX_FORMATS", "OTHER_FORMATS"]

# Flavour of an archive -> its suffixes, the usual one first.
FLAVOURS = {
    "full": (".tar.zst",),
    "install_only": (".tar.gz", ".tar.zst"),
    "install_only_stripped": (".tar.gz", ".tar.zst"),
    "debug_symbols": (".tar.zst", ".tar.gz"),
    "sbom": (".cdx.json",),
}
# Word -> the files that it stands for.  driver/formats/choose.py registers the module that makes them.
OTHER_FORMATS = {"deb": "Debian packages", "oci": "container images"}
# The words that only builds for Linux know.
LINUX_FORMATS = ("debug_symbols", "deb", "oci")
