"""A step of a plan: what it does, what its key is made of, and what it needs."""

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

__all__ = ["Action", "Need", "Plan", "PythonAction", "ScriptAction", "SourceFile", "Step", "UnpackAction", "key_of"]


@dataclass(frozen=True)
class SourceFile:
    """An archive that a step reads: where it may come from, and which origin the step's key counts on."""

    name: str
    origins: tuple[Origin, ...]
    chosen: int = 0
    # A file or tree of the user's own stands in for the origins.
    local: Optional[Path] = None

    @property
    def origin(self) -> Origin:
        """The origin that the key counts on."""
        return self.origins[self.chosen]


@dataclass(frozen=True)
class UnpackAction:
    """Unpack a wheel, or the archive `member` inside it: a toolchain's tree."""

    member: str = ""


@dataclass(frozen=True)
class ScriptAction:
    """Run a POSIX shell script in a build root.  Texts may hold @ROOT@, @TOOLCHAIN@, @SYSROOT@ and names of `host_paths`."""

    script: str
    environment: Mapping[str, str]
    # Command name -> command line that it stands for.
    wrappers: Mapping[str, str]
    patches: tuple[tuple[str, bytes], ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    license_files: tuple[str, ...] = ()
    # Below the root: the tree that is the step's result.
    output: str = "out"
    host_paths: Mapping[str, Path] = field(default_factory=dict)
    # Variables by which the machine's own compiler finds what it needs; those of `environment` come over them.
    host_variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    # Those of the wrappers that are compilers -> which one, as far as its tree does not tell.  That is in the key as it is in `wrappers`
    # and the step's needs, so that this need not be.
    compilers: Mapping[str, str] = field(default_factory=dict)
    # Sources are put into folders of their names as the archives that they are, for the script to unpack.
    packed: bool = False


@dataclass(frozen=True)
class PythonAction:
    """Call the handler of that name, which the command line program registers, with `parameters`."""

    handler: str
    parameters: Mapping[str, str]


Action = Union[UnpackAction, ScriptAction, PythonAction]


@dataclass(frozen=True)
class Need:
    """Another step's result and what it is to this one: deps, tools, toolchain, sysroot, or a name a handler knows."""

    role: str
    step: str


@dataclass(frozen=True)
class Step:
    """A node of the plan.  `inputs` is exactly what the key is made of, so that two keys can be compared by a person."""

    name: str
    identity: str
    inputs: Mapping[str, str]
    key: str
    action: Action
    needs: tuple[Need, ...] = ()
    sources: tuple[SourceFile, ...] = ()


@dataclass(frozen=True)
class Output:
    """Something for dist/: the build it belongs to, the step that makes it, and which archive it is (None: all files of packages)."""

    build: Union[Build, DebianBuild]
    step: str
    kind: Optional[ArchiveFormat]


@dataclass(frozen=True)
class Plan:
    """Steps by name, needs before their users, and the files that come of it."""

    steps: Mapping[str, Step]
    outputs: tuple[Output, ...]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps.values())

    def dependencies(self) -> tuple[str, ...]:
        """Return the names of the steps that CPython's own steps need: libraries, tools, toolchains; of packages there are none."""
        pythons = [need.step for step in self for need in step.needs if need.role == "cpython"]
        return tuple(dict.fromkeys(need.step for python in pythons for need in self.steps[python].needs))

    def closure(self, names: list[str]) -> Plan:
        """Return the plan of these steps and all they need; outputs of other steps are dropped."""
        wanted: set[str] = set()
        queue = list(names)
        while queue:
            name = queue.pop()
            if name not in wanted:
                wanted.add(name)
                queue += [need.step for need in self.steps[name].needs]
        steps = {name: step for name, step in self.steps.items() if name in wanted}
        return Plan(steps=steps, outputs=tuple(output for output in self.outputs if output.step in wanted))


def key_of(inputs: Mapping[str, str]) -> str:
    """Return the SHA-256 (hexadecimal) of the canonical JSON of a step's inputs."""
    text = json.dumps(dict(inputs), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
