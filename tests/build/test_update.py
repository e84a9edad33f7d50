"""`update` in a checkout of its own, with a web server on loopback as a stand-in for upstreams.

The recipes are the real ones, but the addresses in their `upstream:` lead to that server.  It answers in the form of each upstream.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from pythonbuild.catalog.load import load_catalog
from pythonbuild.catalog.pins import pins
from pythonbuild.home import checkout
from tests.build.upstreams import Copy, Server, make_copy, release, releases, sha256, tarball, upstreams


@pytest.fixture
def server() -> Iterator[Server]:
    with upstreams() as running:
        yield running


@pytest.fixture
def copy(tmp_path: Path, server: Server) -> Copy:
    return make_copy(tmp_path, server)


def expat(copy: Copy, content: bytes, digest: str | None = None) -> None:
    """Let upstream have an expat 2.99.1, and a pre-release after it."""
    copy.here("expat")
    newer, older = ("expat-2.99.1.tar.xz", digest), ("expat-2.8.0.tar.xz", None)
    beta = release(copy.server, "libexpat/libexpat", ("expat-3.0.0.tar.xz", None), prerelease=True)
    there = [beta, release(copy.server, "libexpat/libexpat", older), release(copy.server, "libexpat/libexpat", newer)]
    releases(copy.server, "libexpat/libexpat", *there)
    copy.server.files["github.com/libexpat/libexpat/expat-2.99.1.tar.xz"] = content


def test_a_newer_version_is_verified_written_and_shown(copy: Copy) -> None:
    content = tarball("xz")
    expat(copy, content, f"sha256:{sha256(content)}")
    before = copy.file("expat").read_text()
    pinned = yaml.safe_load(before)["version"]
    done = copy.update("expat")
    assert done.returncode == 0, done.stderr
    assert f"expat {pinned} -> 2.99.1" in done.stdout
    assert "its SHA-256 is that which upstream publishes" in done.stdout
    debian = [origin["debian"] for origin in yaml.safe_load(before)["sources"][0]["origins"] if "debian" in origin]
    assert re.findall(r"dropped: (\S+),", done.stdout) == debian
    assert "--- a/cpython-unix/packages/expat/recipe.yml\n+++ b/cpython-unix/packages/expat/recipe.yml\n" in done.stdout
    assert '+version: "2.99.1"\n' in done.stdout
    assert "\033" not in done.stdout
    recipe = load_catalog(copy.root / "cpython-unix").recipe("expat").recipe
    (origin,) = recipe.sources[0].origins
    assert recipe.version == "2.99.1"
    assert (origin.url or "").endswith("/libexpat/expat-2.99.1.tar.xz")
    assert (origin.sha256, origin.size) == (sha256(content), len(content))
    # What is built next does not fetch it again.
    assert (copy.cache / "sources" / origin.sha256 / "expat-2.99.1.tar.xz").read_bytes() == content
    changed = {line[1:] for line in done.stdout.splitlines() if re.match(r"[-+](?![-+])", line)}
    assert {*before.splitlines()} ^ {*copy.file("expat").read_text().splitlines()} == changed
    assert copy.update("expat").stdout == "expat 2.99.1 is up to date\n0 updated, 1 up to date, 0 failed\n"
    assert not list(copy.file("expat").parent.glob(".*"))


def test_check_only_tells(copy: Copy) -> None:
    expat(copy, b"")
    before = copy.state()
    done = copy.update("--check", "expat")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"expat \S+ -> 2\.99\.1\n1 newer, 0 up to date, 0 failed\n", done.stdout)
    assert copy.state() == before
    assert not [path for path in copy.server.asked if path.endswith(".xz")]


def test_a_busy_upstream_is_tried_again(copy: Copy) -> None:
    expat(copy, b"")
    asked = "api.github.com/repos/libexpat/libexpat/releases?per_page=100"
    copy.server.busy.add(asked)
    done = copy.update("--check", "expat")
    assert done.returncode == 0, done.stderr
    assert "-> 2.99.1" in done.stdout
    assert copy.server.asked == [asked, asked]


def test_all_are_asked_and_each_that_does_not_answer_is_one_line(copy: Copy) -> None:
    catalog = load_catalog(checkout() / "cpython-unix")
    watched = {name for name, pin in pins(catalog, checkout()).items() if not pin.upstream.unwatched}
    for path in {copy.file("cpython"), *copy.root.glob("cpython-*/packages/*/recipe.yml")}:
        if re.search("^upstream:", path.read_text(), re.MULTILINE):
            copy.lead(path)
    copy.environment |= {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"{copy.server.url}/simple",
        "PIP_RETRIES": "0",
    }
    before = copy.state()
    done = copy.update()
    assert done.returncode == 1
    assert sorted(line.split()[1].rstrip(":") for line in done.stderr.splitlines()) == sorted(watched)
    assert done.stdout.endswith(
        f"not watched: tcltk, tcltk9, windows/zlib-ng\n0 updated, 0 up to date, {len(watched)} failed\n"
    )
    assert copy.state() == before


def test_a_diff_may_be_coloured_and_an_older_version_named(copy: Copy) -> None:
    content = tarball("xz")
    expat(copy, content)
    copy.server.files["github.com/libexpat/libexpat/expat-2.8.0.tar.xz"] = content
    done = copy.update("expat", "--to", "2.8.0", "--color", "always")
    assert done.returncode == 0, done.stderr
    assert '\033[32m+version: "2.8.0"\033[0m' in done.stdout
    assert "unverified: trust on first use" in done.stdout
    done = copy.update("expat", "--to", "2.98")
    assert done.returncode == 2
    assert "upstream has no version 2.98 of expat" in done.stderr
    assert "choose for example 2.8.0" in done.stderr


def openssl(copy: Copy, content: bytes, said: str) -> None:
    copy.here("openssl")
    name, other = "openssl-3.5.99.tar.gz", "openssl-4.0.0.tar.gz"
    releases(copy.server, "openssl/openssl", release(copy.server, "openssl/openssl", (other, None), (name, None)))
    copy.server.files[f"github.com/openssl/openssl/{name}"] = content
    copy.server.files[f"github.com/openssl/openssl/{name}.sha256"] = said.encode()


@pytest.mark.parametrize(
    "form", ["{sum}  {name}\n", "{sum} *{name}\n", "{sum}\n", "SHA256 ({name}) = {sum}\n", "SHA256({name})= {sum}\n"]
)
def test_a_series_is_kept_and_a_sum_beside_the_archive_is_believed_in_each_form(copy: Copy, form: str) -> None:
    content = tarball("gz")
    openssl(copy, content, form.format(sum=sha256(content), name="openssl-3.5.99.tar.gz"))
    done = copy.update("openssl")
    assert done.returncode == 0, done.stderr
    assert "-> 3.5.99" in done.stdout
    assert "that which upstream publishes" in done.stdout
    # The recipe for Windows has its version of this one.
    assert load_catalog(copy.root / "cpython-unix").windows_recipes["openssl"].recipe.version == "3.5.99"


def wrong_sum_of_a_file(copy: Copy) -> tuple[str, str]:
    openssl(copy, tarball("gz"), f"{'0' * 64}  openssl-3.5.99.tar.gz\n")
    return (
        "openssl",
        f"{copy.server.url}/github.com/openssl/openssl/openssl-3.5.99.tar.gz: upstream publishes sha256 {'0' * 64}, but the file has",
    )


def no_sum_of_it(copy: Copy) -> tuple[str, str]:
    openssl(copy, tarball("gz"), f"{'0' * 64}  openssl-3.5.98.tar.gz\n")
    return "openssl", "openssl-3.5.99.tar.gz.sha256 has no SHA-256 of openssl-3.5.99.tar.gz"


def no_file_of_sums(copy: Copy) -> tuple[str, str]:
    openssl(copy, tarball("gz"), "")
    del copy.server.files["github.com/openssl/openssl/openssl-3.5.99.tar.gz.sha256"]
    return "openssl", "openssl-3.5.99.tar.gz.sha256: HTTP 404 Not Found"


def wrong_sum_in_the_list(copy: Copy) -> tuple[str, str]:
    expat(copy, tarball("xz"), f"sha256:{'0' * 64}")
    return "expat", f"upstream publishes sha256 {'0' * 64}, but the file has"


def a_connection_that_breaks(copy: Copy) -> tuple[str, str]:
    expat(copy, tarball("xz"))
    copy.server.cut.add("github.com/libexpat/libexpat/expat-2.99.1.tar.xz")
    return "expat", "the connection broke 3 times"


def half_an_archive(copy: Copy) -> tuple[str, str]:
    content = tarball("xz")
    expat(copy, content[: len(content) // 2])
    return "expat", "expat-2.99.1.tar.xz is not a complete archive"


def a_page_for_an_archive(copy: Copy) -> tuple[str, str]:
    expat(copy, b"<html>Choose a mirror</html>")
    return "expat", "expat-2.99.1.tar.xz is not a complete archive"


def a_damaged_zip(copy: Copy) -> tuple[str, str]:
    copy.here("jom")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as files:
        files.writestr("jom.exe", "MZ" * 1000)
    path = "download.qt.io/official_releases/jom/"
    copy.server.files[path] = b'<a href="jom_9_0_0.zip">'
    copy.server.files[f"{path}jom_9_0_0.zip"] = content.getvalue().replace(b"MZ" * 3, b"MZZMMZ", 1)
    return "jom", "jom_9_0_0.zip is damaged: jom.exe"


def nothing_that_fits(copy: Copy) -> tuple[str, str]:
    copy.here("bzip2")
    copy.server.files["sourceware.org/pub/bzip2/"] = b"<a href='bzip3-1.0.9.tar.gz'>"
    return "bzip2", f"{copy.server.url}/sourceware.org/pub/bzip2/ has nothing that matches 'bzip2-"


def an_answer_of_another_form(copy: Copy) -> tuple[str, str]:
    copy.here("expat")
    copy.server.files["api.github.com/repos/libexpat/libexpat/releases?per_page=100"] = b'{"message": "moved"}'
    return "expat", "releases?per_page=100 has an unexpected format"


def no_such_page(copy: Copy) -> tuple[str, str]:
    copy.here("ncurses")
    return "ncurses", f"{copy.server.url}/invisible-island.net/archives/ncurses/current/: HTTP 404 Not Found"


def a_host_that_is_not_there(copy: Copy) -> tuple[str, str]:
    copy.server.url, url = "http://127.0.0.1:9", copy.server.url
    copy.here("libedit")
    copy.server.url = url
    return "libedit", "127.0.0.1:9 cannot be reached (connection refused)"


def a_file_that_cannot_be_changed_in_place(copy: Copy) -> tuple[str, str]:
    content = tarball("xz")
    expat(copy, content)
    path = copy.file("expat")
    text = re.sub(r'version: "(.*?)"', r'version: &pinned "\1"', path.read_text())
    path.write_text(text.replace("description: the XML parser", "description: *pinned"))
    return "expat", "version 2.99.1 cannot be written; the file is unchanged: "


def a_version_that_no_python_has(copy: Copy) -> tuple[str, str]:
    pythons(copy, tarball("xz"), "")
    path = copy.file("cpython")
    # Its groups, joined by dots, make four numbers.
    path.write_text(re.sub(r"(?m)^  pattern: .*", r"  pattern: 'Python (3\\.(1)3\\.99)'", path.read_text()))
    return "cpython-3.13", "version 3.13.99.1 cannot be written; the file is unchanged: "


WRONG = (
    a_version_that_no_python_has,
    wrong_sum_of_a_file,
    no_sum_of_it,
    no_file_of_sums,
    wrong_sum_in_the_list,
    a_connection_that_breaks,
    half_an_archive,
    a_page_for_an_archive,
    a_damaged_zip,
    nothing_that_fits,
    an_answer_of_another_form,
    no_such_page,
    a_host_that_is_not_there,
    a_file_that_cannot_be_changed_in_place,
)


@pytest.mark.parametrize("arrange", WRONG, ids=lambda arrange: arrange.__name__)
def test_a_failed_update_is_one_line_changes_no_file_and_stops_no_other(
    copy: Copy, arrange: Callable[[Copy], tuple[str, str]]
) -> None:
    name, wanted = arrange(copy)
    copy.here("xz")
    content = tarball("xz")
    asset = ("xz-5.99.0.tar.xz", f"sha256:{sha256(content)}")
    releases(copy.server, "tukaani-project/xz", release(copy.server, "tukaani-project/xz", asset))
    copy.server.files["github.com/tukaani-project/xz/xz-5.99.0.tar.xz"] = content
    before = copy.state()
    done = copy.update(name, "xz")
    assert done.returncode == 1, done.stdout
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"failed: {name}: ")
    assert wanted in done.stderr
    assert "1 updated, 0 up to date, 1 failed" in done.stdout
    after = copy.state()
    assert [path for path in after if after[path] != before.get(path)] == [copy.file("xz")]
    assert set(after) == set(before)


def test_an_archive_with_a_wrong_sum_is_kept_aside_and_not_among_the_sources(copy: Copy) -> None:
    wrong_sum_of_a_file(copy)
    copy.update("openssl")
    files = [path for path in (copy.cache / "sources").rglob("*") if path.is_file()]
    assert [path.parent.name for path in files] == ["rejected"]


def test_listings_of_each_kind_lead_to_the_archives(copy: Copy) -> None:
    """Tags, a page for people, lines for programs, folders; upstream's archive takes the place of Debian's."""
    files, tar, gz = copy.server.files, tarball("xz"), tarball("gz")
    for name in ("binutils", "nasm", "sqlite", "tcl8", "uuid", "xcb-proto"):
        copy.here(name)
    files["ftp.gnu.org/gnu/binutils/"] = (
        b'<a href="binutils-2.99.tar.xz">binutils-2.99.tar.xz</a> <a href="binutils-with-gold-3.0.tar.xz">'
    )
    files["ftp.gnu.org/gnu/binutils/binutils-2.99.tar.xz"] = tar
    files["www.nasm.us/pub/nasm/releasebuilds/"] = (
        b'<a href="2.16.03/">2.16.03/</a><a href="3.99/">3.99/</a><a href="4.0rc1/">'
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as zipped:
        zipped.writestr("nasm.exe", "MZ")
    files["www.nasm.us/pub/nasm/releasebuilds/3.99/win64/nasm-3.99-win64.zip"] = content.getvalue()
    sum3 = hashlib.sha3_256(gz).hexdigest()
    files["www.sqlite.org/download.html"] = (
        "<!-- Download product data\nPRODUCT,VERSION,RELATIVE-URL,SIZE-IN-BYTES,SHA3-HASH\n"
        f"PRODUCT,3.99.0,2027/sqlite-amalgamation-3990000.zip,1,{'1' * 64}\n"
        f"PRODUCT,3.99.0,2027/sqlite-autoconf-3990000.tar.gz,1,{sum3}\n-->"
    ).encode()
    files["www.sqlite.org/2027/sqlite-autoconf-3990000.tar.gz"] = gz
    tags = [{"ref": f"refs/tags/core-8-6-{last}"} for last in ("18", "99", "b100")]
    files["api.github.com/repos/tcltk/tcl/git/matching-refs/tags/core-8-6-"] = json.dumps(tags).encode()
    files["prdownloads.sourceforge.net/tcl/tcl8.6.99-src.tar.gz"] = gz
    tags = [{"ref": f"refs/tags/{tag}"} for tag in ("v2.99", "v2.99-rc2", "v2.41.5")]
    files["api.github.com/repos/util-linux/util-linux/git/matching-refs/tags/v2."] = json.dumps(tags).encode()
    folder = "www.kernel.org/pub/linux/utils/util-linux/v2.99/"
    files[f"{folder}util-linux-2.99.tar.xz"] = tar
    signed = f"-----BEGIN PGP SIGNED MESSAGE-----\n\n{'2' * 64}  other.tar.xz\n{sha256(tar)}  util-linux-2.99.tar.xz\n-----BEGIN PGP"
    files[f"{folder}sha256sums.asc"] = signed.encode()
    files["xcb.freedesktop.org/dist/"] = b'<a href="xcb-proto-1.99.0.tar.xz">'
    files["xcb.freedesktop.org/dist/xcb-proto-1.99.0.tar.xz"] = tar
    done = copy.update("binutils", "nasm", "sqlite", "tcl8", "uuid", "xcb-proto")
    assert done.returncode == 0, done.stderr
    assert "6 updated, 0 up to date, 0 failed" in done.stdout
    catalog = load_catalog(copy.root / "cpython-unix")
    recipes = {**catalog.windows_recipes, **catalog.recipes}
    versions = {
        name: recipes[name].recipe.version for name in ("binutils", "nasm", "sqlite", "tcl8", "uuid", "xcb-proto")
    }
    assert versions == {
        "binutils": "2.99",
        "nasm": "3.99",
        "sqlite": "3.99.0",
        "tcl8": "8.6.99",
        "uuid": "2.99",
        "xcb-proto": "1.99.0",
    }
    # One that says that it is of another version stays.
    others = load_catalog(checkout() / "cpython-unix").recipe("sqlite").recipe.sources[0].origins
    origins = recipes["sqlite"].recipe.sources[0].origins
    assert (origins[0].url or "").endswith("/www.sqlite.org/2027/sqlite-autoconf-3990000.tar.gz")
    assert origins[1:] == tuple(origin for origin in others if origin.version)
    assert [len(source.origins) for source in recipes["xcb-proto"].recipe.sources] == [1, 1]
    assert (recipes["tcl8"].recipe.sources[0].origins[0].url or "").endswith("tcl8.6.99-src.tar.gz")
    trusted = dict(re.findall(r"^(\S+) \S+ -> \S+  [\d.]+ k?B, (unverified|its SHA-256)", done.stdout, re.MULTILINE))
    assert {name for name, trust in trusted.items() if trust == "unverified"} == {
        "binutils",
        "nasm",
        "tcl8",
        "xcb-proto",
    }
    assert {name for name, trust in trusted.items() if trust == "its SHA-256"} == {"sqlite", "uuid"}


def pythons(copy: Copy, content: bytes, said: str) -> None:
    """Let python.org have new releases of 3.13 and 3.14, and a pre-release of a series that is pinned."""
    copy.here("cpython")
    api, server = "www.python.org/api/v2/downloads", copy.server
    names = {
        7: "Python 3.13.99",
        8: "Python 3.14.99",
        9: "Python 3.14.100rc1",
        10: "Python 3.99.0",
        11: "Python install manager 26.0",
    }
    server.files[f"{api}/release/?is_published=true"] = json.dumps(
        [
            {
                "name": name,
                "is_published": True,
                "pre_release": "rc" in name,
                "resource_uri": f"https://{api}/release/{number}/",
            }
            for number, name in names.items()
        ]
    ).encode()
    for number, version in ((7, "3.13.99"), (8, "3.14.99")):
        path = f"ftp/python/{version}/Python-{version}"
        server.files[f"{path}.tar.xz"] = content
        server.files[f"{api}/release_file/?release={number}"] = json.dumps(
            [
                {"url": f"{server.url}/{path}.tgz", "sha256_sum": "1" * 64},
                {"url": f"{server.url}/{path}.tar.xz", "sha256_sum": said},
            ]
        ).encode()


def test_pythons_become_the_newest_of_their_series_two_at_once(copy: Copy) -> None:
    content = tarball("xz")
    pythons(copy, content, sha256(content))
    before = {str(version) for version in load_catalog(checkout() / "cpython-unix").releases}
    done = copy.update("cpython-3.13", "cpython-3.14")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("its SHA-256 is that which upstream publishes") == 2
    catalog = load_catalog(copy.root / "cpython-unix")
    after = {str(version) for version in catalog.releases}
    assert after - before == {"3.13.99", "3.14.99"}
    assert "3.13.5" in after
    assert str(catalog.python("cpython-3.13")) == "3.13.99"
    (origin,) = catalog.releases[catalog.python("cpython-3.14")].origins
    assert origin.sha256 == sha256(content)


def test_a_python_that_differs_from_python_orgs_checksum_is_refused(copy: Copy) -> None:
    pythons(copy, tarball("xz"), "0" * 64)
    before = copy.state()
    done = copy.update("cpython-3.13")
    assert done.returncode == 1
    assert f"upstream publishes sha256 {'0' * 64}" in done.stderr
    assert copy.state() == before
    done = copy.update("cpython-3.12")
    assert done.returncode == 1
    assert "upstream no longer lists a version of 3.12" in done.stderr


def test_a_package_index_is_asked_by_pip_and_the_librarys_version_read_inside(copy: Copy, tmp_path: Path) -> None:
    backend = (
        "import pathlib\n"
        "def prepare_metadata_for_build_wheel(folder, config_settings=None):\n"
        "    made = pathlib.Path(folder, 'zlib_ng-9.1.0.dist-info')\n"
        "    made.mkdir()\n"
        "    (made / 'METADATA').write_text('Metadata-Version: 2.1\\nName: zlib-ng\\nVersion: 9.1.0\\n')\n"
        "    return made.name\n"
        "def build_wheel(folder, config_settings=None, metadata_directory=None):\n"
        "    raise SystemExit('nothing is to be built')\n"
    )
    content = tarball(
        "gz",
        **{
            "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
            "backend.py": backend,
            "PKG-INFO": "Metadata-Version: 2.1\nName: zlib-ng\nVersion: 9.1.0\n",
            "src/zlib_ng/zlib-ng/zlib-ng.h.in": '#define ZLIBNG_VERSION "9.9.9"\n',
        },
    )
    page = f'<a href="/files/zlib_ng-9.1.0.tar.gz#sha256={sha256(content)}">zlib_ng-9.1.0.tar.gz</a>'
    page += '<a href="/files/zlib_ng-9.2.0rc1.tar.gz">zlib_ng-9.2.0rc1.tar.gz</a>'
    copy.server.files |= {"simple/zlib-ng/": page.encode(), "files/zlib_ng-9.1.0.tar.gz": content}
    copy.environment |= {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"{copy.server.url}/simple",
        "PIP_RETRIES": "0",
    }
    copy.environment |= {"PIP_CACHE_DIR": str(tmp_path / "pip")}
    done = copy.update("zlib-ng")
    assert done.returncode == 0, done.stderr
    assert "-> 9.9.9  " in done.stdout
    assert "its SHA-256 is that of the package index" in done.stdout
    recipe = load_catalog(copy.root / "cpython-unix").recipe("zlib-ng").recipe
    assert (recipe.version, recipe.sources[0].origins[0].sdist) == ("9.9.9", "zlib-ng==9.1.0")
    assert recipe.sources[0].origins[0].sha256 == sha256(content)
    assert "is up to date" in copy.update("zlib-ng").stdout
    copy.server.files["simple/zlib-ng/"] = page.replace(sha256(content), "0" * 64).encode()
    shutil.copy(checkout() / "cpython-unix/packages/zlib-ng/recipe.yml", copy.file("zlib-ng"))
    before = copy.state()
    done = copy.update("zlib-ng")
    assert done.returncode == 1
    assert copy.state() == before
    del copy.server.files["simple/zlib-ng/"]
    done = copy.update("zlib-ng", "--check")
    assert done.returncode == 1
    assert "failed: zlib-ng: pip: ERROR: No matching distribution found for zlib-ng" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["opnssl"], "did you mean openssl"),
        (["cpython-3.1"], "did you mean cpython-3."),
        (["expat", "zstt"], "unknown recipe or Python 'zstt'"),
        (["tcltk"], "tcltk is not watched: a commit"),
        (["--to", "1.2"], "exactly one NAME"),
        (["--to", "1.2", "expat", "xz"], "exactly one NAME"),
        (["--offline"], "--offline forbids"),
    ],
)
def test_a_bad_request_is_one_message_and_contacts_no_server(copy: Copy, arguments: list[str], wanted: str) -> None:
    expat(copy, b"")
    before = copy.state()
    done = copy.update(*arguments)
    assert done.returncode == 2
    assert wanted in done.stderr
    assert copy.state() == before
    assert copy.server.asked == []
