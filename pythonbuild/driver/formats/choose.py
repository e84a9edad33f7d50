"""The output formats by their words of --format, and the one that a command asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Optional

from pythonbuild.driver.formats.archives import Archives
from pythonbuild.driver.formats.base import OutputFormat
from pythonbuild.driver.formats.debian import read_packages
from pythonbuild.driver.formats.oci import read_images
from pythonbuild.errors import BadRequest
from pythonbuild.flags.build import Containers, FeaturesFlags, RequestFlags
from pythonbuild.flags.declared import refuse
from pythonbuild.model.formats import OTHER_FORMATS
from pythonbuild.request.build import LocalPython

__all__ = ["check_engine", "choose_format", "words_of"]

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
    # The options of --from were not given as flags.
    typed = replace(flags, options=()) if flags.rows else flags
    for only, (what, hint) in _FOR.items():
        if only not in chosen.accepts:
            refuse(typed, only, f"is for {what}, and this command makes {chosen.title}", hint)
    return chosen


def check_engine(flags: object, output: OutputFormat, engine: str) -> None:
    """Raise BadRequest if a flag is for containers, and engine host runs the steps."""
    if engine == "host":
        if output.takes_base_image and isinstance(flags, Containers):
            flags = replace(flags, base_image="")
        refuse(flags, "containers", "is for containers, and engine host uses none", "drop it, or use --engine docker")
