"""The folders of pythonbuild: the cache, the code and the checkout.

This module uses the standard library only, because bootstrap imports it before anything is installed.
"""

from __future__ import annotations

import os
from pathlib import Path

from pythonbuild.errors import BadRequest, MissingPrerequisite

__all__ = ["checkout", "code", "expanded", "home"]


def home() -> Path:
    """Return the cache folder, which keeps virtual environments, sources, the store and build roots.

    It is ``PYTHONBUILD_HOME``, else ``pythonbuild`` in the XDG cache folder; on Windows, in the folder of local application data.
    Raises BadRequest for a relative path, MissingPrerequisite if it would be in the user's home folder, and that is unknown.
    """
    own = os.environ.get("PYTHONBUILD_HOME")
    if own and not own.startswith("~") and not os.path.isabs(own):
        raise BadRequest(f"PYTHONBUILD_HOME={own} depends on the current folder", "set it to an absolute path")
    if own:
        return expanded(own)
    if os.name == "nt" and os.environ.get("LOCALAPPDATA"):
        return Path(os.environ["LOCALAPPDATA"]) / "pythonbuild"
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(xdg) if os.path.isabs(xdg) else expanded("~/.cache")
    return base / "pythonbuild"


def expanded(path: str) -> Path:
    """Return an absolute path, with ``~`` replaced by a user's home folder.

    Raises MissingPrerequisite if the home folder is unknown: /etc/passwd may not list the user of a container.
    """
    try:
        return Path(path).expanduser().absolute()
    except (RuntimeError, KeyError):
        raise MissingPrerequisite(
            f"{path}: the home folder that ~ stands for is unknown",
            "set HOME, or write the path without ~; PYTHONBUILD_HOME sets the folder of the cache",
        ) from None


def code() -> Path:
    """Return the folder of this package."""
    return Path(__file__).resolve().parent


def checkout() -> Path:
    """Return the folder of recipes, images and lock files: the checkout, or the data folder of an installed package."""
    data = code() / "data"
    return data if data.is_dir() else code().parent
