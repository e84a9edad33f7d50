"""Where pythonbuild keeps what outlives a run: virtual environments, sources, the store, build roots.

Standard library only: bootstrap uses it before anything is installed.
"""

from __future__ import annotations

import os
from pathlib import Path

from pythonbuild.errors import MissingPrerequisite

__all__ = ["checkout", "code", "expanded", "home"]


def home() -> Path:
    """Return the cache folder: ``PYTHONBUILD_HOME``, else ``pythonbuild`` in the XDG cache folder, on Windows in the local data.

    Raises MissingPrerequisite if it is in the user's home folder, and the user has none.
    """
    own = os.environ.get("PYTHONBUILD_HOME")
    if own:
        return expanded(own)
    if os.name == "nt" and os.environ.get("LOCALAPPDATA"):
        return Path(os.environ["LOCALAPPDATA"]) / "pythonbuild"
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(xdg) if os.path.isabs(xdg) else expanded("~/.cache")
    return base / "pythonbuild"


def expanded(path: str) -> Path:
    """Return an absolute path, with ``~`` replaced by a user's home folder.

    Raises MissingPrerequisite if there is no such folder: a container may run as a user that /etc/passwd does not list.
    """
    try:
        return Path(path).expanduser().absolute()
    except (RuntimeError, KeyError):
        raise MissingPrerequisite(
            f"{path}: the home folder that ~ stands for is unknown",
            "set HOME, or write the folder without ~; PYTHONBUILD_HOME names the one for the cache",
        ) from None


def code() -> Path:
    """Return the folder of this package."""
    return Path(__file__).resolve().parent


def checkout() -> Path:
    """Return the folder that holds recipes, images and lock files: the checkout, or the data of an installed package."""
    data = code() / "data"
    return data if data.is_dir() else code().parent
