"""Engine docker with a real daemon: the limits of steps, and the state after failures."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.build.conftest import MANY_JOBS, PATIENCE, Small, most_at_once, wait_until
from tests.docker.conftest import HIDDEN, containers_of, docker, restart
from tests.required import REQUIRED

# One daemon serves them all, and some tests stop it.
pytestmark = pytest.mark.xdist_group("docker")

ENGINE = ("--engine", "docker")


def report(boxed: Small, commands: str, *flags: str) -> str:
    """Run shell commands as a step that needs `bottom`; returns what they printed."""
    boxed.recipe(
        "side", script=f'#!/bin/sh\nmkdir -p "$OUT/deps"\n{{\n{commands}\n}} >"$OUT/deps/report" 2>&1\n', needs="bottom"
    )
    done = boxed.run(*ENGINE, "--only", "side", *flags)
    assert done.returncode == 0, done.stderr
    return (boxed.artifact("side") / "report").read_text()


def test_containers_give_the_bytes_that_the_host_gives(boxed: Small) -> None:
    done = boxed.run("--engine", "host", "--only", "top")
    assert done.returncode == 0, done.stderr
    on_host = boxed.artifact("top").parent.name
    for kept in ("records", "latest"):
        for path in (boxed.cache / "store" / kept).glob("*.json"):
            if "toolchain" not in path.read_text():
                path.unlink()
    shutil.rmtree(boxed.cache / "store" / "trees" / on_host)
    done = boxed.run(*ENGINE, "--only", "top")
    assert done.returncode == 0, done.stderr
    assert boxed.built(done)[-1] == "top"
    assert boxed.artifact("top").parent.name == on_host


def test_a_step_has_no_privileges_and_no_network(boxed: Small) -> None:
    text = report(
        boxed,
        """
        echo "user $(id -u)"
        grep -E '^(CapEff|NoNewPrivs):' /proc/self/status
        echo "interfaces $(ls /sys/class/net | tr '\\n' ' ')"
        for place in / /usr/bin "$DEPS/include" "$ROOT/bin" "$TOOLS" /pythonbuild/toolchain; do
            ! touch "$place/x" 2>/dev/null || echo "writes to $place"
        done
        for place in "$SOURCES" "$TMPDIR" "$HOME" "$OUT"; do
            touch "$place/x" || echo "cannot write to $place"
        done
        cat "$DEPS/include/bottom.h"
        for program in "$ROOT"/bin/*; do
            [ -x "$program" ] || echo "cannot run $program"
        done
        "$ROOT/bin/echo" a program, not what the shell has
        echo "limit of processes $(cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max)"
        """,
    )
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0] == f"user {os.getuid() or 1000}"
    assert "CapEff:\t0000000000000000" in lines
    assert "NoNewPrivs:\t1" in lines
    assert "interfaces lo" in lines
    assert "int bottom(void);" in lines
    assert "a program, not what the shell has" in lines
    assert not [line for line in lines if line.startswith("cannot run")]
    assert "limit of processes 4096" in lines
    assert not [line for line in lines if "write" in line]


def test_limits_are_the_containers(boxed: Small) -> None:
    text = report(
        boxed,
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max\n"
        "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cut -d' ' -f1 /sys/fs/cgroup/cpu.max",
        "--memory",
        "300M",
        "--cpus",
        "1.5",
    )
    assert text.split() == [str(300 * 1024**2), "150000"]


def test_makes_in_different_containers_share_the_jobs(boxed: Small) -> None:
    boxed.recipe("bottom", script=MANY_JOBS)
    boxed.recipe("side", script=MANY_JOBS)
    boxed.recipe("middle", needs="bottom, side")
    done = boxed.run(*ENGINE, "--only", "middle", "--jobs", "3")
    assert done.returncode == 0, done.stderr
    assert most_at_once(boxed, "bottom", "side") == 3


def test_a_failure_keeps_the_folder_and_not_the_container(boxed: Small) -> None:
    boxed.recipe("middle", script="#!/bin/sh\necho 'middle.c:1: error: no such thing' >&2\nfalse\n", needs="bottom")
    done = boxed.run(*ENGINE, "--only", "middle")
    assert done.returncode == 1
    assert "error: no such thing" in done.stderr
    assert "shell middle --platform linux --engine docker" in done.stderr
    assert "Traceback" not in done.stderr
    assert not containers_of(boxed)
    (root,) = [path for path in (boxed.cache / "roots" / "docker").iterdir() if path.name.startswith("middle_")]
    assert (root / "build.sh").exists()
    command = [sys.executable, "-m", "pythonbuild", "shell", "middle", *ENGINE]
    said, status = typed(
        command, boxed, "echo user=$(id -u) root=$ROOT; cc --version | head -n 1; sh -eux build.sh; exit 7\n"
    )
    assert f"user={os.getuid() or 1000} root=/pythonbuild/box/root" in said
    assert "(crosstool-NG" in said
    assert "+ false" in said
    assert status == 7


def test_break_on_failure_opens_a_shell_in_the_failed_container(boxed: Small) -> None:
    boxed.recipe("bottom", script="#!/bin/sh\ntouch /tmp/left-in-the-container\nfalse\n")
    command = boxed.command(*ENGINE, "--only", "bottom", "--break-on-failure")
    said, status = typed(command, boxed, "ls /tmp; exit\n", after="this shell is in its build root")
    assert "left-in-the-container" in said.split("ls /tmp; exit")[-1]
    assert status == 1


def typed(command: list[str], boxed: Small, text: str, after: str = "leave with exit") -> tuple[str, int]:
    """Run a command at a terminal and type `text` once it has shown `after`; returns what it showed, and its status."""
    person, program = pty.openpty()
    process = subprocess.Popen(
        command,
        env=boxed.variables(),
        cwd=boxed.root,
        stdin=program,
        stdout=program,
        stderr=program,
        start_new_session=True,
    )
    os.close(program)
    shown = ""
    sent = False
    while True:
        try:
            shown += os.read(person, 4096).decode("utf-8", "replace")
        except OSError:  # the other end is closed
            break
        if not sent and after in shown:
            time.sleep(1.5)  # the shell sets its terminal up before it reads
            os.write(person, text.encode())
            sent = True
    os.close(person)
    return shown, process.wait()


SLOW = '#!/bin/sh\necho slow begins\nsleep 300 &\nwait\nmkdir -p "$OUT/deps"\n'


def started(boxed: Small) -> subprocess.Popen[str]:
    """Start a build and wait until its container runs the script."""
    boxed.recipe("bottom", script=SLOW)
    process = boxed.start(*ENGINE, "--only", "bottom")
    wait_until(lambda: "sleep 300" in processes_of(boxed), "the script runs")
    return process


def processes_of(boxed: Small) -> str:
    """Return the table of what runs in the checkout's containers."""
    commands = [["docker", "top", line.split()[0]] for line in containers_of(boxed)]
    # One that has not started yet, or is gone, has no table.
    return "".join(subprocess.run(command, capture_output=True, text=True).stdout for command in commands)


def test_ctrl_c_removes_the_container(boxed: Small) -> None:
    process = started(boxed)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "interrupted" in said
    assert not containers_of(boxed)


def test_a_killed_run_leaves_no_container(boxed: Small) -> None:
    process = started(boxed)
    process.kill()
    process.communicate()
    # The container lives by the connection of the process that was killed.
    wait_until(lambda: not containers_of(boxed), "the container is gone")


def test_leftover_containers_are_removed_by_the_next_run(boxed: Small) -> None:
    """Such as when the whole machine of the client went away."""
    image = docker("images", "--quiet", "localhost/pythonbuild/build").split()[0]
    lease = boxed.cache / "roots" / "docker" / "1-1.lease"
    lease.parent.mkdir(parents=True, exist_ok=True)
    lease.touch()
    labels = [f"--label=pythonbuild.host={os.uname().nodename}", f"--label=pythonbuild.lease={lease}"]
    docker("run", "--detach", *labels, image, "sleep", "600")
    assert containers_of(boxed)
    done = boxed.run(*ENGINE, "--only", "bottom")
    assert "removed 1 containers of an earlier run" in done.stderr
    assert not containers_of(boxed)


def test_auto_takes_docker_when_a_daemon_answers(boxed: Small) -> None:
    done = boxed.run("--only", "bottom")
    assert done.returncode == 0, done.stderr
    assert "engine   docker (Docker" in done.stderr


def test_images_are_made_once_and_listed(boxed: Small) -> None:
    first = boxed.run(*ENGINE, "--only", "bottom")
    second = boxed.run(*ENGINE, "--only", "side")
    assert first.returncode == second.returncode == 0, second.stderr
    assert "making image" not in second.stderr
    assert "pythonbuild/build:" in boxed.verb("images").stdout


def test_an_image_that_cannot_be_had(boxed: Small) -> None:
    done = boxed.run(*ENGINE, "--only", "bottom", "--base-image", "no-such-registry.invalid/debian:13")
    assert done.returncode == 3
    assert "the base image no-such-registry.invalid/debian:13 cannot be pulled" in done.stderr
    assert "Traceback" not in done.stderr
    auto = boxed.run("--only", "bottom", "--base-image", "no-such-registry.invalid/debian:13")
    assert auto.returncode == 0
    assert "building on this machine instead" in auto.stderr


def test_no_daemon(boxed: Small) -> None:
    boxed.environment["DOCKER_HOST"] = "tcp://127.0.0.1:9"
    done = boxed.run(*ENGINE, "--only", "bottom")
    assert done.returncode == 3
    assert "no container daemon answers at tcp://127.0.0.1:9 (connection refused)" in done.stderr
    assert "--engine host" in done.stderr
    boxed.environment["DOCKER_HOST"] = "tcp://no-such-host.invalid:2375"
    assert "(unknown host)" in boxed.run(*ENGINE, "--only", "bottom").stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become someone else")
def test_a_user_without_access_to_the_daemon(daemon: None) -> None:
    code = (
        "from pythonbuild.engines.daemon import Daemon\nfrom pythonbuild.errors import EngineUnavailable\n"
        "import os; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: Daemon.connect()\nexcept EngineUnavailable as error: print(error.message, error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "this user may not use the container daemon at unix:///" in done.stdout, done.stderr
    assert "usermod -aG docker" in done.stdout


@pytest.fixture
def hidden(boxed: Small) -> Small:
    """The same with a cache where the daemon cannot see it."""
    if not HIDDEN:
        if "docker" in REQUIRED:
            pytest.fail("PYTHONBUILD_TESTS_HIDDEN must name the folder that the daemon cannot see")
        pytest.skip("the daemon was not started by dockerd.sh")
    place = Path(HIDDEN) / str(time.time_ns())
    shutil.copytree(boxed.cache, place, symlinks=True)
    shutil.rmtree(boxed.cache)
    boxed.cache = place
    return boxed


def test_folders_are_copied_where_the_daemon_cannot_see_them(hidden: Small) -> None:
    """A daemon elsewhere, as far as files go."""
    done = hidden.run(*ENGINE, "--only", "top")
    assert done.returncode == 0, done.stderr
    assert "copied folders" in done.stderr
    copied = hidden.artifact("top").parent.name
    shutil.rmtree(hidden.cache / "store" / "records")
    done = hidden.run("--engine", "host", "--only", "top")
    assert done.returncode == 0, done.stderr
    assert hidden.artifact("top").parent.name == copied
    hidden.recipe("side", script='#!/bin/sh\necho made >"$SOURCES/half-made"\nfalse\n')
    done = hidden.run(*ENGINE, "--only", "side")
    assert done.returncode == 1
    # The failed root comes back, to be looked into.
    (root,) = [path for path in (hidden.cache / "roots" / "docker").iterdir() if path.name.startswith("side_")]
    assert (root / "src" / "half-made").read_text() == "made\n"
    shutil.rmtree(hidden.cache)


def test_a_daemon_that_dies_in_the_middle(boxed: Small) -> None:
    if not HIDDEN or os.getuid() != 0:
        pytest.skip("the daemon is not theirs to stop: these tests have not started it, or not as root")
    process = started(boxed)
    os.kill(int(Path("/var/run/docker.pid").read_text()), signal.SIGKILL)
    _, said = process.communicate(timeout=PATIENCE)
    Path("/var/run/docker.pid").unlink(missing_ok=True)
    restart(HIDDEN)
    assert process.returncode == 1
    assert "stopped answering" in said
    assert "Traceback" not in said
    boxed.recipe("bottom")
    done = boxed.run(*ENGINE, "--only", "bottom")
    assert done.returncode == 0, done.stderr


def test_time_spent_in_the_daemon_is_reported(boxed: Small) -> None:
    done = boxed.run(*ENGINE, "--only", "top", "--json")
    (event,) = [item for item in map(json.loads, done.stdout.splitlines()) if "waited for" in item.get("text", "")]
    assert "for the container daemon" in event["text"]
