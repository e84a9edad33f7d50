"""Debian packages, which dpkg-buildpackage makes in a container or on a machine of their release."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import Image
from pythonbuild.driver.deliver import OutputFile
from pythonbuild.driver.engine_choice import EngineChoice
from pythonbuild.driver.formats.base import Delivery
from pythonbuild.driver.handlers import PythonStep
from pythonbuild.errors import BadRequest, MissingPrerequisite
from pythonbuild.flags.build import BuildFlags, Cached, FeaturesFlags, RequestFlags
from pythonbuild.model.target import building_machine, host_system, host_triple, system_of
from pythonbuild.plan.debian import plan_debian
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.step import Plan
from pythonbuild.release.keys import check_key
from pythonbuild.request.build import BuildRequest, LocalPython
from pythonbuild.request.debian import DebianBuild, DebianRequest, image_for, resolve_debian

__all__ = ["DebPackages", "read_packages"]


@dataclass(frozen=True)
class DebPackages:
    """Packages; with `features`, a table that compares them with other Pythons."""

    request: DebianRequest
    features: bool = False
    accepts: tuple[str, ...] = ("packages",)
    title: str = "Debian packages"
    on_clusters: bool = False
    takes_base_image: bool = False

    def builds(self, catalog: Catalog) -> tuple[DebianBuild, ...]:
        """Return the builds of the requested packages."""
        return resolve_debian(self.request, catalog)

    @property
    def python_steps(self) -> Mapping[str, PythonStep]:
        """Nothing: the steps of packages run scripts."""
        return {}

    def image(self, catalog: Catalog) -> Image:
        """Return the image of the packages' release."""
        return image_for(self.builds(catalog)[0], catalog)

    def plan(self, requests: tuple[BuildRequest, ...], catalog: Catalog, facts: PlanningFacts) -> Plan:
        """Return the plan of the packages."""
        return plan_debian(self.builds(catalog), catalog, facts, requests[0].engine, self.features)

    def check_machine(self, choice: EngineChoice, catalog: Catalog) -> None:
        """Raise MissingPrerequisite on a machine of another release, and if it lacks build dependencies."""
        if choice.name != "host":
            return
        build = self.builds(catalog)[0]
        system = self.request.system
        if system.name not in build.release.systems or system.codename != build.release.name or build.cross:
            raise MissingPrerequisite(
                f"packages for {build.display}, {build.architecture}, are built in a container of it, or on such a machine; "
                f"this one is {system.name or 'no Debian'} {system.codename}".rstrip(),
                "start Docker or Podman (on Debian: apt-get install docker.io mmdebstrap), and use --engine docker",
            )
        missing = [name for name in choice.image.packages if name not in choice.packages]
        if missing:
            raise MissingPrerequisite(
                f"this machine lacks build dependencies of packages for {build.display}",
                f"apt-get install {' '.join(missing)}",
            )

    def deliver(self, delivery: Delivery) -> list[OutputFile]:
        """Copy all files of each build."""
        trees = [delivery.store.tree(delivery.records[output.step]) for output in delivery.plan.outputs]
        return [file for tree in trees for file in _packages(tree, delivery.folder, delivery.key)]


def read_packages(flags: RequestFlags, local_python: Optional[LocalPython]) -> DebPackages:
    """Return the format that flags and the environment describe.

    Raises BadRequest on other systems than Linux, for --sccache, and if GnuPG lacks the key of --sign; MissingPrerequisite if
    this machine cannot sign.
    """
    if flags.platform in ("macos", "windows") or system_of(building_machine()) != "linux":
        raise BadRequest("Debian packages are built on Linux", "run build-linux.py on Linux")
    if isinstance(flags, Cached) and flags.sccache:
        raise BadRequest("--sccache has no effect on Debian packages", "drop it")
    if isinstance(flags, BuildFlags):
        _check_signing(flags.sign)
    request = DebianRequest(
        targets=flags.targets or (host_triple(),),
        pythons=flags.pythons,
        machine=building_machine(),
        system=host_system(),
        distro=flags.distro,
        display=flags.distro_name,
        fast=flags.fast,
        freethreaded=flags.freethreaded,
        shared=flags.enable_shared,
        revision=flags.revision,
        maintainer=flags.maintainer or _maintainer(),
        package=flags.package_name,
        local_python=local_python,
    ).with_environment(os.environ)
    return DebPackages(request, features=isinstance(flags, FeaturesFlags))


def _maintainer() -> str:
    """Return the maintainer: DEBFULLNAME and DEBEMAIL, as for Debian's tools, else git's user; "" if neither is set."""
    asked = {"DEBFULLNAME": "user.name", "DEBEMAIL": "user.email"}
    found = {name: os.environ.get(name) or _git_says(setting) for name, setting in asked.items()}
    return f"{found['DEBFULLNAME']} <{found['DEBEMAIL']}>" if all(found.values()) else ""


def _git_says(setting: str) -> str:
    try:
        return subprocess.run(["git", "config", "--get", setting], capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:
        return ""


def _check_signing(key: str) -> None:
    """Do nothing without a key.  Raises MissingPrerequisite without debsign, BadRequest if GnuPG does not have the key."""
    if not key:
        return
    if not shutil.which("debsign"):
        raise MissingPrerequisite(
            "--sign needs debsign, which signs the files of a package in the right order",
            "apt-get install devscripts gpg",
        )
    check_key(key)


def _packages(tree: Path, folder: Path, key: str) -> list[OutputFile]:
    """Copy all files of one build, signed if a key is given.  They appear together, when all are complete."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".packages-") as partial:
        for source in sorted(tree.iterdir()):
            shutil.copy2(source, partial)
        if key:
            (changes,) = Path(partial).glob("*.changes")
            done = subprocess.run(
                ["debsign", "--no-conf", "--re-sign", f"-k{key}", changes], capture_output=True, text=True
            )
            if done.returncode:
                said = (done.stderr or done.stdout).strip().splitlines()
                raise BadRequest(
                    f"debsign could not sign with {key}: {said[-1] if said else 'no reason given'}",
                    "the unsigned packages are in the store; repeat the command when gpg can sign",
                )
        names = sorted(path.name for path in Path(partial).iterdir())
        for name in names:
            os.replace(Path(partial) / name, folder / name)
    return [OutputFile(folder / name, (folder / name).stat().st_size) for name in names]
