"""The table of platforms, and what follows from it."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
import zstandard

from pythonbuild.catalog.load import load_catalog
from pythonbuild.errors import BadArchive, BadRequest
from pythonbuild.home import checkout
from pythonbuild.model.naming import ArchiveFormat
from pythonbuild.model.platforms import PLATFORMS, platform_of
from pythonbuild.packaging.convert import convert

CATALOG = load_catalog(checkout() / "cpython-unix")


def test_every_target_has_the_platform_of_its_data() -> None:
    for target in CATALOG.targets.values():
        expected = "macos" if target.macos else "windows" if target.windows else "linux"
        assert target.platform is PLATFORMS[expected]
    assert {target.platform.name for target in CATALOG.targets.values()} == set(PLATFORMS)


def test_other_text_than_a_triple_has_no_platform() -> None:
    with pytest.raises(BadRequest, match="x86_64 is not a target triple"):
        platform_of("x86_64")


def test_building_machines_are_named_by_cpu_and_system() -> None:
    named = [platform.machine("aarch64") for platform in PLATFORMS.values()]
    assert named == ["aarch64", "aarch64-darwin", "aarch64-windows"]


@pytest.mark.parametrize("triple", ["aarch64-apple-darwin", "x86_64-pc-windows-msvc"])
def test_only_files_for_linux_are_stripped_when_archives_are_converted(tmp_path: Path, triple: str) -> None:
    full = tmp_path / f"cpython-3.13.15-{triple}-noopt-20261201T0930.tar.zst"
    module = tmp_path / "python" / "install" / "lib" / "os.py"
    module.parent.mkdir(parents=True)
    module.touch()
    with zstandard.open(full, "wb") as file, tarfile.open(fileobj=file, mode="w|") as tar:
        tar.add(tmp_path / "python", "python")

    def objcopy() -> Path:
        pytest.fail("nothing is stripped")

    kind = ArchiveFormat.parse("install_only_stripped")
    (made,) = convert(full, [kind], tmp_path / "out", objcopy, 1, lambda line: None)
    assert made.name == full.name.replace(".tar.zst", "-install_only_stripped.tar.gz")
    with pytest.raises(BadArchive, match="has no symbols"):
        convert(full, [ArchiveFormat.parse("debug_symbols")], tmp_path / "out", objcopy, 1, lambda line: None)
