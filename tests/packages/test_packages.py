"""Tests what users do with the packages: install, use, upgrade, purge and serve them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pythonbuild.binaries.debian import read_control
from pythonbuild.catalog.load import load_catalog
from pythonbuild.home import checkout
from pythonbuild.model.version import PythonVersion
from pythonbuild.validation.package_rules import validate_packages
from tests.packages.conftest import MAINTAINER, Box, Made

# These tests share one daemon, so one worker runs them.
pytestmark = pytest.mark.xdist_group("docker")

_EXTENSION = """
#include <Python.h>
static PyObject *gil(PyObject *self, PyObject *none) {
#ifdef Py_GIL_DISABLED
    return PyUnicode_FromString("without");
#else
    return PyUnicode_FromString("with");
#endif
}
static PyMethodDef methods[] = {{"gil", gil, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static PyModuleDef_Slot slots[] = {
#ifdef Py_GIL_DISABLED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "spoken", NULL, 0, methods, slots};
PyMODINIT_FUNC PyInit_spoken(void) { return PyModuleDef_Init(&module); }
"""
_MODULES = "ssl, sqlite3, ctypes, tkinter, decimal, dbm.gnu, dbm.ndbm, readline, curses, lzma, bz2, uuid, zlib, pyexpat"
_EMBEDDING = """
#include <Python.h>
int main(void) {
    Py_Initialize();
    return PyRun_SimpleString("import sys; print(sys.version_info[:2], sys.prefix)") || Py_FinalizeEx();
}
"""


def test_a_build_makes_source_and_binary_packages(made: Made) -> None:
    fields = read_control(made.main)
    version = fields["Version"]
    assert re.fullmatch(rf"{re.escape(made.series)}\.\d+-1\+{made.release}1", version)
    assert fields["Maintainer"] == MAINTAINER
    names = {path.name for path in made.folder.iterdir()}
    source, architecture = f"{made.name}_{version}", fields["Architecture"]
    upstream = version.split("-")[0]
    assert {f"{source}.dsc", f"{source}.debian.tar.xz", f"{made.name}_{upstream}.orig.tar.xz"} <= names
    assert {f"{source}_{architecture}.{kind}" for kind in ("deb", "changes", "buildinfo")} <= names
    catalog = load_catalog(checkout() / "cpython-unix")
    digest = hashlib.sha256((made.folder / f"{made.name}_{upstream}.orig.tar.xz").read_bytes()).hexdigest()
    assert digest in {origin.sha256 for origin in catalog.releases[PythonVersion.parse(upstream)].origins}
    display = catalog.debian.release(made.flags[1]).display if catalog.debian else ""
    assert all(display in read_control(package)["Description"] for package in made.packages)


def test_no_rule_is_broken(made: Made) -> None:
    packages = sorted(made.folder.glob("*.deb"))
    assert validate_packages(packages) == {package: [] for package in packages}


@pytest.mark.needs("lintian")
def test_lintian_reports_no_error(made: Made) -> None:
    (changes,) = made.folder.glob("*.changes")
    done = subprocess.run(
        ["lintian", "--profile", "debian", "--allow-root", "--tag-display-limit", "0", str(changes)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert not [line for line in done.stdout.splitlines() if line.startswith("E:")]


def test_the_first_package_works_alone(made: Made, box: Box) -> None:
    python = f"{made.prefix}/bin/python{made.series}"
    box.install(f"/given/{made.main.name}")
    ask = "import sys, sysconfig; print(sys.prefix, sysconfig.get_path('stdlib'), sys.version.split()[0])"
    version = read_control(made.main)["Version"].split("-")[0]
    assert box.run(f'{python} -c "{ask}"') == f"{made.prefix} {made.prefix}/lib/python{made.series} {version}"
    assert box.run(f"ls {made.prefix}/lib | grep -c t$ || true") == "0"
    assert box.run(f"{python} -c 'import sys; print(getattr(sys, \"_is_gil_enabled\", lambda: True)())'") == "True"
    box.run(f"{python} -c 'import {_MODULES}'")
    assert box.run(f"find {made.prefix}/lib -name '*.pyc' | head -n 1") != ""
    assert ("/lib/libpython" in box.run(f"ldd {python}")) == ("--enable-shared" in made.flags)
    assert box.run(f"{made.prefix}/bin/pip{made.series} --version").startswith("pip ")
    box.run(f"{python} -m venv /tmp/venv && /tmp/venv/bin/pip list")


def test_the_second_package_works_beside_it(made: Made, box: Box) -> None:
    if not made.freethreaded:
        assert len(made.packages) == 1
        return
    box.install(*(f"/given/{package.name}" for package in made.packages))
    threaded = f"{made.prefix}/bin/python3t"
    assert box.run(f"{threaded} -c 'import sys; print(sys._is_gil_enabled())'") == "False"
    assert box.run(f"{made.prefix}/bin/python3 -c 'import sys; print(sys._is_gil_enabled())'") == "True"
    box.run(f"{threaded} -c 'import {_MODULES}'")
    assert box.run(f"{threaded} -m pip --version").startswith("pip ")
    box.run(f"{threaded} -m venv /tmp/venv && /tmp/venv/bin/pip list")
    # Both share one standard library, which has bytecode for each.
    for interpreter in (threaded, f"{made.prefix}/bin/python3"):
        cached = box.run(f"{interpreter} -B -c 'import json.decoder; print(json.decoder.__cached__)'")
        box.run(f"test -f {cached}")


def test_extending_and_embedding(made: Made, box: Box) -> None:
    box.install("gcc", "libc6-dev", "binutils", *(f"/given/{package.name}" for package in made.packages))
    (box.folder / "spoken.c").write_text(_EXTENSION)
    (box.folder / "embedding.c").write_text(_EMBEDDING)
    for name, word in zip(made.interpreters, ("with", "without")):
        config = f"{made.prefix}/bin/{name}-config"
        suffix = box.run(f"{config} --extension-suffix")
        box.run(f"gcc -shared -fPIC $({config} --cflags) -o /tmp/spoken{suffix} /given/spoken.c")
        ask = "import sys; sys.path.insert(0, '/tmp'); import spoken; print(spoken.gil())"
        assert box.run(f'{made.prefix}/bin/{name} -c "{ask}"') == word
        box.run(f"gcc $({config} --cflags) -o /tmp/{name} /given/embedding.c $({config} --embed --ldflags)")
        assert box.run(f"/tmp/{name}").endswith(made.prefix)
        # Both interpreters have static probes.
        notes = box.run(f"readelf -n {made.prefix}/bin/{name}")
        assert {"stapsdt", "python", "gc__start", "import__find__load__start"} <= set(notes.split())


def test_cpythons_tests_of_the_distributions_libraries_pass(made: Made, box: Box) -> None:
    box.install("xvfb", "xauth", "gcc", "libc6-dev", *(f"/given/{package.name}" for package in made.packages))
    tests = "test_ssl test_sqlite3 test_ctypes test_tkinter"
    where = ""
    if made.fast:
        # Packages built with --fast have no tests, so take those of the source; modules that only tests need are missing.
        orig = next(made.folder.glob("*.orig.tar.*"))
        box.install("xz-utils")
        box.run(f"mkdir /tests && tar -xf /given/{orig.name} -C /tests --strip-components=2 --wildcards '*/Lib/test'")
        where = "PYTHONPATH=/tests "
    for name in made.interpreters:
        said = box.run(
            f"useradd --create-home tester 2>/dev/null || true; cd /home/tester; "
            f"su tester -c '{where}xvfb-run -a {made.prefix}/bin/{name} -B -m test -u gui,cpu {tests} "
            "-i test.test_tkinter.test_font.FontTest.test_create_from_named_font'"
        )
        assert "Result: SUCCESS" in said, said[-3000:]
        assert "4 tests OK" in said or made.fast, said[-3000:]


def test_it_leaves_the_distributions_python_alone(made: Made, box: Box) -> None:
    box.install("python3", "python3-venv", "python3-dev")
    before = box.run(
        "dpkg-query -W | grep -i python; readlink -f /usr/bin/python3; md5sum $(readlink -f /usr/bin/python3)"
    )
    box.install(*(f"/given/{package.name}" for package in made.packages))
    after = box.run(
        f"dpkg-query -W | grep -i python | grep -v '^{made.name}\\|^python{made.series}t'; "
        "readlink -f /usr/bin/python3; md5sum $(readlink -f /usr/bin/python3)"
    )
    assert after == before
    box.run("python3 -m venv /tmp/venv && /tmp/venv/bin/python -c 'import ssl'")


def test_an_upgrade_removes_old_files_and_purging_leaves_nothing(made: Made, box: Box) -> None:
    box.run("apt-get update -qq")
    before = box.files()
    box.install("dpkg-dev", "xz-utils")
    older = old_versions(made, box)
    with_tools = box.files()
    box.install(*older)
    stdlib = f"{made.prefix}/lib/python{made.series}"
    for name in made.interpreters:
        cached = box.run(f"{made.prefix}/bin/{name} -B -c 'import was_once; print(was_once.__cached__)'")
        box.run(f"test -f {cached}")

    box.install(*(f"/given/{package.name}" for package in made.packages))
    box.fails(f"{made.prefix}/bin/python{made.series} -c 'import was_once'")
    assert box.run(f"find {made.prefix} -name '*was_once*'") == ""
    for package in made.packages[1:]:
        # Purging the second package removes its bytecode too, and leaves the first intact.
        assert box.run(f"{made.prefix}/bin/python3t -c 'import sys; print(sys._is_gil_enabled())'") == "False"
        tag = made.series.replace(".", "")
        box.run(f"apt-get purge -qq -y {read_control(package)['Package']}")
        assert (
            box.run(f"find {made.prefix} -name '*{tag}t*' -o -name '*{made.series}t*' -o -name '_sysconfigdata_t_*'")
            == ""
        )
    box.run(f"{made.prefix}/bin/python{made.series} -m pip --version")

    # Files that users put into site-packages stay until they purge the package.
    box.run(
        f"touch {stdlib}/site-packages/mine.py; {made.prefix}/bin/python{made.series} -c 'import mine, test' || true"
    )
    box.run(f"apt-get remove -qq -y {made.name}")
    assert box.run(f"find {made.prefix} ! -type d") == f"{stdlib}/site-packages/mine.py"
    box.run(f"apt-get purge -qq -y {made.name} && apt-get autoremove --purge -qq -y")
    left = box.files() - before - with_tools
    assert not left
    assert made.name not in box.run("dpkg-query --show --showformat='${Package}\\n'").splitlines()


def old_versions(made: Made, box: Box) -> list[str]:
    """Make packages of an earlier version, with a module that was removed since; returns their paths in the box."""
    made_of = []
    for package in made.packages:
        old = f"/tmp/old_{package.name}"
        stdlib = f"/tmp/tree{made.prefix}/lib/python{made.series}"
        box.run(
            f"rm -rf /tmp/tree; dpkg-deb -R /given/{package.name} /tmp/tree; "
            r"sed -i -E '/^(Version|Depends):/s/[0-9]+-1\+/0-1+/' /tmp/tree/DEBIAN/control; "
            f"[ ! -e {stdlib}/os.py ] || echo 'gone = True' >{stdlib}/was_once.py; "
            f"dpkg-deb -z1 -b /tmp/tree {old}; rm -rf /tmp/tree"
        )
        made_of.append(old)
    return made_of


@pytest.fixture
def keys() -> Iterator[dict[str, str]]:
    """An environment with a folder for GnuPG's keys.  Its path is short because those of its sockets must be."""
    home = tempfile.mkdtemp(prefix="gpg-", dir="/tmp")
    environment = {**os.environ, "GNUPGHOME": home}
    yield environment
    # The agent deletes its sockets in the folder when it ends.
    subprocess.run(["gpgconf", "--kill", "all"], env=environment, capture_output=True)
    shutil.rmtree(home, ignore_errors=True)


@pytest.mark.needs("gpg")
def test_apt_installs_from_a_signed_repository(made: Made, box: Box, keys: dict[str, str]) -> None:
    environment = keys
    key = ["gpg", "--batch", "--passphrase", "", "--quick-generate-key", "tester@example.org", "rsa2048", "sign", "1d"]
    subprocess.run(key, env=environment, check=True, capture_output=True)
    exported = subprocess.run(
        ["gpg", "--export", "tester@example.org"], env=environment, check=True, capture_output=True
    )
    (box.folder / "key.gpg").write_bytes(exported.stdout)
    box.folder.chmod(0o755)  # apt reads it as an unprivileged user
    command = [sys.executable, "-m", "pythonbuild", "release", "--apt", str(box.folder / "apt")]
    command += map(str, made.packages)

    def release(key: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "--sign", key], cwd=checkout(), env=environment, capture_output=True, text=True
        )

    refused = release("nobody")
    assert refused.returncode == 2
    assert "gpg does not have the secret key nobody" in refused.stderr
    assert not (box.folder / "apt").exists()
    done = release("tester@example.org")
    assert done.returncode == 0, done.stderr
    line = done.stdout.strip()
    assert line.endswith(f"{made.release} main")
    line = line.replace("/path/to/your/public/key", "/given/key.gpg").replace(str(box.folder), "/given")
    box.install("ca-certificates")
    box.run(f"echo '{line}' >/etc/apt/sources.list.d/ours.list; apt-get update -qq")
    box.install(*(read_control(package)["Package"] for package in made.packages))
    box.run(f"{made.prefix}/bin/{made.interpreters[-1]} -c 'import ssl'")
    # apt refuses an index that was changed after signing.
    index = box.folder / "apt" / "dists" / made.release / "InRelease"
    index.write_text(index.read_text().replace("Label: pythonbuild", "Label: somebody"))
    (index.parent / "Release.gpg").unlink()
    said = box.run("apt-get update 2>&1", check=False)
    assert "BADSIG" in said or "manipulated" in said, said  # as gpgv or Sequoia words it


@pytest.mark.needs("gpg")
@pytest.mark.needs("debsign")
def test_a_build_is_signed(made: Made, tmp_path: Path, keys: dict[str, str]) -> None:
    environment = keys
    key = ["gpg", "--batch", "--passphrase", "", "--quick-generate-key", "tester@example.org", "rsa2048", "sign", "1d"]
    subprocess.run(key, env=environment, check=True, capture_output=True)
    command = [sys.executable, str(checkout() / "build-linux.py"), "--format", "deb", "--engine", "docker", *made.flags]
    command += ["--maintainer", MAINTAINER, "--output", str(tmp_path / "dist")]
    done = subprocess.run([*command, "--sign", "tester@example.org"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    for kind in ("dsc", "changes", "buildinfo"):
        (path,) = (tmp_path / "dist").glob(f"*.{kind}")
        subprocess.run(["gpg", "--verify", str(path)], env=environment, check=True, capture_output=True)
    done = subprocess.run([*command, "--sign", "nobody"], env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "gpg does not have the secret key nobody" in done.stderr
    assert "Traceback" not in done.stderr
