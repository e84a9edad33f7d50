"""sccache in containers: objects survive them, scripts see no secrets, and only hosts in the settings are reachable."""

from __future__ import annotations

import re
import shutil
import socket
import time
from collections.abc import Iterator

import pytest
import requests
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from tests.build.conftest import Small
from tests.build.test_sccache import SECRET, TRAPS, forget, holders, look_for_secrets, wheel
from tests.docker.test_containers import hidden

__all__ = ["hidden", "wheel"]

# One daemon serves them all, and some tests stop it.
pytestmark = pytest.mark.xdist_group("docker")

ENGINE = ("--engine", "docker")
# A program that tells whether it can connect.
PROBE = """cat >probe.py <<'END'
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
    print("reached")
except OSError as error:
    print("no:", error)
END
"""


@pytest.fixture
def cached(wheel: None, boxed: Small) -> Small:
    """A small checkout that builds in containers and has sccache without a network."""
    boxed.environment.update({"HOME": str(boxed.root.parent), "XDG_CONFIG_HOME": ""})
    return boxed


def build(small: Small, *flags: str, step: str = "top") -> tuple[str, str]:
    """Build a step anew; returns what it says on standard error, and the digest of what it made."""
    forget(small)
    done = small.run(*ENGINE, "--only", step, "--offline", *flags)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr, small.artifact(step).parent.name


def test_objects_outlive_containers_and_change_nothing(cached: Small) -> None:
    cached.recipe("bottom", script=TRAPS)
    said, without = build(cached, "--no-sccache", step="bottom")
    assert "sccache" not in said
    said, cold = build(cached, "--sccache", step="bottom")
    assert "sccache  0 of 17 compilations" in said
    said, warm = build(cached, "--sccache", step="bottom")
    assert "sccache  17 of 17 compilations" in said
    assert without == cold == warm
    script = cached.root / "cpython-unix" / "packages" / "bottom" / "build.sh.j2"
    script.write_text(script.read_text() + "# another key\n")
    assert "sccache  17 of 17 compilations" in build(cached, "--sccache", step="bottom")[0]


def test_the_program_of_the_checkout_is_that_of_containers(cached: Small) -> None:
    build(cached, "--sccache")
    (program,) = (cached.cache / "programs").glob("*/tree/sccache")
    shutil.copy(program, cached.root / "sccache")
    assert "sccache  3 of 3 compilations" in build(cached)[0]
    (cached.root / "sccache").write_text("#!/bin/sh\necho no such luck >&2\nexit 3\n")
    said, _ = build(cached)
    assert said.count("warning: sccache did not start: no such luck") == 1
    assert "compilations" not in said


def test_a_server_that_dies_in_a_container(cached: Small) -> None:
    text = (cached.root / "cpython-unix" / "packages" / "bottom" / "build.sh.j2").read_text()
    # Who runs in the container is the server's user, too.
    script = text.replace(
        "gcc $CFLAGS",
        'for process in /proc/[0-9]*; do\n    case "$(tr "\\\\000" " " <$process/cmdline)" in /pythonbuild/sccache/sccache*) kill -9 '
        "${process#/proc/} ;; esac\ndone\nsleep 0.2\ngcc $CFLAGS",
    )
    cached.recipe("bottom", script=script)
    said, _ = build(cached, "--sccache", step="bottom")
    assert said.count("warning: sccache ended") == 1


def test_secrets_are_in_no_script(cached: Small) -> None:
    look_for_secrets(cached, *ENGINE)


@pytest.fixture
def bucket(cached: Small) -> Iterator[str]:
    """An S3 server at an address of this machine, with a bucket, both named by the settings; its URL."""
    # This machine's own name, which a container does not know by itself.
    name = socket.gethostname()
    server = ThreadedMotoServer(ip_address=socket.gethostbyname(name), port=0, verbose=False)
    server.start()
    address, port = server.get_host_and_port()
    assert requests.put(f"http://{address}:{port}/objects", timeout=20).ok
    cached.environment.update(
        SCCACHE_BUCKET="objects",
        SCCACHE_ENDPOINT=f"http://{name}:{port}",
        SCCACHE_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="someone",
        AWS_SECRET_ACCESS_KEY=SECRET,
    )
    yield f"http://{address}:{port}/objects"
    server.stop()


def objects(bucket: str) -> int:
    """Return how many objects of sccache's are in the bucket."""
    return len(re.findall("<Key>./", requests.get(bucket, timeout=20).text))


def test_containers_share_a_bucket_and_reach_nothing_else(cached: Small, bucket: str) -> None:
    _, without = build(cached, "--no-sccache")
    said, cold = build(cached, "--sccache")
    assert "sccache  0 of 3 compilations" in said
    assert "warning: sccache" not in said
    assert objects(bucket) == 3
    assert not [path for path in (cached.cache / "sccache").rglob("*") if path.is_file()]
    other = socket.create_server((bucket.split("/")[2].split(":")[0], 0))
    port = other.getsockname()[1]
    name = socket.gethostname()
    places = [(name, bucket.split(":")[2].split("/")[0]), (name, port), ("127.0.0.1", port), ("192.0.2.1", 80)]
    script = f'#!/bin/sh\nmkdir -p "$OUT/deps"\n{PROBE}echo >a.c\ngcc -c a.c\n(\nls /sys/class/net\n'
    script += "".join(f"python3 probe.py {host} {number}\n" for host, number in places)
    cached.recipe("side", script=script + ') >"$OUT/deps/seen"\n')
    build(cached, "--sccache", step="side")
    seen = (cached.artifact("side") / "seen").read_text().splitlines()
    assert seen[:2] == ["lo", "reached"]
    assert [line[:3] for line in seen[2:]] == ["no:"] * 3
    other.close()
    said, warm = build(cached, "--sccache")
    assert "sccache  3 of 3 compilations" in said
    assert without == cold == warm
    assert holders(cached) == []


def test_a_bucket_that_is_not_there_is_a_warning(cached: Small, bucket: str) -> None:
    cached.environment["SCCACHE_BUCKET"] = "another"
    said, _ = build(cached, "--sccache")
    assert said.count("warning: sccache did not start: ") == 1
    assert "compilations" not in said
    assert SECRET not in said


def test_an_address_is_a_warning_and_objects_stay_here(cached: Small) -> None:
    cached.environment["SCCACHE_REDIS_ENDPOINT"] = "redis://192.0.2.1"
    said, _ = build(cached, "--sccache")
    assert (
        said.count("warning: sccache keeps objects locally instead of in its remote cache: 192.0.2.1 is an address")
        == 1
    )
    assert "sccache  0 of 3 compilations" in said


def test_a_daemon_elsewhere_keeps_objects_in_a_volume(wheel: None, hidden: Small) -> None:
    hidden.environment.update({"HOME": str(hidden.root.parent), "XDG_CONFIG_HOME": ""})
    hidden.environment["SCCACHE_REDIS_ENDPOINT"] = "redis://redis.lan"
    # The volume is one for all runs: what this one compiles is in it only if it was there.
    flag = f"-DRUN={time.time_ns()}"
    hidden.recipe(
        "bottom",
        script=f'#!/bin/sh\nmkdir -p "$OUT/deps"\necho "int x = RUN;" >a.c\ngcc {flag} -c a.c\ncp a.o "$OUT/deps"\n',
    )
    said, cold = build(hidden, "--sccache", step="bottom")
    assert "copied folders" in said
    assert said.count("the daemon does not see this machine's files") == 1
    assert "sccache  0 of 1 compilations" in said
    said, warm = build(hidden, "--sccache", step="bottom")
    assert "sccache  1 of 1 compilations" in said
    assert cold == warm
    shutil.rmtree(hidden.cache)
