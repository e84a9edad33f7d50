"""Decisions of engine docker without a daemon: names of images, versions, leases, sizes."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import IO, Any, cast

import pytest

from pythonbuild.catalog.load import load_catalog
from pythonbuild.cli.options import parse
from pythonbuild.engines.containers import cpu_seconds
from pythonbuild.engines.daemon import _reachable
from pythonbuild.engines.images import dockerfile, read_facts, tag_of, tag_with_trees
from pythonbuild.engines.streams import send
from pythonbuild.errors import BadRequest, EngineUnavailable
from pythonbuild.flags.build import BuildFlags
from pythonbuild.home import checkout
from pythonbuild.program import Program

CATALOG = load_catalog(checkout() / "cpython-unix")
IMAGE = CATALOG.images["build"]
TEMPLATE = CATALOG.image_files["debian.Dockerfile.j2"]


def test_an_image_is_named_by_its_definition() -> None:
    one = tag_of(IMAGE, dockerfile(TEMPLATE, IMAGE, "debian@sha256:00"))
    assert one == tag_of(IMAGE, dockerfile(TEMPLATE, IMAGE, "debian@sha256:00"))
    assert one != tag_of(IMAGE, dockerfile(TEMPLATE, IMAGE, "debian@sha256:11"))
    assert one != tag_of(IMAGE, dockerfile(TEMPLATE + "RUN true\n", IMAGE, "debian@sha256:00"))
    assert tag_with_trees(one, [("aa", "toolchain")]) != tag_with_trees(one, [("bb", "toolchain")])


def test_the_dockerfile_names_no_mirror_and_pins_the_compiler() -> None:
    text = dockerfile(TEMPLATE, IMAGE, "debian@sha256:00")
    assert "://" not in text
    assert f"clang-22={IMAGE.packages['clang-22']}" in text


def test_an_image_with_other_versions_says_so() -> None:
    lines = [f"package {name} {version or '1'}" for name, version in IMAGE.packages.items()]
    facts = read_facts("\n".join(["program make /usr/bin/make", *lines]))
    assert facts.programs == {"make": "/usr/bin/make"}
    assert facts.unlike(IMAGE) == []
    newer = read_facts("\n".join(lines).replace(IMAGE.packages["lld-22"], "1:22.1.9-1"))
    assert any(line.startswith("lld-22: 1:22.1.9-1, not ") for line in newer.unlike(IMAGE))


@pytest.mark.parametrize(("text", "size"), [("512M", 512 << 20), ("1.5G", 3 << 29), ("4096", 4096), ("2k", 2048)])
def test_sizes(text: str, size: int) -> None:
    _, flags = parse(Program.named("build-linux.py"), ["build", "--memory", text])
    assert isinstance(flags, BuildFlags)
    assert flags.memory == size


@pytest.mark.parametrize("text", ["G", "many", "4X"])
def test_text_that_is_not_a_size_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match=r"is not a size; write e\.g\. 512M or 4G"):
        parse(Program.named("build-linux.py"), ["build", "--memory", text])


@pytest.mark.parametrize(
    ("given", "address", "error", "hint"),
    [
        ("", "unix:///var/run/docker.sock", FileNotFoundError, "start it: service docker start (or systemctl"),
        ("", "unix:///var/run/docker.sock", PermissionError, "let root add you to its group (usermod -aG docker NAME)"),
        ("", "unix:///run/user/7/podman/podman.sock", ConnectionRefusedError, "systemctl --user start podman.socket"),
        ("", "unix:///run/podman/podman.sock", ConnectionRefusedError, "start it: systemctl start podman.socket"),
        ("", "unix:///run/podman/podman.sock", PermissionError, "start a daemon of your own, without root: systemctl"),
        (
            "tcp://h:1",
            "tcp://h:1",
            ConnectionRefusedError,
            "DOCKER_HOST names this daemon: start it, correct the address",
        ),
    ],
)
def test_a_daemon_that_does_not_answer_comes_with_a_way_out(
    given: str, address: str, error: type[OSError], hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", given)
    with pytest.raises(EngineUnavailable) as caught, _reachable(address):
        raise error(1, "made up")
    assert address in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.hint.endswith("or use --engine host, which isolates a build on this machine without containers")


def test_the_shells_times_are_read(tmp_path: Path) -> None:
    times = tmp_path / "times"
    times.write_text("0m0.010000s 0m0.020000s\n1m2.500000s 0m3.470000s\n")
    assert cpu_seconds(times) == pytest.approx(66.0)
    assert cpu_seconds(tmp_path / "none") == 0


class Uploads:
    """A stand-in for Docker's API that keeps the names in the archives sent to it."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def put_archive(self, container: str, place: str, file: IO[bytes]) -> None:
        with tarfile.open(fileobj=file) as tar:
            self.names += tar.getnames()


def test_a_link_to_a_tree_is_sent_as_the_tree(tmp_path: Path) -> None:
    (tmp_path / "tree" / "bin").mkdir(parents=True)
    (tmp_path / "tree" / "bin" / "gcc").touch()
    (tmp_path / "link").symlink_to(tmp_path / "tree")
    uploads = Uploads()
    send(cast(Any, uploads), "container", tmp_path / "link", Path("/"), "toolchain")
    assert uploads.names == ["toolchain", "toolchain/bin", "toolchain/bin/gcc"]
