"""Names of the archives that a build leaves in dist/."""

from __future__ import annotations

from pythonbuild.model.options import BuildOptions
from pythonbuild.model.version import PythonVersion

__all__ = ["full_archive_name", "install_only_name"]


def full_archive_name(python: PythonVersion, target: str, options: BuildOptions, tag: str) -> str:
    """Return e.g. cpython-3.13.15-x86_64-unknown-linux-gnu-pgo+lto-20261121T1000.tar.zst."""
    return f"cpython-{python}-{target}-{options}-{tag}.tar.zst"


def install_only_name(python: PythonVersion, target: str, options: BuildOptions, tag: str) -> str:
    """Return the same for the archive that holds nothing but the installation."""
    return f"cpython-{python}-{target}-{options}-{tag}-install_only.tar.gz"
