"""A Dask cluster of three processes on this machine: the build continues after a worker is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.build.conftest import PATIENCE, Small, copy_cache, wait_for
from tests.object_server import ObjectServer, object_server

# Notes that it has run, after compiling something; the file `hold-NAME` keeps it from going on.
_SCRIPT = """#!/bin/sh
echo "int {name}(void) {{ return 1; }}" >{name}.c
gcc $CFLAGS -c {name}.c
touch {notes}/begun-{name}
while [ -e {notes}/hold-{name} ]; do sleep 0.1; done
mkdir -p "$OUT/deps/lib"
ar rc "$OUT/deps/lib/lib{name}.a" {name}.o
echo "$ROOT" >>{notes}/built-{name}
"""


@dataclass
class Cluster:
    """The one who asks, the notes that scripts leave, the address of the scheduler, and the workers' caches and processes."""

    asks: Small
    notes: Path
    server: ObjectServer
    address: str
    workers: list[tuple[Small, subprocess.Popen[str]]]

    def build(self, *flags: str) -> list[str]:
        """Return the command line."""
        verb = [sys.executable, "-m", "pythonbuild", "build-all", "--engine", "host", "--executor", self.address]
        return [*verb, "--only", "top", *flags]

    def run(self, *flags: str) -> subprocess.CompletedProcess[str]:
        command = self.build(*flags)
        return subprocess.run(
            command, env=self.asks.variables(), cwd=self.asks.root, capture_output=True, text=True, timeout=200
        )

    def add_worker(self, prepared: Path, folder: Path) -> None:
        small = replace(self.asks, cache=folder)
        copy_cache(prepared, small.cache, small.root)
        process = start(small, "worker", self.address, "--jobs", "1")
        assert process.stdout
        assert "waits for steps" in process.stdout.readline()
        self.workers.append((small, process))

    def times_built(self) -> dict[str, int]:
        return {path.name[6:]: len(path.read_text().splitlines()) for path in self.notes.glob("built-*")}


def start(small: Small, *arguments: str) -> subprocess.Popen[str]:
    command = ["env", "--default-signal=INT", sys.executable, "-m", "pythonbuild", *arguments]
    return subprocess.Popen(
        command, env=small.variables(), cwd=small.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture
def cluster(small: Small, prepared: Path, tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler and two workers; `top` needs `left` and `right`, which both need `bottom`."""
    (tmp_path / "notes").mkdir()
    for name, needs in (("bottom", ""), ("left", "bottom"), ("right", "bottom"), ("top", "left, right")):
        small.recipe(name, _SCRIPT.format(name=name, notes=tmp_path / "notes"), needs)
    with object_server() as server:
        small.environment["PYTHONBUILD_STORE"] = f"{server.address}/store"
        scheduler = start(small, "scheduler", "--port", "0")
        assert scheduler.stdout
        address = scheduler.stdout.readline().strip()
        assert address.startswith("dask://127.0.0.1:")
        made = Cluster(small, tmp_path / "notes", server, address, [])
        for number in range(2):
            made.add_worker(prepared, tmp_path / f"worker-{number}")
        yield made
        for process in (scheduler, *(process for _, process in made.workers)):
            process.kill()
            process.communicate(timeout=PATIENCE)


def test_each_step_runs_once_on_one_of_two_workers_and_requested_results_return(cluster: Cluster) -> None:
    for name in ("left", "right"):
        (cluster.notes / f"hold-{name}").touch()
    running = subprocess.Popen(
        cluster.build(), env=cluster.asks.variables(), cwd=cluster.asks.root, stderr=subprocess.PIPE, text=True
    )
    # Both are held at once: so they run on two workers, which have one job each.
    for name in ("left", "right"):
        wait_for(cluster.notes / f"begun-{name}")
    for name in ("left", "right"):
        (cluster.notes / f"hold-{name}").unlink()
    _, said = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, said
    assert cluster.times_built() == {"bottom": 1, "left": 1, "right": 1, "top": 1}
    roots = [(cluster.notes / f"built-{name}").read_text() for name in ("left", "right")]
    assert sorted(str(small.cache) in root for small, _ in cluster.workers for root in roots) == [
        False,
        False,
        True,
        True,
    ]
    assert (cluster.asks.artifact("top") / "lib" / "libtop.a").is_file()
    # The one who asked has no more than what it asked for; what was printed is in its logs.
    assert not list((cluster.asks.cache / "store" / "latest").glob("left*"))
    assert list((cluster.asks.cache / "logs").glob("left*"))
    again = cluster.run()
    assert again.returncode == 0
    assert cluster.times_built() == {"bottom": 1, "left": 1, "right": 1, "top": 1}


def test_a_worker_that_is_killed_in_a_step_does_not_fail_the_build(cluster: Cluster) -> None:
    hold = cluster.notes / "hold-left"
    hold.touch()
    running = subprocess.Popen(
        cluster.build(), env=cluster.asks.variables(), cwd=cluster.asks.root, stderr=subprocess.PIPE, text=True
    )
    wait_for(cluster.notes / "begun-left")
    # `right` is through, so that only `left` is lost.
    wait_for(cluster.notes / "built-right")
    (victim,) = [(small, process) for small, process in cluster.workers if list((small.cache / "roots").glob("left*"))]
    (cluster.notes / "begun-left").unlink()
    kill_all(victim[0], victim[1])
    # The other worker begins it anew.
    wait_for(cluster.notes / "begun-left")
    hold.unlink()
    _, said = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, said
    assert cluster.times_built() == {"bottom": 1, "left": 1, "right": 1, "top": 1}
    assert (cluster.asks.artifact("top") / "lib" / "libtop.a").is_file()


def kill_all(small: Small, process: subprocess.Popen[str]) -> None:
    """Kill a worker and all that it has started, as when its machine is switched off."""
    process.kill()
    mark = str(small.cache).encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)
        except OSError:
            continue


def test_a_step_that_fails_says_where_and_why(cluster: Cluster) -> None:
    cluster.asks.recipe("left", "#!/bin/sh\necho 'left.c:1: error: no such thing'\nexit 1\n", needs="bottom")
    done = cluster.run()
    assert done.returncode == 1
    assert "FAILED left" in done.stderr
    assert "its script exited with 1; its build root is" in done.stderr
    assert "left.c:1: error: no such thing" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_worker_with_other_code_does_nothing(cluster: Cluster, tmp_path: Path, prepared: Path) -> None:
    for _, process in cluster.workers:
        process.kill()
        process.communicate(timeout=PATIENCE)
    ours = cluster.asks.root / "pythonbuild" / "locks.py"
    before = ours.read_text()
    cluster.add_worker(prepared, tmp_path / "worker-2")
    ours.write_text(before + "# another version\n")
    done = cluster.run()
    assert done.returncode == 1
    assert "this worker runs another version of pythonbuild" in done.stderr
    assert cluster.times_built() == {}


def test_without_workers_or_scheduler_it_says_so(cluster: Cluster) -> None:
    for _, process in cluster.workers:
        process.kill()
        process.communicate(timeout=PATIENCE)
    done = cluster.run()
    assert done.returncode == 3
    assert "has no workers" in done.stderr
    assert f"{cluster.address} has no workers\n  start some with the verb `worker`" in done.stderr
    assert "Traceback" not in done.stderr
    cluster.address = "dask://127.0.0.1:1"
    started = time.monotonic()
    done = cluster.run()
    assert done.returncode == 3
    assert "does not answer" in done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - started < 60


def test_a_worker_without_a_scheduler_ends_and_says_so(small: Small) -> None:
    small.environment["PYTHONBUILD_STORE"] = "http://127.0.0.1:1/store"
    done = small.verb("worker", "dask://127.0.0.1:1")
    assert done.returncode == 3
    assert "dask://127.0.0.1:1 does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_scheduler_that_cannot_listen_says_so(small: Small) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for flags, said in (
            (["--port", port], f"listen on 127.0.0.1:{port}"),
            (["--host", "nonesuch.invalid"], "listen"),
        ):
            done = small.verb("scheduler", *flags)
            assert done.returncode == 2
            assert f"the scheduler cannot {said}" in done.stderr
            assert "Traceback" not in done.stderr.partition("python -m pythonbuild: ")[2]


def test_requests_that_a_cluster_cannot_run_are_refused(small: Small) -> None:
    for flags, store, said in (
        (["--executor", "dask://host"], "http://127.0.0.1:1", "is not the address of a scheduler"),
        (["--executor", "somewhere"], "http://127.0.0.1:1", "is not the address of a scheduler"),
        (
            ["--executor", "dask://127.0.0.1:1", "--serial"],
            "http://127.0.0.1:1",
            "--serial is for steps on this machine",
        ),
        (["--executor", "dask://127.0.0.1:1"], "", "a cluster needs a shared store"),
    ):
        small.environment["PYTHONBUILD_STORE"] = store
        done = small.verb("build-all", "--engine", "host", "--python", "cpython-3.13", *flags)
        assert done.returncode == 2, done.stderr
        assert said in done.stderr
    done = small.verb("worker", "dask://127.0.0.1:1")
    assert done.returncode == 2
    assert "PYTHONBUILD_STORE" in done.stderr


def test_a_worker_without_an_address_is_refused_before_its_environment_is_made(small: Small, tmp_path: Path) -> None:
    small.environment["PYTHONBUILD_HOME"] = str(tmp_path / "nothing")
    done = small.verb("worker")
    assert done.returncode == 2
    assert "the following arguments are required: dask://HOST:PORT" in done.stderr
    assert not (tmp_path / "nothing").exists()


def test_many_requests_are_one_plan(small: Small, tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    rows.write_text(
        "x86_64-unknown-linux-gnu cpython-3.13.15 noopt\n\nx86_64-unknown-linux-gnu cpython-3.12.14 debug\n"
    )
    done = small.verb("build-all", "--from", str(rows), "--plan", "--engine", "host")
    assert done.returncode == 0, done.stderr
    steps = [line.split()[0] for line in done.stdout.splitlines()[1:] if line.startswith("  ")]
    # Two Pythons, and not the four that their Pythons and options would make; libraries once.
    assert [name for name in steps if name.startswith("cpython-")] == ["cpython-3.13.15-noopt", "cpython-3.12.14-debug"]
    assert len([name for name in steps if name.startswith("bottom")]) == 1


def test_rows_that_are_no_text_are_refused(small: Small, tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(bytes(range(256)))
    done = small.verb("build-all", "--from", str(tmp_path / "rows"), "--plan")
    assert done.returncode == 2
    assert "is not text" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names nothing to build"),
        ("x86_64-unknown-linux-gnu cpython-3.13\n", "line 1 is not a target, a Python and options"),
        ("x86_64-unknown-linux-gnu cpython-9.9 noopt\n", "9.9"),
        ("z80-unknown-linux-gnu cpython-3.13.15 noopt\n", "z80"),
    ],
)
def test_rows_that_make_no_sense_are_refused(text: str, said: str, small: Small, tmp_path: Path) -> None:
    (tmp_path / "rows").write_text(text)
    done = small.verb("build-all", "--from", str(tmp_path / "rows"), "--plan", "--engine", "host")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
