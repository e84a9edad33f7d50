"""Releases: names, the choice among several builds, written files, and a second run without changes."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from pathlib import Path

import pytest

from pythonbuild.catalog.load import load_catalog
from pythonbuild.errors import BadArchive, BadRequest
from pythonbuild.home import checkout
from pythonbuild.model.naming import BuiltFile
from pythonbuild.packaging.provenance import provenance
from pythonbuild.release.collect import collect
from pythonbuild.release.folder import fill, read_releases
from pythonbuild.release.indexes import write_indexes
from pythonbuild.release.upload import uploads

GNU = "x86_64-unknown-linux-gnu"
ENDS = (".tar.zst", "-install_only.tar.gz", "-install_only_stripped.tar.gz", "-debug_symbols.tar.zst", "-sbom.cdx.json")


def build(
    folder: Path, options: str, triple: str = GNU, python: str = "3.13.15", tag: str = "20261121T1000", mark: str = ""
) -> None:
    """Leave in `folder` what a build leaves, each file with content of its own."""
    folder.mkdir(exist_ok=True)
    stem = f"cpython-{python}-{triple}-{options}-{tag}"
    for end in ENDS:
        # As builds do it: another file under the same name.
        (folder / (stem + end)).unlink(missing_ok=True)
        (folder / (stem + end)).write_text(f"{python} {triple} {options} {end} {mark}")
    sums = {stem + end: hashlib.sha256((folder / (stem + end)).read_bytes()).hexdigest() for end in ENDS}
    (folder / f"{stem}.intoto.jsonl").write_text(provenance(sums, {"options": options}, [], {"id": "test"}, (0, 1)))


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return all files with their content and time."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("local", "released"),
    [
        ("-noopt-20261121T1000.tar.zst", "-noopt-full.tar.zst"),
        ("-pgo+lto-20261121-install_only.tar.gz", "-install_only.tar.gz"),
        ("-freethreaded+pgo-local-install_only_stripped.tar.zst", "-freethreaded-install_only_stripped.tar.zst"),
        ("-debug-20261121T1000-sbom.cdx.json", "-debug-sbom.cdx.json"),
        ("-noopt-20261121T1000-debug_symbols.tar.zst", "-debug_symbols.tar.zst"),
        ("-noopt+static-20261121T1000.intoto.jsonl", "-noopt+static.intoto.jsonl"),
    ],
)
def test_each_local_name_has_one_in_a_release_which_says_the_same(local: str, released: str) -> None:
    file = BuiltFile.parse(f"cpython-3.15.0rc1-x86_64_v3-unknown-linux-musl{local}")
    assert file.options
    name = file.release_name(file.options, "20261130")
    assert name == f"cpython-3.15.0rc1+20261130-x86_64_v3-unknown-linux-musl{released}"
    again = BuiltFile.parse(name)
    assert (again.python, again.triple, again.flavour, again.freethreaded) == (
        file.python,
        file.triple,
        file.flavour,
        file.freethreaded,
    )
    assert again.tag == "20261130"
    assert again.release_name(file.options, "20261130") == name


@pytest.mark.parametrize(
    "name",
    [
        "cpython-3.13.15-x86_64-unknown-linux-gnu-noopt-20261121.tar.gz",
        "cpython-3.13.15-x86_64-unknown-linux-gnu-noopt-20261121-install_only.cdx.json",
        "cpython-3.13.15+20261121-x86_64-unknown-linux-gnu-noopt.tar.zst",
        "cpython-3.13.15.tar.xz",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(BadArchive, match="not named like"):
        BuiltFile.parse(name)


def test_the_best_build_gets_the_names_without_options_and_the_choice_is_printed(tmp_path: Path) -> None:
    for options in ("noopt", "lto", "pgo+lto", "debug", "freethreaded+noopt", "freethreaded+pgo"):
        build(tmp_path, options)
    collected = collect(tmp_path)
    stem = f"cpython-3.13.15+20261121-{GNU}"
    untold = [name for name, item in collected.items.items() if item.flavour.startswith(("install_only", "debug_symb"))]
    assert {str(collected.items[name].build.options) for name in untold} == {"pgo+lto", "freethreaded+pgo"}
    assert len(untold) == 6
    assert collected.items[f"{stem}-install_only.tar.gz"].source.name.endswith(
        "-pgo+lto-20261121T1000-install_only.tar.gz"
    )
    full = sorted(name for name in collected.items if name.endswith("-full.tar.zst"))
    assert full == [
        f"{stem}-{options}-full.tar.zst"
        for options in ("debug", "freethreaded+noopt", "freethreaded+pgo", "lto", "noopt", "pgo+lto")
    ]
    assert list(collected.notes) == [
        f"install_only of cpython-3.13.15 for {GNU}: of pgo+lto, not debug, lto, noopt",
        f"install_only of freethreaded cpython-3.13.15 for {GNU}: of freethreaded+pgo, not freethreaded+noopt",
    ]


@pytest.mark.parametrize("options", ["debug", "noopt+static", "freethreaded+debug"])
def test_debug_and_static_builds_are_never_install_only(options: str, tmp_path: Path) -> None:
    build(tmp_path, options, "x86_64-unknown-linux-musl")
    collected = collect(tmp_path)
    assert {item.flavour for item in collected.items.values()} == {"full", "sbom", "provenance"}
    (note,) = collected.notes
    assert "none" in note
    assert options in note


def test_statements_are_about_the_files_of_the_release(tmp_path: Path) -> None:
    build(tmp_path, "noopt")
    build(tmp_path, "pgo")
    fill(collect(tmp_path), tmp_path / "release")
    top = tmp_path / "release/download/20261121"
    sums = {line[66:]: line[:64] for line in (top / "SHA256SUMS").read_text().splitlines()}
    assert set(sums) == {path.name for path in top.iterdir() if path.name != "SHA256SUMS"}
    named = {}
    for path in top.glob("*.intoto.jsonl"):
        statement = json.loads(path.read_text())
        named[path.name] = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
        before = json.loads(next(tmp_path.glob(f"*{path.name.split('-')[-1][:-13]}-*.intoto.jsonl")).read_text())
        assert statement["predicate"] == before["predicate"]
    one, other = (named[f"cpython-3.13.15+20261121-{GNU}-{options}.intoto.jsonl"] for options in ("noopt", "pgo"))
    assert len(one) == 2, "its archives without options in their names are not in the release"
    assert len(other) == 5
    assert {**one, **other}.items() <= sums.items()


def test_a_second_run_changes_nothing_and_one_over_a_half_made_folder_goes_on(tmp_path: Path) -> None:
    build(tmp_path, "noopt")
    catalog = load_catalog(checkout() / "cpython-unix")
    folder = tmp_path / "release"

    def run() -> list[str]:
        changed = fill(collect(tmp_path), folder)
        return changed + write_indexes(read_releases(folder), folder, "https://example.org/python", catalog)

    first = run()
    made = tree(folder)
    assert set(first) == set(made)
    assert run() == []
    assert tree(folder) == made
    archive = next(name for name in made if name.endswith("install_only.tar.gz"))
    assert (folder / archive).stat().st_nlink == 2, "archives are linked, not copied"
    for name in (archive, "download/20261121/SHA256SUMS", "index.html"):
        (folder / name).unlink()
    (folder / archive).with_name(f".{Path(archive).name}.partial").write_text("half")
    assert set(run()) == {archive, "download/20261121/SHA256SUMS", "index.html"}
    assert {name: content for name, (content, _) in tree(folder).items()} == {
        name: content for name, (content, _) in made.items()
    }


def test_archives_are_copied_where_they_cannot_be_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    build(tmp_path, "noopt")
    collected = collect(tmp_path)
    fill(collected, tmp_path / "release")
    for name, item in collected.items.items():
        content = (tmp_path / "release/download/20261121" / name).read_bytes()
        assert content == (item.text.encode() if item.text else item.source.read_bytes())


def test_a_published_file_is_replaced_only_with_replace(tmp_path: Path) -> None:
    build(tmp_path, "noopt")
    fill(collect(tmp_path), tmp_path / "release")
    before = tree(tmp_path / "release")
    build(tmp_path, "noopt", mark="changed")
    with pytest.raises(BadRequest, match="exists already, and differs from") as caught:
        fill(collect(tmp_path), tmp_path / "release")
    assert "--tag" in caught.value.hint
    assert tree(tmp_path / "release") == before
    assert len(fill(collect(tmp_path), tmp_path / "release", replace=True)) == len(ENDS) + 3


def test_earlier_releases_are_kept_and_listed(tmp_path: Path) -> None:
    catalog = load_catalog(checkout() / "cpython-unix")
    folder = tmp_path / "all"
    build(tmp_path / "old", "noopt", python="3.12.9", tag="20261101T0000")
    build(tmp_path / "old", "noopt", tag="20261101T0000")
    build(tmp_path / "new", "pgo")
    for source in ("new", "old"):
        fill(collect(tmp_path / source), folder)
        write_indexes(read_releases(folder), folder, "https://example.org/p", catalog)
    index = json.loads((folder / "download-metadata.json").read_text())
    stripped = f"{GNU}-install_only_stripped.tar.gz"
    assert {key: entry["url"] for key, entry in index.items()} == {
        "cpython-3.12.9-linux-x86_64-gnu": f"https://example.org/p/download/20261101/cpython-3.12.9%2B20261101-{stripped}",
        "cpython-3.13.15-linux-x86_64-gnu": f"https://example.org/p/download/20261121/cpython-3.13.15%2B20261121-{stripped}",
    }
    newest = folder / "download/20261121"
    assert index["cpython-3.13.15-linux-x86_64-gnu"]["sha256"] in (newest / "SHA256SUMS").read_text()
    assert (folder / "latest/download/SHA256SUMS").read_text() == (newest / "SHA256SUMS").read_text()
    compressed = (folder / f"tools/python-precompiled-{GNU}.gz").read_bytes()
    assert compressed[:10] == b"\x1f\x8b\x08\0\0\0\0\0\x02\xff", "no time, no name, of no system"
    listed = gzip.decompress(compressed).decode().split()
    assert len(listed) == 6
    assert all((folder / "download" / name.split("+")[1][:8] / name).is_file() for name in listed)


def test_bad_folders_are_one_error_each_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="is not a folder"):
        collect(tmp_path / "nowhere")
    with pytest.raises(BadRequest, match="contains no archive"):
        collect(tmp_path)
    build(tmp_path, "noopt")
    with pytest.raises(BadRequest, match="is not a release tag"):
        collect(tmp_path, "v1")
    build(tmp_path, "pgo", tag="20261122T1000")
    with pytest.raises(BadRequest, match="do not agree on a day: 20261121T1000, 20261122T1000"):
        collect(tmp_path)
    assert collect(tmp_path, "20261123").tag == "20261123"
    build(tmp_path, "pgo", mark="other")
    with pytest.raises(BadRequest, match=r"cpython-3.13.15 x86_64-unknown-linux-gnu pgo was built twice"):
        collect(tmp_path, "20261123")


def test_a_file_that_does_not_match_its_statement_is_refused(tmp_path: Path) -> None:
    build(tmp_path, "noopt")
    archive = next(tmp_path.glob("*install_only.tar.gz"))
    archive.write_bytes(archive.read_bytes() + b"!")
    with pytest.raises(BadArchive, match="does not match its provenance statement"):
        collect(tmp_path)
    next(tmp_path.glob("*.intoto.jsonl")).write_text('{"subject": []}')
    with pytest.raises(BadArchive, match="is not a provenance statement"):
        collect(tmp_path)


def test_a_statement_about_nothing_in_the_release_is_not_in_it(tmp_path: Path) -> None:
    build(tmp_path, "noopt")
    build(tmp_path, "debug")
    for path in tmp_path.glob("*-debug-*"):
        if not path.name.endswith(("install_only.tar.gz", ".intoto.jsonl")):
            path.unlink()
    assert not [name for name in collect(tmp_path).items if "debug-" in name or "debug." in name]
    for path in tmp_path.glob("*-noopt-*"):
        path.unlink()
    with pytest.raises(BadRequest, match="contains no file for a release") as caught:
        collect(tmp_path)
    assert "none, not debug" in caught.value.hint


def test_of_builds_that_left_one_name_its_own_statement_counts(tmp_path: Path) -> None:
    for options in ("pgo", "noopt"):
        build(tmp_path / options, options)
        fill(collect(tmp_path / options), tmp_path / f"{options}-release")
    both = tmp_path / "both"
    both.mkdir()
    for options in ("pgo", "noopt"):
        for path in (tmp_path / f"{options}-release/download/20261121").glob("cpython-*"):
            (both / path.name).write_bytes(path.read_bytes())
    items = collect(both).items
    untold = [item for item in items.values() if item.flavour == "install_only"]
    assert [str(item.build.options) for item in untold] == ["noopt"]
    (statement,) = (item.text for name, item in items.items() if name.endswith("-pgo.intoto.jsonl"))
    assert statement
    assert "install_only" not in statement
    assert "pgo-full.tar.zst" in statement


def test_a_name_without_options_gets_them_from_the_statement(tmp_path: Path) -> None:
    """As with --release, whose archives have the names of a release already."""
    build(tmp_path / "first", "noopt")
    fill(collect(tmp_path / "first"), tmp_path / "release")
    top = tmp_path / "release/download/20261121"
    (top / "SHA256SUMS").unlink()
    collected = collect(top)
    assert {str(item.build.options) for item in collected.items.values()} == {"noopt"}
    assert sorted(collected.items) == sorted(path.name for path in top.iterdir())
    next(top.glob("*.intoto.jsonl")).unlink()
    with pytest.raises(BadArchive, match="does not name the options"):
        collect(top)


def test_files_are_sent_in_the_order_in_which_they_are_found(tmp_path: Path) -> None:
    build(tmp_path, "noopt")
    folder = tmp_path / "release"
    fill(collect(tmp_path), folder)
    write_indexes(read_releases(folder), folder, "https://example.org", load_catalog(checkout() / "cpython-unix"))
    (folder / "download/20261121/SHA256SUMS.minisig").write_text("signature")
    (folder / "latest/download/SHA256SUMS.minisig").write_text("signature")
    (folder / ".index.html.partial").write_text("half")
    ordered = uploads(folder)
    names = [upload.name for upload in ordered]
    assert [upload.immutable for upload in ordered] == [True] * 6 + [False] * 7
    assert names[6:] == [
        "download-metadata.json",
        "index.html",
        f"tools/python-precompiled-{GNU}.gz",
        "download/20261121/SHA256SUMS.minisig",
        "download/20261121/SHA256SUMS",
        "latest/download/SHA256SUMS.minisig",
        "latest/download/SHA256SUMS",
    ]
    assert not any(upload.name.startswith("latest/") for upload in uploads(folder, latest=False))
    said = {upload.name.split(".", 3)[-1] if upload.immutable else upload.name: upload for upload in ordered}
    assert said["index.html"].attributes["Content-Type"] == "text/html; charset=utf-8"
    assert said["index.html"].cache_control == "public, max-age=300"
    assert said[f"tools/python-precompiled-{GNU}.gz"].content_type == "application/gzip"
    assert said["latest/download/SHA256SUMS"].content_type == "text/plain; charset=utf-8"
    kinds = {upload.path.name.split("-")[-1].partition(".")[2]: upload for upload in ordered if upload.immutable}
    assert {end: upload.content_type for end, upload in kinds.items()} == {
        "tar.gz": "application/gzip",
        "tar.zst": "application/zstd",
        "cdx.json": "application/vnd.cyclonedx+json",
        "intoto.jsonl": "application/vnd.in-toto+json",
    }
    assert {upload.cache_control for upload in kinds.values()} == {"public, max-age=31536000, immutable"}
