"""Run one step: prepare its inputs, run its script or handler, and store the result."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Protocol

from pythonbuild.engines.base import BuildRoot, Engine, RootInputs, StoredTree
from pythonbuild.engines.folder import keep_folder
from pythonbuild.engines.unpack import unpack_wheel
from pythonbuild.errors import SourceUnavailable, StepError
from pythonbuild.model.python_step import Handler, HandlerCall, HandlerInput
from pythonbuild.plan.step import PythonAction, ScriptAction, Step, UnpackAction
from pythonbuild.sources.cache import SourceCache, sha256_of
from pythonbuild.store.record import Record
from pythonbuild.store.store import Store

__all__ = ["Executor", "Steps", "references", "root_inputs"]


class Steps(Protocol):
    """Something that runs the steps of a plan, on this machine or elsewhere.  Many threads use it at once."""

    def run(self, step: Step, records: Mapping[str, Record], output: Callable[[str], None]) -> tuple[Record, bool]:
        """Run a step.  Return its record, and whether it was built: another machine may have finished it meanwhile.

        records: those of the steps that it needs.  Raises StepError if it fails.
        """

    def cancel(self) -> None:
        """Stop the running steps."""

    def close(self) -> None:
        """Release the build roots of failed steps."""

    def root_of(self, step: Step) -> Optional[BuildRoot]:
        """Return the build root of a running or failed step on this machine."""


@dataclass
class Executor:
    """Runs steps on this machine; one instance serves a whole run.

    threads: how many a handler may use;
    share_now: a step is done only after its result has been uploaded to the shared store.
    """

    store: Store
    sources: SourceCache
    engine: Engine
    handlers: Mapping[str, Handler]
    threads: int = 1
    makeflags: str = ""
    inherited: tuple[int, ...] = ()
    share_now: bool = False
    _roots: dict[str, BuildRoot] = field(default_factory=dict)

    def run(self, step: Step, records: Mapping[str, Record], output: Callable[[str], None]) -> tuple[Record, bool]:
        """Run a step.  Return its record, and whether it was built: another machine may have finished it meanwhile.

        records: those of the steps that it needs.  Raises StepError if it fails, and keeps its build root.
        """
        try:
            return self._run(step, records, output)
        except BaseException:
            root = self._roots.get(step.key)
            if root:
                keep_folder(root.path)
            raise

    def _run(self, step: Step, records: Mapping[str, Record], output: Callable[[str], None]) -> tuple[Record, bool]:
        brought = self.store.bring(step.key)
        if brought:
            return brought, False
        started, own_cpu = time.monotonic(), time.thread_time()
        if isinstance(step.action, ScriptAction):
            tree, cpu = self._script(step, step.action, records, output)
        else:
            tree, cpu = self._python(step, records, output), 0.0
        # CPU time of the script's processes and of this thread, which fills the root; not of a compressor's threads.
        cpu += time.thread_time() - own_cpu
        seconds = time.monotonic() - started
        used = {source.name: source.origin.place for source in step.sources}
        record = Record(step.key, step.identity, dict(step.inputs), "", seconds, cpu, used)
        kept = self.store.put(record, tree)
        root = self._roots.pop(step.key, None)
        if root:
            root.discard()
        # Package indexes deliver wheels as fast as a shared store would.
        if not isinstance(step.action, UnpackAction) and not self.store.share(kept, wait=self.share_now):
            raise StepError("its result could not be uploaded to the shared store")
        return kept, True

    def cancel(self) -> None:
        """Kill the processes of all running scripts."""
        for root in list(self._roots.values()):
            root.cancel()

    def close(self) -> None:
        """Release the build roots of failed steps."""
        for root in self._roots.values():
            root.close()

    def root_of(self, step: Step) -> Optional[BuildRoot]:
        """Return the build root of a running or failed step."""
        return self._roots.get(step.key)

    def _script(
        self, step: Step, action: ScriptAction, records: Mapping[str, Record], output: Callable[[str], None]
    ) -> tuple[Path, float]:
        inputs = root_inputs(step, records, self.store, self._archives(step))
        root = self.engine.open(step.identity, step.key, action, inputs)
        self._roots[step.key] = root
        result = root.run(self.makeflags, self.inherited, output)
        if result.status:
            raise StepError(f"its script exited with {result.status}")
        if not root.result().is_dir():
            raise StepError(f"its script created no {action.output}")
        return root.result(), result.cpu_seconds

    def _python(self, step: Step, records: Mapping[str, Record], output: Callable[[str], None]) -> Path:
        folder = Path(tempfile.mkdtemp(dir=self.store.work, prefix="step-"))
        tree = folder / "tree"
        tree.mkdir()
        try:
            if isinstance(step.action, UnpackAction):
                (wheel,) = self._archives(step).values()
                unpack_wheel(wheel, step.action.member, tree)
            elif isinstance(step.action, PythonAction):
                found = tuple(
                    HandlerInput(need.role, need.step, self.store.tree(records[need.step])) for need in step.needs
                )
                call = HandlerCall(step.action.parameters, found, tree, self.threads, output)
                self.handlers[step.action.handler](call)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return tree

    def _archives(self, step: Step) -> dict[str, Path]:
        archives = {}
        for source in step.sources:
            path = source.local or self.sources.find(source.origin)
            if path is None:
                raise SourceUnavailable(f"{source.name}: its archive is not in the source cache")
            if source.local is None and sha256_of(path) != source.origin.sha256:
                path.unlink()
                raise SourceUnavailable(
                    f"{path} was damaged after the download, and is now deleted",
                    "run the same command again to download it",
                )
            archives[source.name] = path
        return archives


def references(step: Step, records: Mapping[str, Record], store: Store) -> dict[str, Path]:
    """Return {placeholder name: tree} for the trees that a script uses in place: toolchains, sysroot, a profile."""
    trees = {
        need.role.upper().replace("-", "_"): store.tree(records[need.step])
        for need in step.needs
        if need.role in ("toolchain", "sysroot", "build-toolchain", "profile")
    }
    if "TOOLCHAIN" in trees:
        trees.setdefault("SYSROOT", trees["TOOLCHAIN"])
    return trees


def root_inputs(step: Step, records: Mapping[str, Record], store: Store, archives: Mapping[str, Path]) -> RootInputs:
    """Return the contents of a step's build root."""

    def trees(role: str) -> tuple[StoredTree, ...]:
        found = [records[need.step] for need in step.needs if need.role == role]
        return tuple(StoredTree(store.tree(record), store.manifest(record)) for record in found)

    return RootInputs(
        archives=archives, deps=trees("deps"), tools=trees("tools"), references=references(step, records, store)
    )
