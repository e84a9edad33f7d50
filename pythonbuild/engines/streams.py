"""Copies trees to and from a daemon that cannot see this machine's files, as tar streams through its API."""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

import docker.errors
from docker.api.client import APIClient

from pythonbuild.engines.daemon import Daemon
from pythonbuild.engines.folder import remove_folder
from pythonbuild.engines.images import IMAGE_LABEL, tag_with_trees
from pythonbuild.engines.unpack import extract_all

__all__ = ["image_with_trees", "receive", "send"]


def send(
    api: APIClient, container: str, tree: Path, place: Path, name: str = ".", owner: Optional[tuple[int, int]] = None
) -> None:
    """Copy a tree to place/name in a container.  place: an existing folder; owner: user and group of all files, root by default."""

    def owned(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid, member.gid = owner or (0, 0)
        member.uname = member.gname = ""
        return member

    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            # Caches of tests have links to trees.
            tar.add(os.path.realpath(tree), name, filter=owned)
        file.seek(0)
        api.put_archive(container, str(place), file)


def receive(daemon: Daemon, container: str, folder: Path, name: str, destination: Path) -> None:
    """Copy folder/name of a container to destination/name, and replace what is there.

    name: a path below the folder, "." for all of it.  Does nothing if the container has no such path.
    """
    with daemon.calls("return the step's result") as api, tempfile.TemporaryFile() as file:
        try:
            blocks, _ = api.get_archive(container, str(folder / name))
        except docker.errors.NotFound:
            return
        for block in blocks:
            file.write(block)
        file.seek(0)
        target = destination / name
        if target.is_dir():
            remove_folder(target)
        # The archive's top folder is the last part of the requested path.
        parent = destination.parent if name == "." else target.parent
        with tempfile.TemporaryDirectory(dir=parent) as place, tarfile.open(fileobj=file) as tar:
            extract_all(tar, Path(place))
            (top,) = Path(place).iterdir()
            os.replace(top, target)


def image_with_trees(daemon: Daemon, image: str, trees: Mapping[Path, Path], labels: Mapping[str, str]) -> str:
    """Return the tag of an image that adds trees of the store (outside -> inside) to `image`; make it if the daemon lacks it."""
    tag = tag_with_trees(image, [(tree.parent.name, inside.name) for tree, inside in trees.items()])
    if daemon.has_image(tag):
        return tag
    with daemon.calls("copy the toolchain to the daemon") as api:
        container = api.create_container(image, ["true"], labels=dict(labels))["Id"]
        try:
            for tree, inside in trees.items():
                send(api, container, tree, Path("/"), str(inside.relative_to("/")))
            repository, _, name = tag.partition(":")
            api.commit(container, repository=repository, tag=name, changes=[f"LABEL {IMAGE_LABEL}={tag}"])
        finally:
            api.remove_container(container, force=True, v=True)
    return tag
