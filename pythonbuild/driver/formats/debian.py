"""Debian packages, built by dpkg-buildpackage in a container or on a machine of their release."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import Image
from pythonbuild.driver.deliver import Delivered
from pythonbuild.driver.engine_choice import Choice
from pythonbuild.driver.formats.base import Delivery
from pythonbuild.errors import BadRequest, MissingPrerequisite
from pythonbuild.flags.build import RequestFlags
from pythonbuild.model.target import building_machine, host_system, host_triple, system_of
from pythonbuild.plan.debian import plan_debian
from pythonbuild.plan.planner import Surroundings
from pythonbuild.plan.step import Plan
from pythonbuild.release.keys import check_key
from pythonbuild.request.build import BuildRequest, LocalPython
from pythonbuild.request.debian import DebianBuild, DebianRequest, image_for, resolve_debian

__all__ = ["DebPackages", "check_signing", "debian_request"]


@dataclass(frozen=True)
class DebPackages:
    """Packages, or with `features` what they and other Pythons have."""

    request: DebianRequest
    features: bool = False
    accepts: tuple[str, ...] = ("packages",)
    title: str = "Debian packages"
    on_clusters: bool = False
    takes_base_image: bool = False

    def builds(self, catalog: Catalog) -> tuple[DebianBuild, ...]:
        """Return the packages that were asked for."""
        return resolve_debian(self.request, catalog)

    def image(self, catalog: Catalog) -> Image:
        """Return the image of the packages' release."""
        return image_for(self.builds(catalog)[0], catalog)

    def plan(self, requests: tuple[BuildRequest, ...], catalog: Catalog, world: Surroundings) -> Plan:
        """Return the plan of the packages."""
        return plan_debian(self.builds(catalog), catalog, world, requests[0].engine, self.features)

    def check_machine(self, choice: Choice, catalog: Catalog) -> None:
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

    def deliver(self, delivery: Delivery) -> list[Delivered]:
        """Copy all files of each build of packages."""
        trees = [delivery.store.tree(delivery.records[output.step]) for output in delivery.plan.outputs]
        return [file for tree in trees for file in _packages(tree, delivery.folder, delivery.key)]


def debian_request(flags: RequestFlags, local_python: Optional[LocalPython]) -> DebianRequest:
    """Return what packages the flags and the environment ask for.  Raises BadRequest on other systems than Linux."""
    if flags.platform in ("macos", "windows") or system_of(building_machine()) != "linux":
        raise BadRequest("Debian packages are built on Linux", "run build-linux.py on Linux")
    return DebianRequest(
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


def _maintainer() -> str:
    """Return who makes packages here: as Debian's tools are told by DEBFULLNAME and DEBEMAIL, else as git is; "" if neither."""
    asked = {"DEBFULLNAME": "user.name", "DEBEMAIL": "user.email"}
    found = {name: os.environ.get(name) or _git_says(setting) for name, setting in asked.items()}
    return f"{found['DEBFULLNAME']} <{found['DEBEMAIL']}>" if all(found.values()) else ""


def _git_says(setting: str) -> str:
    try:
        return subprocess.run(["git", "config", "--get", setting], capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:
        return ""


def check_signing(key: str) -> None:
    """Raise MissingPrerequisite if packages are to be signed, and this machine cannot, BadRequest if the key is not there."""
    if not key:
        return
    if not shutil.which("debsign"):
        raise MissingPrerequisite(
            "--sign wants debsign, which knows what of a package is signed and in which order",
            "apt-get install devscripts gpg",
        )
    check_key(key)


def _packages(tree: Path, folder: Path, key: str) -> list[Delivered]:
    """Copy all files of a build of packages, signed if a key is given: none is there before all are."""
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
                    "the packages are in the store, unsigned: ask for them once more when gpg can",
                )
        names = sorted(path.name for path in Path(partial).iterdir())
        for name in names:
            os.replace(Path(partial) / name, folder / name)
    return [Delivered(folder / name, (folder / name).stat().st_size) for name in names]
