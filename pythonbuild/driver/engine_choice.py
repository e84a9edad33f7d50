"""Which engine runs a build's steps, and which LLVM comes with it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Union

from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import Image
from pythonbuild.engines.containers import ContainerEngine, Limits
from pythonbuild.engines.daemon import Daemon
from pythonbuild.engines.host import HostEngine
from pythonbuild.engines.images import ImageContent, Images, read_facts
from pythonbuild.engines.sccache.cache import CompilerCache
from pythonbuild.errors import BadRequest, EngineLost, EngineUnavailable
from pythonbuild.events import Note, Observer
from pythonbuild.files import replacing
from pythonbuild.flags.build import ContainerFlags
from pythonbuild.host.llvm import find_llvm
from pythonbuild.host.toolchains import Llvm, Xcode
from pythonbuild.host.xcode import find_xcode
from pythonbuild.model.target import building_machine, system_of
from pythonbuild.sources.downloaders import debian_mirrors

__all__ = ["EngineChoice", "choose", "on_host", "start"]


@dataclass(frozen=True)
class EngineChoice:
    """The engine to use.

    image: what containers are made from; llvm, xcode: those that scripts would find; packages: versions of the distribution's packages
    where they run, as far as they are known; daemon: that of engine docker.
    """

    name: str
    image: Image
    llvm: Optional[Llvm] = None
    packages: Mapping[str, str] = field(default_factory=dict)
    daemon: Optional[Daemon] = None
    xcode: Optional[Xcode] = None


def choose(wanted: str, catalog: Catalog, cache: Path, image: Image) -> EngineChoice:
    """Return the engine for --engine `wanted`; raises EngineUnavailable if that is docker, and no daemon answers.

    On a Mac and on Windows that is the machine itself; raises MissingPrerequisite if a Mac lacks Apple's tools.
    """
    system = system_of(building_machine())
    if system != "linux":
        if wanted == "docker":
            raise BadRequest(
                "containers run Linux, and this machine builds Pythons for its own system", "drop --engine docker"
            )
        return EngineChoice(
            "host", image, xcode=find_xcode(catalog.toolchain("xcode"), os.environ) if system == "darwin" else None
        )
    if wanted != "host":
        try:
            daemon = Daemon.connect()
        except EngineUnavailable:
            if wanted == "docker" or _chosen_by_hand():
                raise
        else:
            return _containers(image, _remembered(cache, image), daemon)
    return on_host(catalog, image)


def _chosen_by_hand() -> bool:
    """Did the user name a daemon?  If it does not work, building on this machine is not what they asked for."""
    return bool(os.environ.get("DOCKER_HOST"))


def start(
    choice: EngineChoice,
    wanted: str,
    limits: ContainerFlags,
    catalog: Catalog,
    cache: Path,
    observer: Observer,
    sccache: Callable[[bool], Optional[CompilerCache]] = lambda boxed: None,
) -> tuple[EngineChoice, Union[HostEngine, ContainerEngine]]:
    """Make the engine ready, with the image that it needs; returns it with the choice, which a failing daemon can change.

    wanted: the value of --engine; limits: what containers are made from, and may take; sccache: returns what keeps compiled
    objects, for containers or for this machine.
    """
    if choice.daemon:
        try:
            return _start_containers(choice, choice.daemon, limits, catalog, cache, observer, sccache(True))
        except (EngineLost, EngineUnavailable) as error:
            if wanted == "docker" or _chosen_by_hand():
                raise
            observer(Note("", f"{error.message}; building on this machine instead", "warning"))
            choice = on_host(catalog, choice.image)
    return choice, HostEngine(cache / "roots", sccache(False))


def _start_containers(
    choice: EngineChoice,
    daemon: Daemon,
    limits: ContainerFlags,
    catalog: Catalog,
    cache: Path,
    observer: Observer,
    sccache: Optional[CompilerCache],
) -> tuple[EngineChoice, ContainerEngine]:
    image = choice.image

    def say(text: str) -> None:
        observer(Note("", text))

    images = Images(daemon, debian_mirrors, say)
    tag = images.ensure(image, catalog.image_files["debian.Dockerfile.j2"], limits.base_image)
    roots = cache / "roots" / "docker"
    most = Limits(limits.cpus, limits.memory)
    engine = ContainerEngine(daemon, tag, roots, catalog.image_files, most, sccache)
    if engine.removed:
        say(f"removed {engine.removed} containers of an earlier run")
    for difference in engine.facts.unlike(image):
        observer(Note("", f"the image's version differs from the pinned one: {difference}", "warning"))
    _remember(cache, image, engine.facts)
    return _containers(image, engine.facts, daemon), engine


def _containers(image: Image, facts: Optional[ImageContent], daemon: Daemon) -> EngineChoice:
    return EngineChoice("docker", image, _llvm_in(image, facts), facts.packages if facts else {}, daemon)


def _llvm_in(image: Image, facts: Optional[ImageContent]) -> Optional[Llvm]:
    """Return the image's LLVM, if it has one: the version it is known to have, else the one it is going to have."""
    if not image.llvm:
        return None
    versions = facts.packages if facts else image.packages
    version = versions.get(image.llvm_package) or image.packages[image.llvm_package]
    return Llvm(programs=Path(image.llvm), version=f"{image.llvm_package} {version}")


def _remembered(cache: Path, image: Image) -> Optional[ImageContent]:
    try:
        return read_facts((cache / f"image-facts-{image.name}").read_text())
    except OSError:
        return None


def _remember(cache: Path, image: Image, facts: ImageContent) -> None:
    """Keep the versions, so that a plan can be made without asking the image again."""
    text = "".join(f"package {name} {version}\n" for name, version in sorted(facts.packages.items()))
    with replacing(cache / f"image-facts-{image.name}") as partial:
        partial.write_text(text)


def on_host(catalog: Catalog, image: Image) -> EngineChoice:
    """Return the choice of this machine as the engine, with its LLVM and its versions of the image's packages."""
    return EngineChoice("host", image, find_llvm(catalog.toolchains.values()), _installed(image))


def _installed(image: Image) -> dict[str, str]:
    """Return which of an image's packages this machine has, with their versions; nothing where there is no dpkg."""
    names = [name.partition(":")[0] for name in image.packages]
    shape = "${db:Status-Abbrev} ${Package} ${Version}\n"
    try:
        said = subprocess.run(
            ["dpkg-query", "--show", f"--showformat={shape}", *names], capture_output=True, text=True
        ).stdout
    except FileNotFoundError:
        return {}
    rows = [line.split() for line in said.splitlines()]
    return {row[1]: row[2] for row in rows if row[0] == "ii"}
