"""Where pythonbuild keeps what outlives a run: virtual environments, sources, the store, build roots.

Standard library only: bootstrap uses it before anything is installed.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["checkout", "home"]


def home() -> Path:
    """Return the cache folder: ``PYTHONBUILD_HOME``, else ``pythonbuild`` in the XDG cache folder, on Windows in the local data."""
    own = os.environ.get("PYTHONBUILD_HOME")
    if own:
        return Path(own).expanduser().absolute()
    if os.name == "nt" and os.environ.get("LOCALAPPDATA"):
        return Path(os.environ["LOCALAPPDATA"]) / "pythonbuild"
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(xdg) if os.path.isabs(xdg) else Path.home() / ".cache"
    return base / "pythonbuild"


def checkout() -> Path:
    """Return the folder that holds the entry scripts, recipes and this package."""
    return Path(__file__).resolve().parent.parent
