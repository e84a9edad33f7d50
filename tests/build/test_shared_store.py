"""The shared store: a second machine builds nothing, and a build continues without a broken store, after one warning.

Each machine is a cache of its own.  The S3 server (moto's) and the HTTP server (ours) are real, on loopback.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import socket
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from tests.build.conftest import PATIENCE, Small, copy_cache, wait_for, wait_until
from tests.object_server import ObjectServer, object_server

Machine = Callable[[], Small]
SECRET = "xyzzy-plugh-frotz"


@pytest.fixture
def machine(small: Small, prepared: Path, tmp_path: Path) -> Machine:
    """Give a machine whose store has the compiler and nothing else; all have the same recipes."""
    made: list[Small] = []

    def another() -> Small:
        cache = tmp_path / f"machine-{len(made)}"
        copy_cache(prepared, cache, small.root)
        made.append(replace(small, cache=cache, environment=dict(small.environment)))
        return made[-1]

    return another


@pytest.fixture
def server(small: Small) -> Iterator[ObjectServer]:
    """An HTTP server that all machines know."""
    with object_server() as made:
        small.environment["PYTHONBUILD_STORE"] = f"{made.address}/team/store"
        yield made


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of an S3 server."""
    if sys.version_info < (3, 10):
        pytest.skip("moto's server is for newer Pythons")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(small: Small, s3: str, request: pytest.FixtureRequest) -> str:
    """A new bucket that all machines know; returns its name."""
    name = f"bucket-{abs(hash(request.node.name)) % 10**8}"
    assert requests.put(f"{s3}/{name}", timeout=10).ok
    small.environment.update(
        {
            "PYTHONBUILD_STORE": f"s3://{name}/some/prefix",
            "AWS_ENDPOINT_URL": s3,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }
    )
    return name


def make(machine: Small, step: str = "top", *flags: str) -> str:
    """Build a step; returns what is said."""
    done = machine.run("--only", step, *flags)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def built(said: str) -> list[str]:
    return [line.split()[1].partition("-1-")[0] for line in said.splitlines() if line.startswith("done ")]


def warnings(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith("warning: ")]


def trees(machine: Small) -> dict[str, str]:
    """Return {step: digest of its tree}."""
    records = [json.loads(path.read_text()) for path in (machine.cache / "store" / "records").glob("*.json")]
    return {str(record["identity"]): str(record["tree"]) for record in records}


@pytest.mark.parametrize("kind", ["server", "bucket"])
def test_a_second_machine_compiles_nothing(kind: str, machine: Machine, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(kind)
    first, second = machine(), machine()
    said = make(first)
    assert len(built(said)) == 3
    assert "0 results from" in said
    assert "3 to it" in said
    said = make(second)
    assert built(said) == []
    assert "brought  top@" in said
    assert not warnings(said)
    top = {name: tree for name, tree in trees(first).items() if name.startswith("top@")}
    assert top.items() <= trees(second).items()
    assert (
        second.artifact("top").joinpath("lib/libtop.a").read_bytes()
        == first.artifact("top").joinpath("lib/libtop.a").read_bytes()
    )
    # What it did not need it did not fetch.
    assert not [name for name in trees(second) if name.startswith(("middle@", "bottom@"))]


def test_another_machine_builds_only_changed_steps(server: ObjectServer, machine: Machine, small: Small) -> None:
    make(machine())
    second = machine()
    small.recipe("top", script='#!/bin/sh\nmkdir -p "$OUT/deps"\ncp -r "$DEPS/lib" "$OUT/deps"\n', needs="middle")
    said = make(second)
    assert [name.split("-")[0] for name in built(said)] == ["top"]
    assert (second.artifact("top") / "lib/libbottom.a").is_file()
    assert "2 results from" in said
    assert "1 to it" in said


def test_a_machine_without_sources_plans_with_those_of_the_others(
    server: ObjectServer, machine: Machine, small: Small, tmp_path: Path
) -> None:
    # Two archives of one source, of which the first is where nobody comes: so the first machine has built with the second.
    archive = tmp_path / "one-1.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(__file__, "one-1/file")
    content = archive.read_bytes()
    server.files["/one-1.tar.gz"] = content
    recipe = small.recipe("one", script='#!/bin/sh\nmkdir -p "$OUT/deps"\ncp "$SRC/file" "$OUT/deps"\n') / "recipe.yml"
    recipe.write_text(
        "name: one\nversion: '1'\nsources:\n  - origins:\n"
        f"      - {{url: 'http://127.0.0.1:1/one-1.tar.xz', sha256: {'a' * 64}, size: 1}}\n"
        f"      - {{url: '{server.address}/one-1.tar.gz', sha256: {hashlib.sha256(content).hexdigest()}, size: {len(content)}}}\n"
    )
    cpython = small.root / "cpython-unix" / "packages" / "cpython" / "recipe.yml"
    cpython.write_text(cpython.read_text().replace("side", "side, one"))
    assert len(built(make(machine(), "one"))) == 1
    del server.files["/one-1.tar.gz"]
    said = make(machine(), "one", "--offline")
    assert built(said) == []
    assert "brought  one@" in said


def test_the_plan_tells_without_fetching(server: ObjectServer, machine: Machine) -> None:
    make(machine())
    second = machine()
    server.asked.clear()
    said = second.run("--plan", "--only", "top").stdout
    assert [
        line.split()[1] for line in said.splitlines() if line.split()[:1] and line.split()[0].startswith("top")
    ] == ["cached"]
    assert "in the shared store" in said
    assert "in the shared store" in second.run("--explain", "top").stdout
    assert not [path for _, path in server.asked if "archives" in path]


def test_a_wheel_is_not_sent(server: ObjectServer, machine: Machine) -> None:
    first = machine()
    shutil.rmtree(first.cache / "store")
    make(first, "bottom")
    assert len(server.named("/records/")) == 1


def test_a_missing_server_causes_one_warning(small: Small, machine: Machine) -> None:
    # Nobody listens at the port, and nobody else can take it meanwhile.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        small.environment["PYTHONBUILD_STORE"] = f"http://127.0.0.1:{taken.getsockname()[1]}/store"
        said = make(machine())
    assert len(built(said)) == 3
    (warning,) = warnings(said)
    assert "does not answer (connection refused); continuing with the local store" in warning


def test_a_slow_server_is_not_waited_for(server: ObjectServer, small: Small, machine: Machine) -> None:
    # Whoever waits for an answer is ended before it comes.
    server.delay = 3600.0
    small.environment["PYTHONBUILD_STORE_TIMEOUT"] = "1"
    said = make(machine())
    assert len(built(said)) == 3
    assert len({path for _, path in server.asked}) <= 8
    (warning,) = warnings(said)
    assert "timed out" in warning


@pytest.mark.parametrize("answers", [2, 4, 5, 8, 11])
def test_a_server_that_dies_in_the_middle_harms_nothing(answers: int, server: ObjectServer, machine: Machine) -> None:
    server.dies_after = answers
    said = make(machine())
    assert len(built(said)) == 3
    # It has 12 requests to answer.
    assert len(warnings(said)) == 1, server.asked
    server.dies_after = float("inf")
    # What it has of that build is whole, or not asked for.
    third = machine()
    assert not warnings(make(third))
    assert len(trees(third)) > 1


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_server_that_refuses_is_left_alone(status: int, server: ObjectServer, machine: Machine) -> None:
    server.status = status
    said = make(machine())
    assert len(built(said)) == 3
    (warning,) = warnings(said)
    assert f"does not answer (HTTP {status}" in warning
    assert len({path for _, path in server.asked}) <= 8


def test_one_that_only_gives_is_read_from(server: ObjectServer, machine: Machine, small: Small) -> None:
    make(machine(), "middle")
    server.read_only = True
    said = make(machine())
    assert [name.split("-")[0] for name in built(said)] == ["top"]
    assert "2 results from" in said
    (warning,) = warnings(said)
    assert "accepts no uploads (HTTP 405" in warning


def spoil(server: ObjectServer, machine: Small, how: str) -> str:
    """Spoil the entry of `middle`; returns what must be said of it."""
    (record,) = [
        name
        for name in server.named("/records/")
        if json.loads(server.files[name])["record"]["identity"].startswith("middle@")
    ]
    (other,) = [
        name
        for name in server.named("/records/")
        if json.loads(server.files[name])["record"]["identity"].startswith("bottom@")
    ]
    fields = json.loads(server.files[record])
    archive = f"/team/store/archives/{fields['archive']}.tar.zst"
    content = server.files[archive]
    if how == "a byte":
        server.files[archive] = content[:50] + bytes([content[50] ^ 1]) + content[51:]
        return "its SHA-256 does not match its name"
    if how == "cut off":
        server.files[archive] = content[:-20]
        return "bytes instead of"
    if how == "longer":
        server.files[archive] = content + b"more"
        return "more than"
    if how == "missing":
        del server.files[archive]
        return "its archive is missing"
    if how == "no record":
        server.files[record] = b'{"key": "something'
        return "is damaged"
    if how == "another's record":
        server.files[record] = server.files[other]
        return "it is the record of another step"
    # A poisoner can give a record its right key, and have another tree come with it.
    fields.update({name: json.loads(server.files[other])[name] for name in ("archive", "size")})
    server.files[record] = json.dumps(fields).encode()
    return "its tree does not match its record"


@pytest.mark.parametrize(
    "how", ["a byte", "cut off", "longer", "missing", "no record", "another's record", "another's tree"]
)
def test_damaged_results_are_rejected_rebuilt_and_replaced(how: str, server: ObjectServer, machine: Machine) -> None:
    first, second, third = machine(), machine(), machine()
    make(first, "middle")
    must_say = spoil(server, first, how)
    said = make(second, "middle")
    assert [name.split("-")[0] for name in built(said)] == ["middle"]
    (warning,) = warnings(said)
    assert must_say in warning
    assert trees(second).items() <= trees(first).items()
    said = make(third, "middle")
    assert built(said) == []
    assert not warnings(said)


def test_two_writers_at_once(server: ObjectServer, machine: Machine) -> None:
    server.delay = 0.05
    builds = [machine() for _ in range(2)]
    running = [one.start("--only", "top") for one in builds]
    for process in running:
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said
        assert not warnings(said)
    third = machine()
    said = make(third)
    assert built(said) == []
    assert not warnings(said)
    # Each record names an archive that is there.
    for name in server.named("/records/"):
        assert f"/team/store/archives/{json.loads(server.files[name])['archive']}.tar.zst" in server.files


def test_results_that_another_machine_finishes_meanwhile_are_not_built(
    server: ObjectServer, machine: Machine, small: Small
) -> None:
    # The first machine is held in `bottom` when the second has looked, and both go on.
    first, second = machine(), machine()
    marker = small.root.parent / "marker"
    body = f'#!/bin/sh\ntouch {marker}\nwhile [ -e {marker} ]; do sleep 0.1; done\nmkdir -p "$OUT/deps"\n'
    small.recipe("bottom", script=body)
    running = first.start("--only", "top")
    wait_for(marker)
    # A machine that was not held has put the results of all steps there.
    marker.unlink()
    running.communicate(timeout=PATIENCE)
    kept = dict(server.files)
    server.files.clear()
    slow = second.start("--only", "top")
    wait_for(marker)
    server.files.update(kept)
    marker.unlink()
    _, said = slow.communicate(timeout=PATIENCE)
    assert slow.returncode == 0, said
    assert "brought  middle@" not in said or "brought  top@" in said


def test_an_interrupt_does_not_wait_for_it(server: ObjectServer, machine: Machine, small: Small) -> None:
    small.environment["PYTHONBUILD_STORE_TIMEOUT"] = "3600"
    first = machine()
    make(first, "bottom")
    server.delay = 3600.0
    asked = len(server.asked)
    build = first.start("--only", "middle")
    wait_until(lambda: len(server.asked) > asked, "the server is asked")
    build.send_signal(signal.SIGINT)
    _, said = build.communicate(timeout=PATIENCE)
    assert build.returncode == 130, said


@pytest.mark.parametrize("text", ["ftp://host/x", "s3://", "/a/folder", "http://user:hunter2@[x/", "store"])
def test_an_invalid_place_is_refused(text: str, small: Small) -> None:
    small.environment["PYTHONBUILD_STORE"] = text
    done = small.run("--only", "top")
    assert done.returncode == 2
    assert "PYTHONBUILD_STORE is neither s3://bucket/prefix nor https://host/path" in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("text", ["soon", "nan", "-1", "1e12"])
def test_an_invalid_timeout_is_refused(text: str, server: ObjectServer, small: Small) -> None:
    small.environment["PYTHONBUILD_STORE_TIMEOUT"] = text
    done = small.run("--only", "top")
    assert done.returncode == 2
    assert f"PYTHONBUILD_STORE_TIMEOUT is '{text}'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"PYTHONBUILD_STORE": f"https://user:{SECRET}@127.0.0.1:99999/x"}, "invalid port number"),
        ({"PYTHONBUILD_STORE": "http://ho st/x"}, "invalid setting"),
        (
            {"PYTHONBUILD_STORE": "http://127.0.0.1:1/x", "PYTHONBUILD_STORE_TOKEN": f"{SECRET}\nmore"},
            "failed to parse header value",
        ),
        ({"PYTHONBUILD_STORE": "s3://bucket", "AWS_ENDPOINT_URL": f"{SECRET}"}, "AWS_ENDPOINT_URL is not an address"),
    ],
    ids=["port", "host", "token", "endpoint"],
)
def test_a_setting_that_cannot_be_used_is_refused(variables: dict[str, str], said: str, small: Small) -> None:
    small.environment.update(variables)
    done = small.run("--only", "top")
    assert done.returncode == 2
    assert said in done.stderr
    assert SECRET not in done.stderr
    assert "Traceback" not in done.stderr


def test_passwords_and_tokens_are_sent_and_never_printed(server: ObjectServer, machine: Machine, small: Small) -> None:
    server.login = "Basic dXNlcjp4eXp6eS1wbHVnaC1mcm90eg=="
    small.environment["PYTHONBUILD_STORE"] = server.address.replace("//", f"//user:{SECRET}@") + "/store"
    first = machine()
    said = make(first, "top", "--verbose")
    assert "3 to it" in said
    server.login = f"Bearer {SECRET}"
    small.environment["PYTHONBUILD_STORE"] = f"{server.address}/store"
    small.environment["PYTHONBUILD_STORE_TOKEN"] = SECRET
    said += make(machine(), "top", "--json")
    server.login = "something else"
    said += make(machine())
    assert "HTTP 401" in said
    assert SECRET not in said
    assert_told_nobody(first)
    assert not [name for name, content in server.files.items() if SECRET.encode() in content]


def test_keys_of_a_bucket_are_never_printed(bucket: str, machine: Machine) -> None:
    first = machine()
    assert SECRET not in make(first, "top", "--verbose")
    assert_told_nobody(first)


def assert_told_nobody(machine: Small) -> None:
    for folder in ("logs", "store/records", "store/latest", "store/trees", "roots"):
        for path in (machine.cache / folder).rglob("*"):
            if path.is_file() and "toolchain" not in str(path):
                assert SECRET.encode() not in path.read_bytes(), path
