"""Which engine runs a build's steps, and which LLVM comes with it."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional, Union

from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import Image, Toolchain
from pythonbuild.engines.containers import ContainerEngine, Limits
from pythonbuild.engines.daemon import Daemon
from pythonbuild.engines.host import HostEngine
from pythonbuild.engines.images import Facts, Images, read_facts
from pythonbuild.errors import EngineLost, EngineUnavailable
from pythonbuild.events import Note, Observer
from pythonbuild.request.build import Llvm
from pythonbuild.sources.downloaders import debian_mirrors

__all__ = ["Choice", "choose", "start"]

_IMAGE = "build"


@dataclass(frozen=True)
class Choice:
    """The engine to use; `daemon` is that of engine docker, `llvm` the one that scripts would find in it."""

    name: str
    llvm: Optional[Llvm] = None
    daemon: Optional[Daemon] = None


def choose(flags: argparse.Namespace, catalog: Catalog, cache: Path) -> Choice:
    """Return the engine that the flags ask for; raises EngineUnavailable if that is docker, and no daemon answers."""
    if flags.engine != "host":
        try:
            daemon = Daemon.connect()
        except EngineUnavailable:
            if flags.engine == "docker":
                raise
        else:
            return Choice("docker", _llvm_in(catalog.images[_IMAGE], _remembered(cache)), daemon)
    return _host(catalog)


def start(
    choice: Choice, flags: argparse.Namespace, catalog: Catalog, cache: Path, observer: Observer
) -> tuple[Choice, Union[HostEngine, ContainerEngine]]:
    """Make the engine ready, with the image it needs; returns it, and the choice as it has turned out."""
    if choice.daemon:
        try:
            return _start_containers(choice, choice.daemon, flags, catalog, cache, observer)
        except (EngineLost, EngineUnavailable) as error:
            if flags.engine == "docker":
                raise
            observer(Note(f"{error.message}; building on this machine itself", "warning"))
            choice = _host(catalog)
    return choice, HostEngine(cache / "roots")


def _start_containers(
    choice: Choice, daemon: Daemon, flags: argparse.Namespace, catalog: Catalog, cache: Path, observer: Observer
) -> tuple[Choice, ContainerEngine]:
    image = catalog.images[_IMAGE]

    def say(text: str) -> None:
        observer(Note(text))

    images = Images(daemon, debian_mirrors, say)
    tag = images.ensure(image, catalog.image_files["debian.Dockerfile.j2"], flags.base_image)
    limits = Limits(flags.cpus, flags.memory)
    engine = ContainerEngine(daemon, tag, cache / "roots" / "docker", catalog.image_files["step.sh"], limits)
    if engine.removed:
        say(f"removed {engine.removed} containers that an earlier run left behind")
    for difference in engine.facts.unlike(image):
        observer(Note(f"the image has another version than the pinned one: {difference}", "warning"))
    _remember(cache, engine.facts)
    return replace(choice, llvm=_llvm_in(image, engine.facts)), engine


def _llvm_in(image: Image, facts: Optional[Facts]) -> Llvm:
    """Return the image's LLVM: the version it is known to have, else the one it is going to have."""
    versions = facts.packages if facts else image.packages
    version = versions.get(image.llvm_package) or image.packages[image.llvm_package]
    return Llvm(programs=Path(image.llvm), version=f"{image.llvm_package} {version}")


def _remembered(cache: Path) -> Optional[Facts]:
    try:
        return read_facts((cache / "image-facts").read_text())
    except OSError:
        return None


def _remember(cache: Path, facts: Facts) -> None:
    """Keep the versions, so that a plan can be made without asking the image again."""
    text = "".join(f"package {name} {version}\n" for name, version in sorted(facts.packages.items()))
    partial = cache / f"image-facts.{os.getpid()}"
    partial.write_text(text)
    partial.replace(cache / "image-facts")


def _host(catalog: Catalog) -> Choice:
    return Choice("host", _find_llvm(catalog.toolchain("llvm")))


def _find_llvm(toolchain: Toolchain) -> Optional[Llvm]:
    """Return the newest LLVM of the host that has all programs in one folder, if it is new enough."""
    folders = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    folders += [path / "bin" for path in sorted(Path("/usr/lib").glob("llvm-*"), reverse=True)]
    best: Optional[tuple[int, Llvm]] = None
    for folder in folders:
        if not all(os.access(folder / program, os.X_OK) for program in toolchain.host_programs):
            continue
        said = subprocess.run([folder / "clang", "--version"], capture_output=True, text=True).stdout
        match = re.search(r"clang version (\d+)\.", said)
        if match and int(match[1]) >= toolchain.host_version and (best is None or int(match[1]) > best[0]):
            best = (int(match[1]), Llvm(programs=folder, version=said.splitlines()[0]))
    return best[1] if best else None
