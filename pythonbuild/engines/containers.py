"""Engine `docker`: one container for each step, without network and root, removed when the step ends.

If the daemon sees this machine's files, containers mount the root's folder and the store's trees.  A daemon that is remote or
maps users does not.  Then the folder is copied to the container as a stream, and the trees once to an image of their own.
"""

from __future__ import annotations

import os
import re
import shlex
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from docker.types import Mount, Ulimit

from pythonbuild.engines.base import JobProtocol, RootInputs, ScriptResult, job_protocol
from pythonbuild.engines.daemon import Daemon, Lease
from pythonbuild.engines.folder import RootFolder, folder_name, folders_of, is_of_key, remove_folder
from pythonbuild.engines.images import BUILDER, ImageContent, read_facts
from pythonbuild.engines.sccache.cache import Compilations, CompilerCache
from pythonbuild.engines.sccache.containers import ContainerServers
from pythonbuild.engines.streams import image_with_trees, receive, send
from pythonbuild.errors import EngineLost
from pythonbuild.plan.step import ScriptAction

__all__ = ["ContainerEngine", "ContainerRoot", "Limits", "cpu_seconds"]

_INSIDE = Path("/pythonbuild")
# `box` is the volume where the root is copied to: it belongs to the user root, and its content does not.
_ROOT = _INSIDE / "box" / "root"
_JOBSERVER = _INSIDE / "jobserver"
_PIDS = 4096
# The same limits everywhere.  Some daemons allow a million files, and programs that close every inherited descriptor would count
# that far.  Podman in a container asks for more than it may have.
_ULIMITS = [Ulimit(name="nofile", soft=4096, hard=4096), Ulimit(name="nproc", soft=16384, hard=16384)]
# Lives until its standard input is closed: however this process is killed, the container ends.
_WAITER = ["sh", "-c", "cat; exit 0"]


@dataclass(frozen=True)
class Limits:
    """The most that one container may use: processors (0: all), bytes of memory (0: all)."""

    cpus: float = 0.0
    memory: int = 0


class ContainerEngine:
    """Makes build roots in containers of one image; call `close` when done."""

    name = "docker"

    def __init__(
        self,
        daemon: Daemon,
        image: str,
        folder: Path,
        scripts: Mapping[str, str],
        limits: Limits,
        cache: Optional[CompilerCache] = None,
    ) -> None:
        """scripts: the texts beside images.yml, by name; cache: keeps compiled objects."""
        self.daemon = daemon
        self.image = image
        self.step_script = scripts["step.sh"]
        self.limits = limits
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.lease = Lease(folder)
        self.removed = daemon.remove_leftovers(folder)
        self.jobserver: Optional[Path] = None
        # Root outside must not be root inside; other users keep the right to their own files.
        self.user = (os.getuid() or BUILDER, os.getgid() or BUILDER)
        self.facts, self.shares_files = self._look()
        version = re.search(r"(\d+)\.(\d+)", self.facts.packages.get("make", ""))
        named = version and job_protocol((int(version[1]), int(version[2]))) == "fifo"
        # Descriptors do not reach a container.  If the pipe does not either, make in each step gets a number of jobs instead.
        self.job_protocol: JobProtocol = "fifo" if named and self.shares_files else "auth"
        self._trees_lock = threading.Lock()
        self.cache = ContainerServers(cache, self.shares_files, self.user, scripts) if cache else None

    def close(self) -> None:
        """Release the compiler cache and the lease."""
        if self.cache:
            self.cache.close()
        self.lease.close()

    def compilations(self) -> Compilations:
        """Return how many compilations the cache has answered so far."""
        return self.cache.done if self.cache else Compilations()

    def overhead(self) -> float:
        """Return the seconds spent waiting for the daemon."""
        return self.daemon.seconds

    def describe(self) -> str:
        """Return one line that describes the engine."""
        how = "mounted folders" if self.shares_files else "copied folders"
        return f"docker ({self.daemon.product} {self.daemon.version}, {how}, {self.image})"

    def makeflags(self, given: str, fifo: Optional[Path]) -> str:
        """Return the value of MAKEFLAGS for scripts: the run's job server, or one for each step where it cannot be shared."""
        if not fifo:
            jobs = given.split()[0]
            return f" {jobs} {jobs.replace('-j', '-l')}"
        if os.getuid() == 0:
            os.chown(fifo, *self.user)
        self.jobserver = fifo
        return given.replace(str(fifo), str(_JOBSERVER))

    def open(self, label: str, key: str, action: ScriptAction, inputs: RootInputs) -> ContainerRoot:
        """Return a fresh root; remove what an earlier attempt at the same step left."""
        for old in folders_of(self._folder, label):
            remove_folder(old)
        root = ContainerRoot(self, self._folder / folder_name(label), action, inputs.references)
        root.fill(key, inputs)
        return root

    def existing(
        self, label: str, key: str, action: ScriptAction, references: Mapping[str, Path]
    ) -> Optional[ContainerRoot]:
        """Return the root that a failed run left of that step, None if there is none."""
        path = self._folder / folder_name(label)
        return ContainerRoot(self, path, action, references) if is_of_key(path, key) else None

    def image_for(self, references: Mapping[Path, Path]) -> str:
        """Return the tag of the image for containers that refer to these trees (outside -> inside)."""
        if self.shares_files or not references:
            return self.image
        with self._trees_lock:
            return image_with_trees(self.daemon, self.image, references, self.lease.labels)

    def _look(self) -> tuple[ImageContent, bool]:
        """Read what the image contains, and find out whether the daemon sees the files of this machine."""
        if not self.daemon.maps_users:
            mount = Mount(str(_INSIDE / "probe"), str(self._folder), type="bind", read_only=True)
            try:
                said = self._said(["sh", "-c", 'cat /etc/pythonbuild-image; ls "$0"', mount["Target"]], [mount])
                name = Path(self.lease.labels["pythonbuild.lease"]).name
                if name in said.splitlines():
                    return read_facts(said), True
            except EngineLost as error:
                if "bind source path does not exist" not in error.message:
                    raise
        return read_facts(self._said(["cat", "/etc/pythonbuild-image"], [])), False

    def _said(self, command: list[str], mounts: list[Mount]) -> str:
        with self.daemon.calls("look into the image") as api:
            settings = api.create_host_config(mounts=mounts, network_mode="none", ulimits=_ULIMITS)
            made = api.create_container(self.image, command, host_config=settings, labels=self.lease.labels)["Id"]
            try:
                api.start(made)
                api.wait(made)
                return str(api.logs(made, stdout=True, stderr=False), "utf-8", "replace")
            finally:
                api.remove_container(made, force=True, v=True)


class ContainerRoot:
    """One step's folder on this machine, and its container while it exists."""

    def __init__(
        self, engine: ContainerEngine, path: Path, action: ScriptAction, references: Mapping[str, Path]
    ) -> None:
        self.path = path
        self._engine = engine
        self._daemon = engine.daemon
        # A tree with two roles is in the container once.
        self._trees = {tree: _INSIDE / name.lower() for name, tree in reversed(list(references.items()))}
        places = {"ROOT": _ROOT, **{name: self._trees[tree] for name, tree in references.items()}}
        self.folder = RootFolder(path, action, places, engine.facts.programs, references)
        self._cache = engine.cache if action.compilers else None
        if self._cache:
            self._trees.update([self._cache.tree])
        self._container = ""
        self._stdin: Any = None
        self._cancelled = threading.Event()

    def fill(self, key: str, inputs: RootInputs) -> None:
        """Fill the folder for the step of that key, and make the container's user its owner."""
        self.folder.fill(key, inputs)
        (self.path / "step.sh").write_text(self._engine.step_script)
        (self.path / "commands").write_text("".join(shlex.join(line) + "\n" for line in self.folder.commands()))
        self._give(self.path, self._engine.user)

    def run(self, makeflags: str, inherited: tuple[int, ...], output: Callable[[str], None]) -> ScriptResult:
        """Apply the patches and run the script in a container, up to the first command that fails.

        The CPU seconds exclude those of sccache's server, which runs compilers for the script.
        """
        self._start()
        python = self._engine.facts.programs.get("python3", "python3")
        launcher = self._cache.start(self._execute, python) if self._cache else {}
        status = self._execute(["sh", "step.sh"], {**self.folder.environment(makeflags), **launcher}, output)
        if self._cache and launcher:
            self._cache.finish(self._execute, launcher)
        # A failed root stays whole for inspection.
        wanted = self.folder.action.output if status == 0 else "."
        if not self._engine.shares_files and not self._cancelled.is_set():
            receive(self._daemon, self._container, _ROOT, wanted, self.path)
            receive(self._daemon, self._container, _ROOT, "tmp/times", self.path)
        if status == 0:
            self._stop()
            self._give(self.path, (os.getuid(), os.getgid()))
            self.folder.keep_licenses()
        return ScriptResult(status, cpu_seconds(self.path / "tmp" / "times"))

    def result(self) -> Path:
        """Return the tree that the script made."""
        return self.folder.output

    def cancel(self) -> None:
        """Kill the container."""
        self._cancelled.set()
        self._stop()

    def shell(self) -> int:
        """Open a shell in the container, or in a new one if it is gone; return its exit status."""
        if not self._container:
            self._start()
        variables = {
            **self.folder.environment(),
            "TERM": os.environ.get("TERM", "dumb"),
            "PS1": f"[{self.path.name}] \\w \\$ ",
        }
        variables["PATH"] += ":/usr/local/bin:/usr/bin:/bin"
        with self._daemon.lost("open a shell"):
            # It needs Unix terminals, and Windows loads this module, too.
            from pythonbuild.engines.terminal import converse

            return converse(self._daemon, self._container, ["sh", "-i"], variables, str(_ROOT), self._user())

    def discard(self) -> None:
        """Delete container and folder."""
        self._stop()
        remove_folder(self.path)

    def close(self) -> None:
        """Delete the container; the folder stays."""
        self._stop()

    def _user(self) -> str:
        return "{}:{}".format(*self._engine.user)

    def _give(self, path: Path, owner: tuple[int, int]) -> None:
        """Change the owner of a tree, if this is root and containers mount the tree."""
        if os.getuid() == 0 and self._engine.shares_files:
            for folder, _, files in os.walk(path):
                os.chown(folder, *owner)
                for name in files:
                    os.chown(os.path.join(folder, name), *owner, follow_symlinks=False)

    def _mounts(self) -> list[Mount]:
        """Return what the container mounts of this machine; if it can see nothing, a volume to copy to."""
        ours = self._cache.mounts() if self._cache else []
        if not self._engine.shares_files:
            return [Mount(str(_ROOT.parent), None, type="volume"), *ours]
        # A step cannot change its inputs, except its sources: many are built in place.
        given = {_ROOT / name: self.path / name for name in ("bin", "compilers", "deps", "files", "patches", "tools")}
        given.update({inside: tree for tree, inside in self._trees.items()})
        mounts = [Mount(str(_ROOT), str(self.path), type="bind"), *ours]
        mounts += [Mount(str(inside), str(path), type="bind", read_only=True) for inside, path in given.items()]
        if self._engine.jobserver:
            mounts.append(Mount(str(_JOBSERVER), str(self._engine.jobserver), type="bind"))
        return mounts

    def _start(self) -> None:
        engine = self._engine
        image = engine.image_for(self._trees)
        with self._daemon.calls("start a container") as api:
            settings = api.create_host_config(
                mounts=self._mounts(),
                network_mode="none",
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                pids_limit=_PIDS,
                ulimits=_ULIMITS,
                read_only=True,
                tmpfs={"/tmp": "exec"},  # noqa: S108  (in the container)
                auto_remove=True,
                nano_cpus=int(engine.limits.cpus * 1e9) or None,
                mem_limit=engine.limits.memory or None,
                extra_hosts=self._cache.hosts() if self._cache else None,
            )
            made = api.create_container(
                image,
                _WAITER,
                user=self._user(),
                stdin_open=True,
                host_config=settings,
                labels={**engine.lease.labels, "pythonbuild.step": self.path.name},
            )
            self._container = made["Id"]
            if not engine.shares_files:
                send(api, self._container, self.path, _ROOT.parent, _ROOT.name, engine.user)
            if self._cache:
                self._cache.prepare(api, self._container)
            self._stdin = api.attach_socket(self._container, params={"stdin": 1, "stream": 1})
            api.start(self._container)

    def _execute(self, command: list[str], variables: Mapping[str, str], output: Callable[[str], None]) -> int:
        with self._daemon.calls("run the step") as api:
            execution = api.exec_create(
                self._container, command, environment=dict(variables), workdir=str(_ROOT), user=self._user()
            )["Id"]
            chunks = api.exec_start(execution, stream=True)
        rest = b""
        with self._daemon.lost("run the step"):
            for chunk in chunks:
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    output(line.decode("utf-8", "replace"))
        if rest:
            output(rest.decode("utf-8", "replace"))
        if self._cancelled.is_set():
            return -9
        with self._daemon.calls("report how the step ended") as api:
            status = api.exec_inspect(execution)["ExitCode"]
            alive = api.inspect_container(self._container)["State"]
        if not alive["Running"]:
            why = "it had no memory left" if alive.get("OOMKilled") else "someone or something killed it"
            raise EngineLost(f"the container ended while the step ran: {why}")
        return int(status)

    def _stop(self) -> None:
        """Remove the container, if it still exists."""
        container, self._container = self._container, ""
        if not container:
            return
        try:
            with self._daemon.calls("remove a container") as api:
                api.remove_container(container, force=True, v=True)
        except EngineLost:
            pass
        if self._stdin is not None:
            self._stdin.close()
            self._stdin = None


def cpu_seconds(times: Path) -> float:
    """Return the sum of what the shell's `times` wrote: user and system time of the shell and of its children, as 0m1.23s."""
    try:
        words = times.read_text().split()
        return sum(
            int(minutes) * 60 + float(rest.rstrip("s")) for minutes, _, rest in (word.partition("m") for word in words)
        )
    except (OSError, ValueError):
        return 0.0
