"""Container images: the stripped Python with bytecode, on an empty base or on the image of --base-image."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Optional

import docker.errors

from pythonbuild.catalog.load import Catalog
from pythonbuild.catalog.schema import Image, Target
from pythonbuild.driver.deliver import OutputFile, statement_of, tag_of_checkout
from pythonbuild.driver.engine_choice import EngineChoice
from pythonbuild.driver.formats.archives import resolved
from pythonbuild.driver.formats.base import Delivery
from pythonbuild.driver.handlers import PythonStep
from pythonbuild.driver.image_step import ImageParameters, write
from pythonbuild.engines.daemon import Daemon
from pythonbuild.errors import BadRequest
from pythonbuild.files import replacing
from pythonbuild.flags.build import Containers, RequestFlags
from pythonbuild.oci.image import Platform
from pythonbuild.oci.layout import pack
from pythonbuild.packaging.provenance import Input
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.graph import Graph, with_short_names
from pythonbuild.plan.planner import plan_builds
from pythonbuild.plan.python_steps import python_inputs
from pythonbuild.plan.step import Need, Output, Plan, PythonAction, Step
from pythonbuild.request.build import Build, BuildRequest, LocalPython

__all__ = ["OciImages", "platform_of", "read_images"]

_HANDLER = "oci"
# What makes an image; the module that packs images into one file is not part of it.
_CODE = (
    "driver/image_step.py",
    "driver/base_image.py",
    "oci/base.py",
    "oci/image.py",
    "packaging/members.py",
    "model/python_step.py",
)


@dataclass(frozen=True)
class BaseImage:
    """An image of the container daemon: its name, its ID, and Go's name of its CPU.

    has: returns whether it contains a file at an absolute path.
    """

    name: str
    identity: str
    architecture: str
    has: Callable[[str], bool] = field(compare=False, repr=False)

    @property
    def short(self) -> str:
        """Its name without a registry, in letters that file names and tags may have."""
        return re.sub(r"[^\w.]+", "-", self.name.rpartition("/")[2].partition("@")[0])


@dataclass(frozen=True)
class OciImages:
    """One image for each build; the images of several targets also form an index."""

    base: Optional[BaseImage] = None
    accepts: tuple[str, ...] = ("pythons",)
    title: str = "container images"
    on_clusters: bool = False
    takes_base_image: bool = True

    @property
    def python_steps(self) -> Mapping[str, PythonStep]:
        """The step that writes an image."""
        return {_HANDLER: PythonStep(write, _CODE, ("zlib",))}

    def image(self, catalog: Catalog) -> Image:
        """Return the image in which engine docker runs its steps."""
        return catalog.images["build"]

    def plan(self, requests: tuple[BuildRequest, ...], catalog: Catalog, facts: PlanningFacts) -> Plan:
        """Return the plan that makes the requested images.  Raises BadRequest if a Python would not run in its image."""
        stripped = tuple(replace(request, formats=("install_only_stripped",)) for request in requests)
        builds = resolved(stripped, catalog)
        for build in builds:
            self._check(build)
        _check_platforms(builds)
        graph = Graph()
        outputs = []
        for archive in plan_builds(builds, catalog, facts, graph):
            assert isinstance(archive.build, Build)
            step = self._step(archive.build, graph, graph.steps[archive.step], facts)
            outputs.append(Output(archive.build, step.identity, None))
        plan = Plan(graph.steps, tuple(outputs))
        return with_short_names(plan.closure([output.step for output in outputs]))

    def check_machine(self, choice: EngineChoice, catalog: Catalog) -> None:
        """Accept every machine: each step checks what it needs."""

    def deliver(self, delivery: Delivery) -> list[OutputFile]:
        """Pack the images into one archive for each Python and options, which has the images of all targets."""
        groups: dict[tuple[str, str], list[Output]] = {}
        for output in delivery.plan.outputs:
            assert isinstance(output.build, Build)
            groups.setdefault((str(output.build.python), str(output.build.options)), []).append(output)
        return [file for outputs in groups.values() for file in self._pack(delivery, outputs)]

    def _pack(self, delivery: Delivery, outputs: list[Output]) -> list[OutputFile]:
        """Pack the images of one Python and its options, and write their statement of provenance."""
        builds = [output.build for output in outputs if isinstance(output.build, Build)]
        first = builds[0]
        tag = delivery.tag or tag_of_checkout(first.release)
        triple = f"-{first.target.triple}" if len(builds) == 1 else ""
        stem = f"cpython-{first.python}{triple}-{first.options}-{tag}-oci" + (
            f"-{self.base.short}" if self.base else ""
        )
        delivery.folder.mkdir(parents=True, exist_ok=True)
        target, statement = delivery.folder / f"{stem}.tar", delivery.folder / f"{stem}.intoto.jsonl"
        trees = [delivery.store.tree(delivery.records[output.step]) for output in outputs]
        with replacing(target) as partial:
            pack(trees, re.sub(r"[^\w.-]", "-", f"{first.python}-{first.options}"), partial)
        file = OutputFile(target, target.stat().st_size)
        plan = delivery.plan.closure([output.step for output in outputs])
        request = {"target": [build.target.triple for build in builds], "formats": ["oci"]}
        inputs = [Input("base image", self.base.name, self.base.identity.rpartition(":")[2])] if self.base else []
        text = statement_of(first, plan, delivery.records, [file], request, inputs)
        with replacing(statement) as partial:
            partial.write_text(text)
        return [file, OutputFile(statement, statement.stat().st_size)]

    def _check(self, build: Build) -> None:
        target = build.target
        if target.macos or target.windows:
            raise BadRequest(f"images run Linux, not {target.triple}", "choose a target for Linux")
        if self.base is None and "static" not in build.options:
            raise BadRequest(
                f"{build} needs a C library, which an empty image does not have",
                f"add --base-image NAME, or build --options noopt+static for {target.arch}-unknown-linux-musl",
            )
        if self.base and self.base.architecture != platform_of(target).architecture:
            raise BadRequest(
                f"the base image {self.base.name} is for {self.base.architecture}, and {target.triple} is not",
                f"name an image for {platform_of(target).architecture}",
            )
        loader = target.emulator.loader if target.emulator and "static" not in build.options else ""
        if self.base and loader and not self.base.has(f"/{loader}"):
            libc, example = ("musl", "alpine:3") if target.libc == "musl" else ("glibc", "debian:13")
            raise BadRequest(
                f"the base image {self.base.name} has no /{loader}, which loads programs for {target.triple}",
                f"name an image with {libc}, such as {example}",
            )

    def _step(self, build: Build, graph: Graph, archive: Step, facts: PlanningFacts) -> Step:
        """Add the step that makes an image from the same tree as an archive."""
        (content,) = archive.needs
        stripped = content.role == "stripped"
        tree = (
            next(need for need in graph.steps[content.step].needs if need.role == "distribution")
            if stripped
            else content
        )
        needs = [content, Need("bill", tree.step)]
        needs += [need for need in graph.steps[tree.step].needs if need.role == "host-python"]
        platform = platform_of(build.target)
        parameters = ImageParameters(
            python=str(build.python),
            options=str(build.options),
            architecture=platform.architecture,
            variant=platform.variant,
            base=self.base.identity if self.base else "",
            based_on=self.base.short if self.base else "",
        )
        label = f"oci-{build.python}-{build.options}{'-based' if self.base else ''}"
        action = PythonAction(_HANDLER, parameters)
        inputs = python_inputs(action, facts.handlers)
        return graph.add(label, build.target.triple, action, inputs, build.toolchain, tuple(needs))


def _check_platforms(builds: tuple[Build, ...]) -> None:
    """Raise BadRequest if two images of a Python have the same options and platform."""
    seen: dict[tuple[str, str, Platform], Build] = {}
    for build in builds:
        same = seen.setdefault((str(build.python), str(build.options), platform_of(build.target)), build)
        if same != build:
            raise BadRequest(
                f"images of {same.target.triple} and {build.target.triple} have the same platform",
                "build them with two commands, into two folders",
            )


def platform_of(target: Target) -> Platform:
    """Return a target's platform in Go's names, which images use."""
    architecture, _, variant = target.names.image.partition("/")
    return Platform("linux", architecture, variant)


def read_images(flags: RequestFlags, local_python: Optional[LocalPython]) -> OciImages:
    """Return the format that flags describe.  Raises BadRequest if the daemon does not have the base image."""
    name = flags.base_image if isinstance(flags, Containers) else ""
    if not name:
        return OciImages()
    daemon = Daemon.connect()
    with daemon.calls("look for an image") as api:
        try:
            found = api.inspect_image(name)  # type: ignore[no-untyped-call]
        except docker.errors.ImageNotFound:
            raise BadRequest(f"the container daemon has no image {name}", f"docker pull {name}") from None
        except docker.errors.APIError as error:
            if error.status_code != 400:
                raise
            raise BadRequest(f"{name!r} is not the name of an image", "write it like debian:13") from None
    if found["Os"] != "linux":
        raise BadRequest(f"the base image {name} is for {found['Os']}", "name an image for Linux")
    has = lru_cache(maxsize=None)(lambda path: daemon.image_has(found["Id"], path))
    return OciImages(BaseImage(name, found["Id"], found["Architecture"], has))
