"""Verbs for Debian packages: `features`, and `release --apt`."""

from __future__ import annotations

import sys
from pathlib import Path

from pythonbuild.cli.building import make_step
from pythonbuild.driver.formats.debian import DebPackages
from pythonbuild.errors import BadRequest
from pythonbuild.flags.archives import ReleaseFlags
from pythonbuild.flags.build import FeaturesFlags
from pythonbuild.plan.debian import FEATURES
from pythonbuild.release.apt import apt_repository
from pythonbuild.validation.features import features_text, read_features

__all__ = ["features", "release_packages"]


def features(flags: FeaturesFlags) -> int:
    """Print which features the packages' interpreters, CPython's default build and the distribution's own Python have."""
    done = make_step(flags, FEATURES)
    assert isinstance(done.session.output, DebPackages)
    display = done.session.output.builds(done.session.catalog)[0].release.display
    sys.stdout.write(f"## {display}\n\n{features_text(read_features(done.tree(FEATURES)))}")
    return 0


def release_packages(flags: ReleaseFlags) -> int:
    """Add packages to a repository for apt."""
    packages = [Path(name) for name in flags.what]
    for package in packages:
        if package.suffix != ".deb" or not package.is_file():
            raise BadRequest(f"{package} is not a Debian package", "name .deb files from the output folder")
    folder = Path(flags.apt)
    releases = apt_repository(packages, folder, flags.sign)
    trust = "signed-by=/path/to/your/public/key" if flags.sign else "trusted=yes"
    for name in releases:
        sys.stdout.write(f"deb [{trust}] file:{folder.absolute()} {name} main\n")
    return 0
