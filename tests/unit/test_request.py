"""Accepted and refused requests, with their messages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pythonbuild.catalog.load import Catalog
from pythonbuild.errors import BadRequest, MissingPrerequisite, UnknownName
from pythonbuild.host.toolchains import Llvm
from pythonbuild.request.build import BuildRequest, PgoProfile, read_patchlevel, resolve

REQUEST = BuildRequest(targets=("x86_64-unknown-linux-gnu",), pythons=(), options=(), machine="x86_64")


def test_the_default_is_the_newest_release_of_the_default_series(catalog: Catalog) -> None:
    (build,) = resolve(REQUEST, catalog)
    assert str(build) == "cpython-3.13.15 x86_64-unknown-linux-gnu noopt"
    assert build.toolchain == build.library_toolchain == "gcc"


def test_an_exact_release(catalog: Catalog) -> None:
    (build,) = resolve(replace(REQUEST, pythons=("cpython-3.13.5",)), catalog)
    assert str(build.python) == "3.13.5"


def test_an_unknown_python_lists_the_known_ones(catalog: Catalog) -> None:
    with pytest.raises(UnknownName) as caught:
        resolve(replace(REQUEST, pythons=("cpython-3.13.99",)), catalog)
    assert "cpython-3.13.15" in caught.value.hint
    assert caught.value.exit_status == 2


def test_an_unknown_target_suggests_the_near_one(catalog: Catalog) -> None:
    with pytest.raises(UnknownName) as caught:
        resolve(replace(REQUEST, targets=("x86_64-unknown-linux-gnuu",)), catalog)
    assert "did you mean x86_64-unknown-linux-gnu" in caught.value.hint


def test_several_pythons_and_options_are_that_many_builds_without_repetition(catalog: Catalog) -> None:
    request = replace(
        REQUEST, pythons=("cpython-3.13", "cpython-3.13.5", "cpython-3.13.15"), options=("noopt", "debug")
    )
    assert len(resolve(request, catalog)) == 4


def test_freethreaded_needs_3_13(catalog: Catalog) -> None:
    with pytest.raises(BadRequest, match=r"3\.13 or newer"):
        resolve(replace(REQUEST, pythons=("cpython-3.11",), options=("freethreaded",)), catalog)


def test_static_is_refused_on_glibc(catalog: Catalog) -> None:
    with pytest.raises(BadRequest, match="dynamic loading"):
        resolve(replace(REQUEST, options=("static",)), catalog)


@pytest.mark.parametrize("options", [(), ("noopt",), ("pgo", "debug"), ("pgo", "freethreaded+pgo")])
def test_a_profile_is_for_one_build_with_pgo(options: tuple[str, ...], catalog: Catalog) -> None:
    request = replace(REQUEST, options=options, pgo_profile=PgoProfile(Path("p"), "0", b""))
    with pytest.raises(BadRequest, match="exactly one build, and its options must include pgo"):
        resolve(request, catalog)
    (build,) = resolve(replace(request, options=("pgo",)), catalog)
    assert build.pgo_profile


def test_a_release_has_one_install_only_archive_for_a_python(catalog: Catalog) -> None:
    request = replace(REQUEST, options=("noopt", "debug"), release=True)
    with pytest.raises(BadRequest, match="noopt and debug would both make it"):
        resolve(request, catalog)
    assert len(resolve(replace(request, formats=("full", "sbom")), catalog)) == 2


def test_an_unknown_format_suggests_the_near_one(catalog: Catalog) -> None:
    with pytest.raises(UnknownName, match="unknown format") as caught:
        resolve(replace(REQUEST, formats=("instal_only",)), catalog)
    assert "install_only" in caught.value.hint


def test_another_machine_is_refused(catalog: Catalog) -> None:
    with pytest.raises(BadRequest, match="this machine is aarch64"):
        resolve(replace(REQUEST, machine="aarch64"), catalog)


def test_lto_requires_llvm_and_names_the_packages(catalog: Catalog) -> None:
    with pytest.raises(MissingPrerequisite) as caught:
        resolve(replace(REQUEST, options=("pgo+lto",)), catalog)
    assert "apt-get install clang" in caught.value.hint


def test_lto_uses_llvm_for_cpython_only(catalog: Catalog) -> None:
    llvm = Llvm(programs=Path("/somewhere"), version="clang version 22.1.8")
    (build,) = resolve(replace(REQUEST, options=("lto",), llvm=llvm), catalog)
    assert (build.toolchain, build.library_toolchain) == ("llvm", "gcc")


def test_pgo_is_by_llvm_where_there_always_is_one(catalog: Catalog) -> None:
    llvm = Llvm(programs=Path("/usr/lib/llvm-22/bin"), version="clang-22 1:22.1.8")
    asked = replace(REQUEST, options=("pgo", "noopt"), llvm=llvm)
    assert [build.toolchain for build in resolve(asked, catalog)] == ["gcc", "gcc"]
    assert [build.toolchain for build in resolve(replace(asked, engine="docker"), catalog)] == ["llvm", "gcc"]


def test_gcc_cannot_do_lto(catalog: Catalog) -> None:
    with pytest.raises(BadRequest, match="does not support lto"):
        resolve(replace(REQUEST, options=("lto",), toolchain="gcc"), catalog)


def test_the_version_of_a_source_tree() -> None:
    assert str(read_patchlevel('#define PY_VERSION      \t"3.15.0a1+"\n')) == "3.15.0a1"
    with pytest.raises(BadRequest):
        read_patchlevel("nothing")
