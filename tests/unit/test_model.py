"""Names: options, versions, archives."""

from __future__ import annotations

import itertools

import pytest

from pythonbuild.catalog.load import load_catalog
from pythonbuild.errors import BadArchive, BadRequest, UnknownName
from pythonbuild.home import checkout
from pythonbuild.model.naming import ArchiveFormat, ArchiveName, archive_name
from pythonbuild.model.options import BuildOptions
from pythonbuild.model.version import PythonVersion


@pytest.mark.parametrize("words", list(itertools.permutations(["lto", "freethreaded", "pgo"])))
def test_options_are_shown_in_canonical_order(words: tuple[str, ...]) -> None:
    assert str(BuildOptions.parse("+".join(words))) == "freethreaded+pgo+lto"


def test_options_without_a_profile_are_noopt() -> None:
    assert str(BuildOptions.parse("freethreaded")) == "freethreaded+noopt"


@pytest.mark.parametrize("text", ["debug+pgo", "noopt+lto", "pgo+noopt", "lto+debug", "debug+noopt"])
def test_contradictions_are_refused_with_the_reason(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        BuildOptions.parse(text)
    assert "contradict" in caught.value.message
    assert ": " in caught.value.message


def test_an_unknown_option_suggests_the_near_one() -> None:
    with pytest.raises(UnknownName) as caught:
        BuildOptions.parse("pg0+lto")
    assert "did you mean pgo" in caught.value.hint


def test_abi_flags() -> None:
    assert BuildOptions.parse("debug+freethreaded").abi_flags == "td"
    assert BuildOptions.parse("pgo").abi_flags == ""


def test_versions_are_ordered_as_python_orders_them() -> None:
    texts = ["3.9.25", "3.13.5", "3.13.15", "3.15.0a1", "3.15.0rc1", "3.15.0"]
    assert [str(version) for version in sorted(map(PythonVersion.parse, reversed(texts)))] == texts


@pytest.mark.parametrize("text", ["3.13", "3.13.x", "", "cpython-3.13.1"])
def test_text_that_is_not_a_version_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        PythonVersion.parse(text)


def test_a_release_candidate_belongs_to_its_series() -> None:
    assert PythonVersion.parse("3.15.0rc1").within(">=3.15")
    assert not PythonVersion.parse("3.11.2").within(">=3.12")


def test_archive_names() -> None:
    version, options = PythonVersion.parse("3.13.15"), BuildOptions.parse("lto+pgo")
    full, install_only = ArchiveFormat.parse("full"), ArchiveFormat.parse("install_only")
    name = archive_name(version, "x86_64-unknown-linux-gnu", options, "20261121T1000", full)
    assert name == "cpython-3.13.15-x86_64-unknown-linux-gnu-pgo+lto-20261121T1000.tar.zst"
    assert archive_name(version, "t", options, "x", install_only) == "cpython-3.13.15-t-pgo+lto-x-install_only.tar.gz"


def test_archive_names_of_a_release() -> None:
    version, options = PythonVersion.parse("3.13.15"), BuildOptions.parse("pgo+lto")
    threads = BuildOptions.parse("pgo+lto+freethreaded")

    def name(options: BuildOptions, kind: str) -> str:
        return archive_name(version, "t", options, "20261121", ArchiveFormat.parse(kind), release=True)

    assert name(options, "full") == "cpython-3.13.15+20261121-t-pgo+lto-full.tar.zst"
    assert name(threads, "full") == "cpython-3.13.15+20261121-t-freethreaded+pgo+lto-full.tar.zst"
    assert name(options, "install_only_stripped") == "cpython-3.13.15+20261121-t-install_only_stripped.tar.gz"
    assert name(threads, "install_only.tar.zst") == "cpython-3.13.15+20261121-t-freethreaded-install_only.tar.zst"


@pytest.mark.parametrize("text", ["full.tar.gz", "installonly", "", "install_only.zip"])
def test_an_archive_format_that_there_is_not(text: str) -> None:
    with pytest.raises(UnknownName, match="unknown format"):
        ArchiveFormat.parse(text)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("cpython-3.13.15-x86_64-unknown-linux-gnu-pgo+lto-20261121T1000.tar.zst", ("pgo+lto", "full", False)),
        ("cpython-3.13.15-x86_64-unknown-linux-gnu-noopt-local-install_only.tar.gz", ("noopt", "install_only", False)),
        ("cpython-3.13.15+20261121-x86_64-unknown-linux-gnu-debug-full.tar.zst", ("debug", "full", True)),
        (
            "cpython-3.13.15+20261121-x86_64-unknown-linux-gnu-freethreaded-install_only_stripped.tar.gz",
            ("freethreaded+noopt", "install_only_stripped", True),
        ),
        ("cpython-3.13.15+20261121-x86_64-unknown-linux-gnu-install_only.tar.zst", ("noopt", "install_only", True)),
    ],
)
def test_the_parts_of_an_archives_name(name: str, parts: tuple[str, str, bool]) -> None:
    found = ArchiveName(name)
    assert (str(found.options), found.flavour, found.release) == parts
    assert (str(found.python), found.triple) == ("3.13.15", "x86_64-unknown-linux-gnu")
    assert found.tag in ("20261121T1000", "local", "20261121")


def test_a_name_that_no_archive_has_is_refused() -> None:
    with pytest.raises(BadArchive, match="not named like"):
        ArchiveName("Python-3.13.15.tar.xz")


CATALOG = load_catalog(checkout() / "cpython-unix")


@pytest.mark.parametrize("options", ["noopt", "noopt+static"])
@pytest.mark.parametrize("version", ["3.11.2", "3.13.15", "3.14.10"])
@pytest.mark.parametrize("triple", ["x86_64-unknown-linux-musl", "aarch64-apple-darwin"])
def test_every_module_that_a_python_must_have_is_linked(triple: str, version: str, options: str) -> None:
    python, names = PythonVersion.parse(version), options.split("+")
    linked = CATALOG.linked_modules(triple, python, names)
    assert not CATALOG.modules(triple, python, names) & {*linked["none"]}
    assert ("_ctypes_test" in linked["none"]) == ("static" in names)
    assert ("_scproxy" in linked["shared"]) == ("apple" in triple)
