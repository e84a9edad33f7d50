"""The Python steps that make archives, by the names of their handlers, and the code and libraries in their keys."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version

from pythonbuild.distribution.distribution_step import distribution
from pythonbuild.home import code
from pythonbuild.model.python_step import Handler
from pythonbuild.packaging.archive_step import archive
from pythonbuild.packaging.strip_step import strip

__all__ = ["ARCHIVE_STEPS", "PythonStep", "code_digest", "inputs_of"]


@dataclass(frozen=True)
class PythonStep:
    """How the steps of one handler run.

    run: the handler; code: the packages and modules of pythonbuild that make the result, which a test compares with the handler's
    imports; libraries: the installed packages that shape its bytes, and "zlib", which belongs to the Python that runs.
    """

    run: Handler
    code: tuple[str, ...]
    libraries: tuple[str, ...] = ()


# The code of each includes the types of its parameters, because defaults of their fields change results.
ARCHIVE_STEPS: Mapping[str, PythonStep] = {
    "distribution": PythonStep(
        distribution,
        ("distribution", "binaries/elf.py", "binaries/macho.py", "model/python_step.py"),
        ("cyclonedx-python-lib", "lief", "packageurl-python"),
    ),
    "strip": PythonStep(
        strip, ("packaging/strip_step.py", "packaging/strip.py", "binaries/elf.py", "model/python_step.py"), ("lief",)
    ),
    "archive": PythonStep(
        archive,
        ("packaging/archive_step.py", "packaging/archives.py", "packaging/members.py", "model/python_step.py"),
        ("zlib", "zstandard"),
    ),
}


def inputs_of(steps: Mapping[str, PythonStep]) -> dict[str, dict[str, str]]:
    """Return handler -> {input of a key: digest of its code, or version of a library}."""
    return {
        name: {
            "code": code_digest(*step.code),
            **{f"library {library}": _version(library) for library in step.libraries},
        }
        for name, step in steps.items()
    }


def _version(library: str) -> str:
    return zlib.ZLIB_RUNTIME_VERSION if library == "zlib" else version(library)


@lru_cache(maxsize=8)
def code_digest(*names: str) -> str:
    """Return the SHA-256 of packages and modules of pythonbuild, e.g. "oci" or "packaging/strip.py"; without names, of all code."""
    paths = [code() / name for name in names]
    files = [file for path in paths for file in (sorted(path.glob("*.py")) if path.is_dir() else [path])]
    digest = hashlib.sha256()
    for file in files if names else sorted(code().rglob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
