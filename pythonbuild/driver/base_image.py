"""Saves a base image from the container daemon."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Optional

from pythonbuild.engines.daemon import Daemon
from pythonbuild.oci.base import Base, read_base

__all__ = ["saved_base"]


@contextmanager
def saved_base(identity: str) -> Iterator[Optional[Base]]:
    """Give the image with that ID, unpacked into a folder that exists until the block ends; None for "".

    Raises EngineUnavailable or EngineLost if the daemon does not answer or no longer has the image, and PythonBuildError if the saved
    image cannot be read.
    """
    if not identity:
        yield None
        return
    daemon = Daemon.connect()
    with tempfile.TemporaryDirectory(prefix="pythonbuild-base-") as folder:
        saved = Path(folder) / "saved.tar"
        with daemon.calls("save an image") as api, open(saved, "wb") as file:
            for part in api.get_image(identity):
                file.write(part)
        yield read_base(saved, Path(folder) / "image")
