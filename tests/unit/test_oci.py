"""Container images: accepted targets, and an index of several images."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from pythonbuild.catalog.load import load_catalog
from pythonbuild.driver.formats.oci import BaseImage, OciImages, platform_of
from pythonbuild.errors import BadRequest, PythonBuildError
from pythonbuild.home import checkout
from pythonbuild.oci.base import Base, read_base
from pythonbuild.oci.image import Facts, Platform, _config
from pythonbuild.oci.layout import pack
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.step import Plan
from pythonbuild.request.build import BuildRequest

CATALOG = load_catalog(checkout() / "cpython-unix")
WORLD = PlanningFacts(machine="x86_64", handlers={"oci": {"code": "0"}})
STATIC = "x86_64-unknown-linux-musl"


def glibc(path: str) -> bool:
    return "musl" not in path


DEBIAN = BaseImage("debian:13", "sha256:1", "amd64", glibc)


def planned(images: OciImages, target: str, options: str = "noopt") -> Plan:
    request = BuildRequest(targets=(target,), pythons=(), options=(options,), machine="x86_64", formats=("oci",))
    return images.plan((request,), CATALOG, WORLD)


def test_a_static_python_needs_no_base() -> None:
    plan = planned(OciImages(), STATIC, "noopt+static")
    (output,) = plan.outputs
    step = plan.steps[output.step]
    assert [need.role for need in step.needs] == ["stripped", "bill", "host-python"]
    assert not [name for name in plan.steps if name.startswith("archive-")]


def test_other_pythons_need_a_base_with_a_c_library() -> None:
    with pytest.raises(BadRequest, match="needs a C library") as caught:
        planned(OciImages(), "x86_64-unknown-linux-gnu")
    assert "--base-image NAME" in caught.value.hint
    assert planned(OciImages(DEBIAN), "x86_64-unknown-linux-gnu").outputs


def test_a_base_with_another_c_library_is_refused_before_the_build() -> None:
    with pytest.raises(BadRequest, match=r"debian:13 has no /lib/ld-musl-x86_64\.so\.1") as caught:
        planned(OciImages(DEBIAN), STATIC)
    assert caught.value.hint == "name an image with musl, such as alpine:3"
    assert planned(OciImages(DEBIAN), STATIC, "noopt+static").outputs


@pytest.mark.parametrize(
    "targets",
    [("x86_64-unknown-linux-gnu", STATIC), ("armv7-unknown-linux-gnueabi", "armv7-unknown-linux-gnueabihf")],
)
def test_images_that_nothing_could_tell_apart_are_refused(targets: tuple[str, ...]) -> None:
    base = BaseImage("debian:13", "sha256:1", "arm" if "armv7" in targets[0] else "amd64", lambda path: True)
    request = BuildRequest(targets=targets, pythons=(), options=(), machine="x86_64", formats=("oci",))
    with pytest.raises(BadRequest, match="have the same platform"):
        OciImages(base).plan((request,), CATALOG, WORLD)


def saved(folder: Path, config: dict[str, Any], layers: list[str]) -> Path:
    """Write what `docker save` of Docker 20 does: each layer in a folder, one that occurs again as a link."""
    files = {
        "config.json": json.dumps(config),
        "manifest.json": json.dumps([{"Config": "config.json", "Layers": layers}]),
    }
    with tarfile.open(folder / "saved.tar", "w") as tar:
        for name, text in {"1/layer.tar": "a layer", **files}.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
        info = tarfile.TarInfo("2/layer.tar")
        info.type, info.linkname = tarfile.SYMTYPE, "../1/layer.tar"
        tar.addfile(info)
    return folder / "saved.tar"


def test_a_base_is_read_as_docker_saves_it(tmp_path: Path) -> None:
    config = {"rootfs": {"diff_ids": ["sha256:1", "sha256:1"]}, "history": [{"created_by": "one"}]}
    base = read_base(saved(tmp_path, config, ["1/layer.tar", "2/layer.tar"]), tmp_path / "base")
    (tmp_path / "blobs").mkdir()
    first, second = base.layers(tmp_path / "blobs")
    assert first == second
    assert first["mediaType"] == "application/vnd.oci.image.layer.v1.tar"
    assert [entry["created_by"] for entry in base.history()] == ["one", "unknown"]


@pytest.mark.parametrize("layers", [["1/layer.tar"], ["1/layer.tar", "3/layer.tar"]])
def test_a_base_without_its_layers_is_one_error(tmp_path: Path, layers: list[str]) -> None:
    config = {"rootfs": {"diff_ids": ["sha256:1", "sha256:1"]}}
    with pytest.raises(PythonBuildError, match="it lacks layers"):
        read_base(saved(tmp_path, config, layers), tmp_path / "base")


def test_an_image_keeps_the_settings_of_its_base(tmp_path: Path) -> None:
    own = {"Entrypoint": ["/init"], "Env": ["PATH=/bin", "A=1"], "User": "", "Labels": {"theirs": "1"}}
    base = Base(tmp_path, {"config": own, "rootfs": {"diff_ids": []}}, ())
    facts = Facts("3.13.15", "noopt", Platform("linux", "amd64"))
    config = _config(facts, base, [])["config"]
    assert (config["Entrypoint"], config["User"]) == (["/init"], "")
    assert config["Env"] == ["A=1", "LANG=C.UTF-8", "PATH=/opt/python/bin:/bin"]
    assert config["Labels"]["theirs"] == "1"
    assert _config(facts, None, [])["config"]["User"] == "65532:65532"


def test_another_base_is_another_image() -> None:
    keys = []
    for identity in ("sha256:1", "sha256:2"):
        plan = planned(OciImages(BaseImage("debian:13", identity, "amd64", glibc)), "x86_64-unknown-linux-gnu")
        keys.append(plan.steps[plan.outputs[0].step].key)
    assert keys[0] != keys[1]


def test_a_base_for_another_cpu_is_refused() -> None:
    with pytest.raises(
        BadRequest, match=r"the base image debian:13 is for amd64, and aarch64-unknown-linux-gnu is not"
    ):
        planned(OciImages(DEBIAN), "aarch64-unknown-linux-gnu")


def test_every_target_for_linux_has_a_platform() -> None:
    linux = [target for target in CATALOG.targets.values() if "-linux-" in target.triple]
    assert {target.triple: platform_of(target).architecture for target in linux}[STATIC] == "amd64"
    assert platform_of(CATALOG.target("armv7-unknown-linux-gnueabihf")).json() == {
        "architecture": "arm",
        "os": "linux",
        "variant": "v7",
    }
    assert platform_of(CATALOG.target("x86_64_v3-unknown-linux-gnu")).variant == "v3"


def made(folder: Path, architecture: str) -> Path:
    """Return the folder of an image without layers."""
    (folder / "blobs" / "sha256").mkdir(parents=True)
    (folder / "blobs" / "sha256" / architecture).write_text(architecture)
    descriptor = {"digest": f"sha256:{architecture}", "platform": {"os": "linux", "architecture": architecture}}
    (folder / "image.json").write_text(json.dumps({"descriptor": descriptor, "docker": {"RepoTags": [architecture]}}))
    return folder


def test_several_platforms_are_one_index(tmp_path: Path) -> None:
    images = [made(tmp_path / name, name) for name in ("amd64", "arm64")]
    for number in (1, 2):
        pack(images, "3.13.15", tmp_path / f"{number}.tar")
    assert (tmp_path / "1.tar").read_bytes() == (tmp_path / "2.tar").read_bytes()
    with tarfile.open(tmp_path / "1.tar") as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar if member.isreg()}  # type: ignore[union-attr]
    (entry,) = json.loads(files["index.json"])["manifests"]
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": "3.13.15"}
    index = json.loads(files[f"blobs/{entry['digest'].replace(':', '/')}"])
    assert [found["platform"]["architecture"] for found in index["manifests"]] == ["amd64", "arm64"]
    assert [found["RepoTags"] for found in json.loads(files["manifest.json"])] == [["amd64"], ["arm64"]]
