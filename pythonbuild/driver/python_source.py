"""The user's own CPython source tree or tarball, for --python-source."""

from __future__ import annotations

import lzma
import tarfile
import zlib
from pathlib import Path

from pythonbuild.errors import BadRequest
from pythonbuild.model.version import PythonVersion
from pythonbuild.request.build import LocalPython, read_patchlevel
from pythonbuild.sources.cache import sha256_of
from pythonbuild.store.trees import digest_of, manifest_of

__all__ = ["read_local_python"]

_PATCHLEVEL = "Include/patchlevel.h"
# Files that every source tree of CPython has.
_SOURCE_FILES = (_PATCHLEVEL, "configure", "Makefile.pre.in", "Lib/os.py", "Python/pythonrun.c")


def read_local_python(path: Path) -> LocalPython:
    """Return the version and digest of a source tree or tarball.

    Raises BadRequest if it is something else.  The message names what is missing, and shows nothing of the content.
    """
    if path.is_dir():
        missing = [name for name in _SOURCE_FILES if not (path / name).is_file()]
        if missing:
            raise BadRequest(f"{path} is not a CPython source tree: it has no {', '.join(missing)}")
        tree = [entry for entry in manifest_of(path) if not entry.path.startswith(".git/")]
        return LocalPython(path, _version_of(path, (path / _PATCHLEVEL).read_bytes()), digest_of(tuple(tree)))
    if not path.is_file():
        raise BadRequest(f"{path} does not exist", "name a CPython source tree or its tarball")
    return LocalPython(path, _version_of(path, _patchlevel_in(path)), sha256_of(path))


def _version_of(path: Path, patchlevel: bytes) -> PythonVersion:
    """Return the version in patchlevel.h.  The file's content is not shown: the path may lead to something private."""
    try:
        return read_patchlevel(patchlevel.decode())
    except (UnicodeDecodeError, BadRequest):
        raise BadRequest(
            f"{path} is not CPython's source: its {_PATCHLEVEL} does not define PY_VERSION as a version of Python"
        ) from None


def _patchlevel_in(archive: Path) -> bytes:
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.name.endswith(f"/{_PATCHLEVEL}") else None
                if file:
                    return file.read()
    except (tarfile.TarError, EOFError, OSError, lzma.LZMAError, zlib.error):
        raise BadRequest(f"{archive} cannot be read as a tar archive", "name a source tarball of CPython") from None
    raise BadRequest(f"{archive} is not a source tarball of CPython: it has no {_PATCHLEVEL}")
