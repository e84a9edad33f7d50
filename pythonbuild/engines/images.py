"""The images of containers: rendered from docker/, named by their content, made once for each daemon."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pythonbuild.catalog.schema import Image
from pythonbuild.engines.daemon import Daemon
from pythonbuild.errors import EngineLost, EngineUnavailable
from pythonbuild.host.doctor import HOST_TOOLS
from pythonbuild.plan.render import render

__all__ = ["BUILDER", "IMAGE_LABEL", "ImageContent", "Images", "dockerfile", "read_facts", "tag_of", "tag_with_trees"]

# The user inside, if the one outside is root.
BUILDER = 1000
# Podman looks for a name without a registry in Docker's.
_REPOSITORY = "localhost/pythonbuild"
IMAGE_LABEL = "pythonbuild.image"
_PROGRAMS = (*HOST_TOOLS, "python3")


@dataclass(frozen=True)
class ImageContent:
    """The content of an image: programs by name, and the versions of its Debian packages."""

    programs: Mapping[str, str]
    packages: Mapping[str, str]

    def unlike(self, image: Image) -> list[str]:
        """Return the packages whose version is not the pinned one, as "name: version, not the pinned version"."""
        pinned = [(name, version) for name, version in image.packages.items() if version]
        return [
            f"{name}: {self.packages.get(name, 'missing')}, not {version}"
            for name, version in pinned
            if self.packages.get(name) != version
        ]


def read_facts(text: str) -> ImageContent:
    """Read the list that the last command of the Dockerfile made."""
    words = [line.split(" ", 2) for line in text.splitlines()]
    return ImageContent(
        programs={line[1]: line[2] for line in words if line[0] == "program" and len(line) == 3},
        packages={line[1]: line[2] for line in words if line[0] == "package" and len(line) == 3},
    )


def tag_of(image: Image, definition: str) -> str:
    """Return the name of an image; it contains the hash of the definition."""
    return f"{_REPOSITORY}/{image.name}:{hashlib.sha256(definition.encode()).hexdigest()[:16]}"


def tag_with_trees(image_tag: str, trees: Iterable[tuple[str, str]]) -> str:
    """Return the name of an image that adds trees to another; trees: (digest, name inside)."""
    content = "\n".join(sorted(f"{digest} {name}" for digest, name in trees))
    digest = hashlib.sha256(f"{image_tag}\n{content}".encode()).hexdigest()
    return f"{_REPOSITORY}/with-tree:{digest[:16]}"


class Images:
    """The images of one daemon.

    mirrors: returns the Debian mirrors of this machine, the main archive first; say: called with lines about progress.
    """

    def __init__(self, daemon: Daemon, mirrors: Callable[[], tuple[str, ...]], say: Callable[[str], None]) -> None:
        self._daemon = daemon
        self._mirrors = mirrors
        self._say = say

    def ensure(self, image: Image, template: str, base: str = "") -> str:
        """Return the tag of an image; make it if the daemon lacks it.  base: the reference of another base image.

        Raises EngineUnavailable if it cannot be made.
        """
        bases = [base] if base else [_pinned(image), f"{_REPOSITORY}/base-{image.suite}:latest"]
        for reference in bases:
            tag = tag_of(image, dockerfile(template, image, reference))
            if self._daemon.has_image(tag):
                return tag
        reference = self._base(image, base)
        definition = dockerfile(template, image, reference)
        tag = tag_of(image, definition)
        self._say(f"making image {tag} from {reference}: {', '.join(image.packages)}")
        self._build(tag, definition)
        return tag

    def known(self) -> list[dict[str, Any]]:
        """Return the daemon's entries for all images that pythonbuild made, newest first."""
        with self._daemon.calls("list images") as api:
            found = api.images(filters={"label": [IMAGE_LABEL]})
        return sorted(found, key=lambda item: -int(item["Created"]))

    def remove(self, identity: str) -> None:
        """Delete an image, with the layers that no other image uses."""
        with self._daemon.calls("delete an image") as api:
            api.remove_image(identity, force=True)

    def _base(self, image: Image, given: str) -> str:
        """Make the daemon get the base image; return its reference."""
        wanted = given or _pinned(image)
        if self._daemon.has_image(wanted):
            return wanted
        reason = self._pull(wanted)
        if not reason:
            return wanted
        if given:
            raise EngineUnavailable(
                f"the base image {given} cannot be pulled: {reason}", "check its name, or load it first"
            )
        if not image.suite:
            raise EngineUnavailable(
                f"the container image cannot be made: {image.base} cannot be pulled: {reason}",
                "let the daemon reach a registry, or name an image that it has with --base-image",
            )
        self._say(f"{image.base} cannot be pulled ({reason}); making a base from the Debian mirror of this machine")
        return self._bootstrap(image, reason)

    def _pull(self, reference: str) -> str:
        """Pull an image; return the reason if that failed, else ""."""
        name, _, rest = reference.partition("@")
        repository, tag = (name.split(":")[0], rest) if rest else (name, None)
        try:
            with self._daemon.calls("pull an image") as api:
                answer = str(api.pull(repository if rest else reference, tag=tag))
        except EngineLost as error:
            return " ".join(error.message.split(":", 1)[-1].split())
        return "" if self._daemon.has_image(reference) else _error_in(answer)

    def _bootstrap(self, image: Image, reason: str) -> str:
        """Make the base image with mmdebstrap and import it; return its tag."""
        tag = f"{_REPOSITORY}/base-{image.suite}:latest"
        if self._daemon.has_image(tag):
            return tag
        mirrors = self._mirrors()
        program = shutil.which("mmdebstrap")
        if not program or not mirrors:
            lack = "mmdebstrap is not installed" if mirrors else "apt is configured with no Debian mirror here"
            raise EngineUnavailable(
                f"the container image cannot be made: {image.base} cannot be pulled ({reason}), and {lack}",
                "let the daemon reach a registry, or apt-get install mmdebstrap, or name an image with --base-image,\n"
                "or use --engine host, which isolates a build on this machine without containers",
            )
        lines = [f"deb {mirrors[0]} {image.suite} main"]
        for suffix, suite in image.updates.items():
            lines += [f"deb {mirror} {suite} main" for mirror in mirrors if mirror.endswith(suffix)]
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "base.tar"
            command = [program, "--quiet", "--variant=minbase", image.suite, str(archive)]
            done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True)
            if done.returncode:
                errors = [line for line in done.stderr.splitlines() if line.startswith("E:")] or [done.stderr[-300:]]
                raise EngineUnavailable(
                    f"mmdebstrap could not make a base image of {image.suite}: {errors[0]}",
                    "run it by hand to see more, or name an image with --base-image, or use --engine host",
                )
            with self._daemon.calls("import the base image") as api:
                api.import_image_from_file(str(archive), repository=tag.partition(":")[0], tag="latest")
        return tag

    def _build(self, tag: str, definition: str) -> None:
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as tar:
            member = tarfile.TarInfo("Dockerfile")
            member.size = len(definition.encode())
            tar.addfile(member, io.BytesIO(definition.encode()))
        proxies = {name: os.environ[name] for name in ("http_proxy", "https_proxy", "no_proxy") if name in os.environ}
        log: list[str] = []
        failed = ""
        with self._daemon.calls("make an image") as api:
            context.seek(0)
            answers = api.build(
                fileobj=context,
                custom_context=True,
                tag=tag,
                rm=True,
                forcerm=True,
                decode=True,
                labels={IMAGE_LABEL: tag},
                buildargs=proxies,
            )
            for answer in answers:
                log += str(answer.get("stream", "")).splitlines()
                failed = answer.get("error", failed)
        if failed:
            errors = [line for line in log if line.startswith(("E:", "Err:"))] or log[-3:]
            raise EngineUnavailable(
                f"image {tag} could not be made: {failed}\n" + "\n".join(errors),
                "check that containers reach the Debian mirror; or name another base with --base-image, or use --engine host",
            )


def _pinned(image: Image) -> str:
    """Return the reference with which the base image is pulled."""
    return f"{image.base}@{image.digest}" if image.digest else image.base


def _error_in(answer: str) -> str:
    """Return the error in the last line of the daemon's answer, which is lines of JSON."""
    line = answer.strip().splitlines()[-1] if answer.strip() else "no answer"
    try:
        return str(json.loads(line).get("error", line))
    except ValueError:
        return line


def dockerfile(template: str, image: Image, base: str) -> str:
    """Return the Dockerfile of an image; base: the reference of its base image."""
    context = {
        "base": base,
        "pinned": " ".join(f"{name}={version}" if version else name for name, version in image.packages.items()),
        "newest": " ".join(image.packages),
        "uid": BUILDER,
        "foreign": image.foreign,
        "programs": " ".join(_PROGRAMS),
    }
    return render(image.name, {image.name: template}, context)
