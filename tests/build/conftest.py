"""A small checkout: this project's code with a few tiny recipes, built by the real compiler in a cache of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

import pytest

from pythonbuild.cli.options import VERBS
from pythonbuild.flags.build import RequestFlags
from pythonbuild.home import checkout, home
from tests.once import once

# Seconds after which something that takes one or two on an idle machine is taken to hang.
PATIENCE = 180.0

# A recipe of its own compiles one function; the chain is bottom <- middle <- top, and side stands alone.
_RECIPE = "name: {name}\nversion: '1'\nneeds: [{needs}]\n"
_SCRIPT = """#!/bin/sh
mkdir -p "$OUT/deps/include" "$OUT/deps/lib"
echo "int {name}(void);" >"$OUT/deps/include/{name}.h"
echo "int {name}(void) {{ return 1; }}" >{name}.c
gcc $CFLAGS -c {name}.c
ar rc "$OUT/deps/lib/lib{name}.a" {name}.o
"""
_CPYTHON = 'mkdir -p "$OUT/install" "$OUT/build"\n'


@dataclass
class Small:
    """The checkout, its cache, and how to call it."""

    root: Path
    cache: Path
    # A daemon that happens to run on this machine is for the tests that ask for it.
    engine: str = "host"
    environment: dict[str, str] = field(default_factory=lambda: {"DOCKER_HOST": "unix:///nowhere"})

    def recipe(self, name: str, script: Optional[str] = None, needs: str = "") -> Path:
        folder = self.root / "cpython-unix" / "packages" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "recipe.yml").write_text(_RECIPE.format(name=name, needs=needs))
        (folder / "build.sh.j2").write_text(_SCRIPT.format(name=name) if script is None else script)
        return folder

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.root / "build-linux.py"), *arguments, *self._engine(arguments)]

    def _engine(self, arguments: tuple[str, ...]) -> list[str]:
        return ["--engine", self.engine] if self.engine and "--engine" not in arguments else []

    def variables(self) -> dict[str, str]:
        # In a job of GitHub, builds print other lines.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GITHUB_"))}
        # Nor do the user's own settings, which may name a store that others use.
        settings = {"PYTHONBUILD_HOME": str(self.cache), "XDG_CONFIG_HOME": str(self.root.parent / "no-settings")}
        return {**inherited, **settings, **self.environment}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = self.command(*arguments)
        return subprocess.run(command, env=self.variables(), cwd=self.root, capture_output=True, text=True, timeout=300)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        # Tests that run in the background of a shell are started deaf to Ctrl-C, and so would be their children.
        command = ["env", "--default-signal=INT", *self.command(*arguments)]
        return subprocess.Popen(
            command, env=self.variables(), cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def verb(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        asks = issubclass(VERBS[arguments[0]].flags, RequestFlags) if arguments[0] in VERBS else False
        command = [sys.executable, "-m", "pythonbuild", *arguments, *(self._engine(arguments) if asks else [])]
        return subprocess.run(command, env=self.variables(), cwd=self.root, capture_output=True, text=True, timeout=300)

    def built(self, done: subprocess.CompletedProcess[str]) -> list[str]:
        return [line.split()[1] for line in done.stderr.splitlines() if line.startswith("done ")]

    def artifact(self, name: str) -> Path:
        """Return the tree of a step in the store."""
        found = list((self.cache / "store" / "latest").glob(f"{name}_*.json"))
        assert found, f"{name} was never built"
        record = json.loads(found[0].read_text())
        return self.cache / "store" / "trees" / str(record["tree"]) / "tree"


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with virtual environment and compiler, made once and copied (by links) for each test."""
    return once(tmp_path_factory, "prepared", _prepare) / "cache"


def _prepare(folder: Path) -> None:
    small = Small(folder / "checkout", folder / "cache")
    small.root.mkdir()
    _fill(small)
    # The user's own source cache saves the download of the compiler; nothing else is taken from it.
    ours = home() / "sources"
    if ours.is_dir():
        shutil.copytree(
            ours,
            small.cache / "sources",
            ignore=shutil.ignore_patterns("partial", "rejected"),
            copy_function=link_or_copy,
        )
    # Environments are the same for all checkouts with these requirements; making one takes longer than most tests.
    (home() / "venv").mkdir(parents=True, exist_ok=True)
    small.cache.mkdir(exist_ok=True)
    (small.cache / "venv").symlink_to(home() / "venv")
    done = small.run("--only", "toolchain-gcc")
    assert done.returncode == 0, done.stderr
    # What the tests' commands load besides.
    prefix = f"pycache_prefix={small.cache / 'pyc'}"
    compiling = [sys.executable, "-I", "-X", prefix, "-m", "compileall", "-q", str(small.root)]
    subprocess.run(compiling, check=True)


def _fill(small: Small) -> None:
    shutil.copytree(
        checkout() / "pythonbuild", small.root / "pythonbuild", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("build-linux.py", "requirements.txt", "requirements-cluster.txt"):
        shutil.copy(checkout() / name, small.root)
    shutil.copytree(checkout() / "cpython-unix", small.root / "cpython-unix", ignore=shutil.ignore_patterns("packages"))
    shutil.copytree(checkout() / "docker", small.root / "docker")
    small.recipe("bottom")
    small.recipe("middle", needs="bottom")
    small.recipe("top", needs="middle")
    small.recipe("side")
    folder = small.recipe("cpython", script=_CPYTHON, needs="top, side")
    (folder / "recipe.yml").write_text("name: cpython\nkind: python\nneeds: [top, side]\nreads: [options, python]\n")


@pytest.fixture
def small(prepared: Path, tmp_path: Path) -> Iterator[Small]:
    """A fresh small checkout with a cache that holds the compiler and nothing else."""
    made = Small(tmp_path / "checkout", tmp_path / "cache")
    made.root.mkdir()
    copy_cache(prepared, made.cache, made.root)
    _fill(made)
    yield made
    _end_all(made)


def copy_cache(prepared: Path, target: Path, root: Path) -> None:
    """Make a cache for the checkout at `root`.  It links to the other cache's files, as builds only read them."""
    # A locked file belongs to one cache.
    left_out = {prepared: ["venv", "pyc"], prepared / "store": ["locks", "tmp", "trees"]}
    shutil.copytree(
        prepared,
        target,
        symlinks=True,
        copy_function=link_or_copy,
        ignore=lambda folder, _: left_out.get(Path(folder), []),
    )
    (target / "venv").symlink_to(prepared / "venv")
    for tree in (prepared / "store" / "trees").iterdir():
        ours = target / "store" / "trees" / tree.name
        ours.mkdir(parents=True)
        link_or_copy(str(tree / "manifest.json"), str(ours / "manifest.json"))
        (ours / "tree").symlink_to(tree / "tree")
    copy_bytecode(prepared, target, root)


def copy_bytecode(prepared: Path, target: Path, root: Path) -> None:
    """Give a cache the bytecode of another one, as compiling takes longer than most tests.  It is filed by its module's path."""
    before = prepared / "pyc" / (prepared.parent / "checkout").relative_to("/")
    # A test may change modules of its checkout, so it shares no folder of theirs.
    shutil.copytree(before, target / "pyc" / root.relative_to("/"), copy_function=link_or_copy)
    standard = Path(sysconfig.get_path("stdlib"))
    for before, after in ((prepared / "venv", target / "venv"), (standard, standard)):
        link = target / "pyc" / after.relative_to("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(prepared / "pyc" / before.relative_to("/"))


def link_or_copy(source: str, target: str) -> str:
    # Records are replaced, never written to, so that they may be shared as well as the trees.
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another disk
        shutil.copy2(source, target)
    return target


def _end_all(small: Small) -> None:
    mark = str(small.cache).encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes() and int(process.name) != os.getpid():
                os.kill(int(process.name), signal.SIGKILL)
        except OSError:
            continue


# A step that has jobs for six, and notes when each begins and ends.
MANY_JOBS = """#!/bin/sh
for i in 0 1 2 3 4 5; do
    echo "all: j$i"
    printf 'j%s:\\n\\t@date +%%s.%%N >>starts; sleep 0.4; date +%%s.%%N >>stops\\n' $i
done >Makefile
make all
mkdir -p "$OUT/deps"
cp starts stops "$OUT/deps"
"""


def most_at_once(small: Small, *names: str) -> int:
    """Return how many jobs of MANY_JOBS's steps ran at the same time at most."""
    changes = []
    for name in names:
        tree = small.artifact(name)
        changes += [(float(text), 1) for text in (tree / "starts").read_text().split()]
        changes += [(float(text), -1) for text in (tree / "stops").read_text().split()]
    running, most = 0, 0
    for _, change in sorted(changes):
        running += change
        most = max(most, running)
    return most


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds; `what` it is says the failure."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"this did not happen: {what}"
        time.sleep(0.02)


def processes_of(small: Small) -> list[str]:
    """Return the command lines of processes that name a build root of the checkout's cache."""
    mark = os.fsencode(small.cache / "roots")
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        if mark in command:
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


def wait_for(path: Path) -> None:
    """Wait until a file is there."""
    wait_until(path.exists, f"{path} appears")


# Waits in the middle, so that a test can do something meanwhile; `marker` tells that it is there.
SLOW = """#!/bin/sh
mkdir -p "$OUT/deps/lib"
echo half >"$OUT/deps/lib/half"
touch {marker}
sleep 600
echo whole >"$OUT/deps/lib/half"
"""


def interrupt(small: Small, number: signal.Signals) -> str:
    """Send a signal to a build of `top` in the middle of the step `middle`; returns what it then says on standard error."""
    marker = small.root.parent / "marker"
    small.recipe("middle", script=SLOW.format(marker=marker), needs="bottom")
    build = small.start("--only", "top")
    wait_for(marker)
    build.send_signal(number)
    _, said = build.communicate(timeout=PATIENCE)
    assert build.returncode == 130
    assert "Traceback" not in said
    return said
