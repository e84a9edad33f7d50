"""The output formats by their words of --format, and the one that a command asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Optional

from pythonbuild.driver.formats.archives import Archives
from pythonbuild.driver.formats.base import OutputFormat
from pythonbuild.driver.formats.debian import read_packages
from pythonbuild.driver.formats.oci import read_images
from pythonbuild.errors import BadRequest
from pythonbuild.flags.build import FeaturesFlags, RequestFlags
from pythonbuild.flags.declared import given
from pythonbuild.model.formats import OTHER_FORMATS
from pythonbuild.request.build import LocalPython

__all__ = ["choose_format", "words_of"]

# Each word of OTHER_FORMATS -> the function that reads such a format from the flags.
_READERS: Mapping[str, Callable[[RequestFlags, Optional[LocalPython]], OutputFormat]] = {
    "deb": read_packages,
    "oci": read_images,
}
# A value of `Flag.only` -> what such flags are for, and what to do if the command makes something else.
_FOR = {
    "packages": ("Debian packages", "add --format deb, or drop it"),
    "archives": ("archives", "drop it, or drop --format"),
    "pythons": ("archives and images", "drop it, or drop --format deb"),
}


def words_of(flags: RequestFlags) -> tuple[str, ...]:
    """Return the words of all --format flags."""
    return tuple(part for text in flags.formats for part in text.split(","))


def choose_format(flags: RequestFlags, local_python: Optional[LocalPython]) -> OutputFormat:
    """Return the output format that flags ask for.

    Raises BadRequest if they ask for several at once, or if a flag is for another one.
    """
    words = ("deb",) if isinstance(flags, FeaturesFlags) else words_of(flags)
    special = next((word for word in words if word in OTHER_FORMATS), "")
    others = ", ".join(sorted({*words} - {special}))
    if special and others:
        raise BadRequest(f"one command cannot make both {special} and {others}", "run a command for each")
    chosen = _READERS[special](flags, local_python) if special else Archives()
    for flag, _ in given(flags):
        if flag.only in _FOR and flag.only not in chosen.accepts:
            what, hint = _FOR[flag.only]
            raise BadRequest(f"{flag.name} is for {what}, and this command makes {chosen.title}", hint)
    return chosen
