"""A step of a plan: its action, the inputs of its key, and the steps that it needs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Union

from pythonbuild.catalog.schema import Origin
from pythonbuild.model.naming import ArchiveFormat
from pythonbuild.request.build import Build
from pythonbuild.request.debian import DebianBuild

__all__ = [
    "Action",
    "Need",
    "Plan",
    "PythonAction",
    "ScriptAction",
    "SourceFile",
    "Step",
    "UnpackAction",
    "identity_of",
    "key_of",
]


@dataclass(frozen=True)
class SourceFile:
    """An archive that a step reads: its origins, and the index of the one whose checksum is in the step's key."""

    name: str
    origins: tuple[Origin, ...]
    chosen: int = 0
    # The user's own file or tree, used instead of the origins.
    local: Optional[Path] = None

    @property
    def origin(self) -> Origin:
        """The origin whose checksum is in the key."""
        return self.origins[self.chosen]


@dataclass(frozen=True)
class UnpackAction:
    """Unpack a wheel, or the archive `member` inside it: a toolchain's tree."""

    member: str = ""


@dataclass(frozen=True)
class ScriptAction:
    """Run a POSIX shell script in a build root.

    Its texts may contain @ROOT@, @TOOLCHAIN@, @SYSROOT@ and, between @ signs, the names of `host_paths`.
    """

    script: str
    environment: Mapping[str, str]
    # Command name -> the command line that it runs.
    wrappers: Mapping[str, str]
    patches: tuple[tuple[str, bytes], ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    license_files: tuple[str, ...] = ()
    # The folder below the root that becomes the step's result.
    output: str = "out"
    # Name -> a folder or program outside the build root.
    host_paths: Mapping[str, Path] = field(default_factory=dict)
    # Variables that the machine's own compiler needs; `environment` overrides them.
    host_variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    # The wrappers that are compilers -> the version of a compiler outside the build root.  Not in the key itself: `wrappers` and the
    # step's needs already identify the compiler.
    compilers: Mapping[str, str] = field(default_factory=dict)
    # True: sources stay archives, each in a folder of its name, and the script unpacks them.
    packed: bool = False


@dataclass(frozen=True)
class PythonAction:
    """Call the Python function that the driver registers under the name `handler`, with its dataclass of parameters."""

    handler: str
    parameters: object


Action = Union[UnpackAction, ScriptAction, PythonAction]


@dataclass(frozen=True)
class Need:
    """Another step whose result this one reads, and its role: deps, tools, toolchain, sysroot, or a word that a handler knows."""

    role: str
    step: str


@dataclass(frozen=True)
class Step:
    """A node of the plan.

    name: unique in its plan; label: what it makes, e.g. openssl or cpython-3.13.15-noopt; target: the target triple of its result, or
    the release and architecture of packages; toolchain: "" if it compiles nothing;
    inputs: the whole content of the key, so that a person can compare two keys.
    """

    name: str
    label: str
    target: str
    toolchain: str
    inputs: Mapping[str, str]
    key: str
    action: Action
    needs: tuple[Need, ...] = ()
    sources: tuple[SourceFile, ...] = ()

    @property
    def identity(self) -> str:
        """The name that is the same in all plans.  The store finds earlier results of this step by it."""
        return identity_of(self.label, self.target, self.toolchain)


@dataclass(frozen=True)
class Output:
    """A result for the output folder: its build, the step that makes it, and which archive it is (None: images or packages)."""

    build: Union[Build, DebianBuild]
    step: str
    kind: Optional[ArchiveFormat]


@dataclass(frozen=True)
class Plan:
    """Steps by name, each after those that it needs, and the outputs."""

    steps: Mapping[str, Step]
    outputs: tuple[Output, ...]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps.values())

    def dependencies(self) -> tuple[str, ...]:
        """Return the names of the steps that CPython's steps need: libraries, tools, toolchains.  A plan of packages has none."""
        pythons = [need.step for step in self for need in step.needs if need.role == "cpython"]
        return tuple(dict.fromkeys(need.step for python in pythons for need in self.steps[python].needs))

    def closure(self, names: list[str]) -> Plan:
        """Return the plan of these steps and all that they need, without the outputs of other steps."""
        wanted: set[str] = set()
        queue = list(names)
        while queue:
            name = queue.pop()
            if name not in wanted:
                wanted.add(name)
                queue += [need.step for need in self.steps[name].needs]
        steps = {name: step for name, step in self.steps.items() if name in wanted}
        return Plan(steps=steps, outputs=tuple(output for output in self.outputs if output.step in wanted))


def identity_of(label: str, target: str, toolchain: str) -> str:
    """Return the name of a step that is the same in every plan, e.g. "openssl@x86_64-unknown-linux-gnu/gcc"."""
    return f"{label}@{target}" + (f"/{toolchain}" if toolchain else "")


def key_of(inputs: Mapping[str, str]) -> str:
    """Return the SHA-256 (hexadecimal) of the canonical JSON of a step's inputs."""
    text = json.dumps(dict(inputs), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
