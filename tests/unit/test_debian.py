"""Debian packages: requests, plans, and rendered files.  tests/packages builds them."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import yaml

from pythonbuild.catalog.load import load_catalog
from pythonbuild.driver.engine_choice import EngineChoice
from pythonbuild.driver.formats.choose import choose_format
from pythonbuild.driver.formats.debian import DebPackages
from pythonbuild.errors import BadRequest, MissingPrerequisite, PythonBuildError
from pythonbuild.flags.build import BuildFlags
from pythonbuild.home import checkout
from pythonbuild.model.target import System, host_system
from pythonbuild.plan.debian import plan_debian
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.step import ScriptAction
from pythonbuild.request.debian import DebianBuild, DebianRequest, debian_of, image_for, resolve_debian

CATALOG = load_catalog(checkout() / "cpython-unix")
ARM = "aarch64-unknown-linux-gnu"
REQUEST = DebianRequest(
    targets=("x86_64-unknown-linux-gnu",), pythons=(), machine="x86_64", system=System(), distro="debian:trixie"
)


def one(**changes: object) -> DebianBuild:
    (build,) = resolve_debian(replace(REQUEST, **changes), CATALOG)  # type: ignore[arg-type]
    return build


def action(build: DebianBuild) -> ScriptAction:
    (step,) = plan_debian((build,), CATALOG, PlanningFacts("x86_64"), "docker")
    assert isinstance(step.action, ScriptAction)
    return step.action


def texts(build: DebianBuild) -> dict[str, str]:
    return {name: content.decode() for name, content in action(build).files.items() if "training" not in name}


EVERY = [
    one(distro=release.names[0], pythons=(f"cpython-{python}",), fast=fast, shared=shared, targets=(triple,))
    for release, python, fast, shared, triple in product(
        debian_of(CATALOG).releases.releases,
        ("3.11.2", "3.13", "3.14"),
        (False, True),
        (False, True),
        ("x86_64-unknown-linux-gnu", ARM),
    )
]


def test_the_package_has_the_distributions_name_only_where_that_has_none() -> None:
    assert (one().name, one().freethreaded_name) == ("python3.13-opt", "python3.13t-opt")
    bookworm = one(distro="debian:bookworm-slim")
    assert (bookworm.name, bookworm.freethreaded_name) == ("python3.13", "python3.13t")
    assert one(package="acme-python3.13").freethreaded_name == "acme-python3.13t"
    assert bookworm.version == "3.13.15-1+bookworm1"
    assert one(revision="2.1").version == "3.13.15-2.1+trixie1"


def test_prereleases_come_before_the_release() -> None:
    python = replace(one().python, prerelease="rc1")
    assert replace(one(), python=python).version == "3.13.15~rc1-1+trixie1"


def test_all_of_the_distributions_names_are_known() -> None:
    names = "debian:trixie debian:trixie-slim debian:bookworm ubuntu:24.04 raspios:bookworm".split()
    assert [one(distro=name).release.name for name in names] == ["trixie", "trixie", "bookworm", "noble", "bookworm"]
    listed = [name for release in debian_of(CATALOG).releases.releases for name in release.names]
    assert len(set(listed)) == len(listed)


def test_without_a_name_it_is_the_machines_own_release() -> None:
    build = one(distro="", system=System("debian", "bookworm"))
    assert build.release.name == "bookworm"
    with pytest.raises(BadRequest, match="runs no known release of a distribution") as caught:
        one(distro="", system=System("fedora", ""))
    assert "debian:trixie-slim" in caught.value.hint


def test_os_release_is_read_as_the_shell_would(tmp_path: Path) -> None:
    (tmp_path / "os").write_text(
        "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID='debian'\n"
    )
    assert host_system(tmp_path / "os") == System("debian", "bookworm")
    assert host_system(tmp_path / "none") == System()
    (tmp_path / "os").write_text("ID='debian")
    assert host_system(tmp_path / "os") == System()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"distro": "debian:trixe"}, "unknown distribution"),
        ({"revision": "1-2"}, "not a Debian revision"),
        ({"maintainer": "Ada"}, "is not a maintainer"),
        ({"maintainer": "Ada\rBuild-Depends: x <ada@example.org>"}, "is not a maintainer"),
        ({"display": "Debian\nDepends: other"}, "is not the name of a distribution"),
        ({"display": " "}, "is not the name of a distribution"),
        ({"package": "Python3.13"}, "is not a valid package name"),
        ({"package": "python"}, "is not a valid package name"),
        ({"pythons": ("cpython-3.10",)}, "3.11 or newer"),
        ({"pythons": ("cpython-3.12",), "freethreaded": True}, "needs 3.13"),
        ({"targets": ("s390x-unknown-linux-gnu",)}, "Debian packages are not available for s390x"),
        ({"targets": ("x86_64-unknown-linux-gnu", ARM)}, "one architecture"),
    ],
)
def test_an_impossible_request_is_refused_with_a_hint(changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadRequest, match=message) as caught:
        resolve_debian(replace(REQUEST, **changes), CATALOG)  # type: ignore[arg-type]
    assert caught.value.hint or "3.11 or newer" in message


def test_python_builders_arguments_are_variables() -> None:
    variables = {
        "OS_DISTRO_BASE": "debian:bookworm",
        "OS_DISTRO_DISP": "Our Debian",
        "PYTHON_VER_MAJ_MIN": "3.13",
        "PYTHON_VER_MIC": "5",
        "FAST_BUILD": "true",
        "BUILD_NOGIL": "false",
    }
    (build,) = resolve_debian(replace(REQUEST, distro="").with_environment(variables), CATALOG)
    assert (build.release.name, build.display, str(build.python)) == ("bookworm", "Our Debian", "3.13.5")
    assert build.fast
    assert not build.freethreaded
    # What is said on the command line comes first.
    asked = replace(REQUEST, pythons=("cpython-3.11.2",), fast=False, display="Mine")
    (build,) = resolve_debian(asked.with_environment({**variables, "BUILD_NOGIL": ""}), CATALOG)
    assert (build.release.name, build.display, str(build.python), build.fast) == ("trixie", "Mine", "3.11.2", False)
    (build,) = resolve_debian(REQUEST.with_environment({"PYTHON_VER_MAJ_MIN": "3.14"}), CATALOG)
    assert build.python.series == "3.14"
    for wrong in ({"FAST_BUILD": "yes"}, {"PYTHON_VER_MIC": "5"}):
        with pytest.raises(BadRequest):
            REQUEST.with_environment(wrong)


def test_a_format_named_twice_is_made_once() -> None:
    flags = BuildFlags(formats=("deb,deb",), distro="debian:trixie", maintainer="A <a@example.org>", engine="host")
    assert isinstance(choose_format(flags, None), DebPackages)


def test_a_machine_builds_by_itself_for_its_own_release_only() -> None:
    image = image_for(one(), CATALOG)
    everything = dict.fromkeys(image.packages, "1")
    asked = replace(REQUEST, system=System("debian", "trixie"))
    here = EngineChoice("host", image, packages=everything)
    DebPackages(asked).check_machine(here, CATALOG)
    DebPackages(REQUEST).check_machine(EngineChoice("docker", image), CATALOG)
    with pytest.raises(MissingPrerequisite, match="this one is debian bookworm"):
        DebPackages(replace(asked, system=System("debian", "bookworm"))).check_machine(here, CATALOG)
    with pytest.raises(MissingPrerequisite, match="arm64"):
        DebPackages(replace(asked, targets=(ARM,))).check_machine(here, CATALOG)
    del everything["tk-dev"], everything["libssl-dev"]
    with pytest.raises(MissingPrerequisite) as caught:
        DebPackages(asked).check_machine(here, CATALOG)
    assert caught.value.hint == "apt-get install libssl-dev tk-dev"


def test_the_image_has_the_build_dependencies_without_versions() -> None:
    image = image_for(one(), CATALOG)
    assert {"build-essential", "debhelper", "libmpdec-dev", "systemtap-sdt-dev", "python3"} <= set(image.packages)
    assert not any(image.packages.values())
    assert "libmpdec-dev" not in image_for(one(distro="debian:bookworm"), CATALOG).packages
    cross = image_for(one(targets=(ARM,)), CATALOG)
    assert (cross.foreign, cross.name) == ("arm64", "deb-trixie-arm64")
    assert {"crossbuild-essential-arm64", "libssl-dev:arm64", "pkgconf"} <= set(cross.packages)


def test_another_micro_version_uses_the_same_image() -> None:
    assert image_for(one(pythons=("cpython-3.13.5",)), CATALOG) == image_for(one(), CATALOG)


def test_keys_contain_versions_of_the_distributions_packages() -> None:
    def key(**versions: str) -> str:
        (step,) = plan_debian((one(),), CATALOG, PlanningFacts("x86_64", packages=versions), "docker")
        return step.key

    assert key(zlib1g="1") == key()
    assert len({key(), key(tk_dev="1", **{"tk-dev": "1"}), key(**{"tk-dev": "2"})}) == 3


@pytest.mark.parametrize("fast", [False, True])
def test_arguments_of_configure(fast: bool) -> None:
    script = texts(one(fast=fast))["debian/interpreter.sh"]
    for always in (
        "--with-system-expat",
        "--with-dtrace",
        "--enable-loadable-sqlite-extensions",
        "--enable-option-checking=fatal",
    ):
        assert always in script
    assert "--prefix=/opt/python/python3.13" in script
    assert ("--enable-optimizations" in script) == ("--with-lto" in script) == (not fast)
    assert ("--disable-test-modules" in script) == fast
    assert re.search(r"--with-system-libmpdec$", script, re.MULTILINE)
    bookworm = texts(one(distro="debian:bookworm"))["debian/interpreter.sh"]
    assert "--with-system-libmpdec=no" in bookworm
    assert "--enable-shared" not in script
    assert "--enable-shared" in texts(one(shared=True))["debian/interpreter.sh"]


def test_the_second_package_is_made_by_names_that_only_it_has() -> None:
    files = texts(one(distro="debian:bookworm"))
    lines = [line.split()[0] for line in files["debian/python3.13t.install"].splitlines() if line[0] not in "#"]
    assert lines
    assert all(re.search(r"3\.13t|_t_|313t", line) for line in lines)
    assert "Depends: python3.13 (= ${binary:Version})" in files["debian/control"]
    alone = texts(one(distro="debian:bookworm", freethreaded=False))
    assert not [name for name in alone if "python3.13t" in name]
    assert "python3.13t" not in alone["debian/control"]


def test_tests_that_may_fail_are_listed_for_a_release_with_their_reason() -> None:
    for release in debian_of(CATALOG).releases.releases:
        lines = texts(one(distro=release.names[0]))["debian/expected-failures"].splitlines()
        assert all(line.startswith("# ") for line in lines[::2])
        assert not [line for line in lines[1::2] if line.startswith("#")]


def test_features_run_after_the_pythons_they_compare() -> None:
    packages, default, features = plan_debian((one(),), CATALOG, PlanningFacts("x86_64"), "docker", features=True)
    assert [need.step for need in features.needs] == [packages.name, default.name]
    assert packages.key in features.inputs.values()


def test_a_missing_part_of_the_catalog_is_named() -> None:
    with pytest.raises(PythonBuildError, match="debian is missing"):
        resolve_debian(REQUEST, replace(CATALOG, debian=None))
    rows = yaml.safe_load((checkout() / "cpython-unix/debian/releases.yml").read_text())
    assert {row["name"] for row in rows["releases"]} >= {"trixie", "bookworm", "noble"}
