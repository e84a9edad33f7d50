"""Errors as users see them.  Nothing may be lost."""

from __future__ import annotations

import hashlib
import http.server
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from pythonbuild.home import checkout
from tests.build.conftest import PATIENCE, SLOW, Small, interrupt, wait_for, wait_until


def test_a_failing_step_is_the_last_thing_on_the_screen(small: Small) -> None:
    small.recipe("middle", script="#!/bin/sh\necho 'int f(void) { return u64; }' >a.c\ngcc -c a.c\n", needs="bottom")
    done = small.run("--only", "top")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    block = done.stderr[done.stderr.index("FAILED middle") :]
    assert "first error   a.c:1:" in block
    assert "'u64' undeclared" in block
    assert "log " in block
    assert "shell middle" in block
    assert re.search(r"^  retry     \S.*build-linux\.py --engine host --only top$", block, re.MULTILINE)
    assert block.rstrip().endswith("skipped   top")


def test_finished_steps_stay_and_a_corrected_script_goes_on(small: Small) -> None:
    small.recipe("middle", script="false\n", needs="bottom")
    assert small.run("--only", "top").returncode == 1
    small.recipe("middle", needs="bottom")
    assert small.built(small.run("--only", "top")) == ["middle", "top"]


@pytest.mark.parametrize(
    ("start", "folder"),
    [
        (["./build-linux.py"], "checkout"),
        (["python3", "-m", "pythonbuild", "build"], "checkout"),
        (["../checkout/build-linux.py"], "a folder"),
    ],
    ids=["script", "verb", "elsewhere"],
)
def test_the_commands_printed_after_a_failure_work_when_pasted(
    small: Small, tmp_path: Path, start: list[str], folder: str
) -> None:
    (small.root.parent / folder).mkdir(exist_ok=True)
    small.recipe("middle", script="echo here >found\nfalse\n", needs="bottom")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(sys.executable)
    variables = {**small.variables(), "SHELL": "/bin/sh", "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}

    def paste(line: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", line],
            env=variables,
            cwd=small.root.parent / folder,
            input=typed,
            capture_output=True,
            text=True,
        )

    done = paste(shlex.join([*start, "--engine", "host", "--only", "top", "--output", "an output"]))
    lines = dict(re.findall(r"^  (enter|retry) +(.*)$", done.stderr, re.MULTILINE))
    assert paste(lines["enter"], "cat found; echo $CC; ls $DEPS/lib\n").stdout.split() == ["here", "gcc", "libbottom.a"]
    assert lines["retry"].startswith(f"{' '.join(start)} ")
    small.recipe("middle", needs="bottom")
    assert small.built(paste(lines["retry"])) == ["middle", "top"]


def test_the_retry_of_a_conversion_is_the_command_of_the_user(small: Small, tmp_path: Path) -> None:
    small.recipe("binutils", script="echo no >&2\nfalse\n")
    packages = Path("cpython-unix", "packages")
    shutil.copy(checkout() / packages / "common.sh", small.root / packages)
    for recipe in ("host-python", "pkgconf", "sysroot", "zlib-ng"):
        shutil.copytree(checkout() / packages / recipe, small.root / packages / recipe)
    name = "cpython-3.13.15-x86_64-unknown-linux-musl-noopt-20261121T0930.tar.zst"
    library = tmp_path / "python" / "install" / "lib" / "os.py"
    library.parent.mkdir(parents=True)
    library.touch()
    with zstandard.open(tmp_path / name, "wb") as file, tarfile.open(fileobj=file, mode="w|") as tar:
        tar.add(tmp_path / "python", "python")
    words = ("convert", str(tmp_path / name), "--formats", "install_only_stripped", "--output", str(tmp_path / "out"))
    done = small.verb(*words)
    assert done.returncode == 1
    commands = dict(re.findall(r"^  (enter|retry) +(.*)$", done.stderr, re.MULTILINE))
    assert shlex.split(commands["retry"])[-len(words) :] == [*words]
    assert shlex.split(commands["enter"])[-5:] == [
        "binutils",
        "--target",
        "x86_64-unknown-linux-musl",
        "--engine",
        "host",
    ]
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("script", ["true\ntest -e /nowhere\n", "echo started\ntest -e /nowhere\n"])
def test_a_script_that_fails_without_a_word_is_traced_in_its_root(small: Small, script: str) -> None:
    small.recipe("bottom", script=script)
    small.environment["SHELL"] = "/bin/sh"
    done = small.run("--only", "bottom")
    trace = re.search("^  trace .*`(.*)`", done.stderr, re.MULTILINE)
    assert trace, done.stderr
    command = [sys.executable, "-m", "pythonbuild", "shell", "bottom", "--engine", "host"]
    typed = f"{trace[1]} 2>trace\ncat trace\n"
    shown = subprocess.run(
        command, env=small.variables(), cwd=small.root, input=typed, capture_output=True, text=True
    ).stdout
    assert shown.splitlines()[-1] == "+ test -e /nowhere"


def test_keep_going_builds_steps_that_do_not_depend_on_the_failed_one(small: Small) -> None:
    small.recipe("bottom", script="sleep 0.3\nfalse\n")
    small.recipe("side", script="sleep 1\nmkdir -p $OUT/deps\n")
    (small.root / "cpython-unix/packages/top/recipe.yml").write_text("name: top\nneeds: [middle, other]\n")
    small.recipe("other", needs="side")
    done = small.run("--only", "top", "--keep-going")
    assert done.returncode == 1
    assert small.built(done) == ["side", "other"]
    done = small.run("--only", "top")
    assert "skipped  middle, because of bottom" in done.stderr


def test_a_wrong_hash_is_reported_kept_aside_and_the_next_origin_tried(small: Small, server: Any) -> None:
    good, bad = b"good", b"tampered"
    server.files["/bad.tar"] = bad
    server.files["/good.tar"] = _tar(small, good)
    wanted = hashlib.sha256(server.files["/good.tar"]).hexdigest()
    folder = small.recipe("bottom", script='mkdir -p "$OUT/deps"\ncp "$SRC/file" "$OUT/deps"\n')
    origins = "".join(
        f"      - {{url: '{server.url}/{name}.tar', sha256: '{wanted}', size: 1}}\n" for name in ("bad", "good")
    )
    (folder / "recipe.yml").write_text(f"name: bottom\nsources:\n  - origins:\n{origins}")
    done = small.run("--only", "bottom")
    assert done.returncode == 0, done.stderr
    assert f"expected {wanted}, got {hashlib.sha256(bad).hexdigest()}" in done.stderr
    assert f"{server.url}/bad.tar" in done.stderr
    (kept,) = (small.cache / "sources" / "rejected").iterdir()
    assert kept.read_bytes() == bad
    assert (small.artifact("bottom") / "file").read_bytes() == good


def test_a_broken_download_is_resumed(small: Small, server: Any) -> None:
    content = _tar(small, os.urandom(300_000))
    server.files["/a.tar"] = content
    server.cut_after = 1 << 17
    folder = small.recipe("bottom", script='mkdir -p "$OUT/deps"\n')
    wanted = hashlib.sha256(content).hexdigest()
    (folder / "recipe.yml").write_text(
        f"name: bottom\nsources:\n  - origins:\n      - {{url: '{server.url}/a.tar', sha256: '{wanted}', size: {len(content)}}}\n"
    )
    done = small.run("--only", "bottom")
    assert done.returncode == 0, done.stderr
    assert server.ranges[0] is None
    assert server.ranges[1] == "bytes=131072-"


def test_without_a_network_all_missing_archives_are_named(small: Small) -> None:
    for name in ("bottom", "side"):
        folder = small.recipe(name)
        (folder / "recipe.yml").write_text(
            f"name: {name}\nsources:\n  - origins:\n      - {{url: 'http://127.0.0.1:9/{name}.tar', sha256: '{name[0] * 64}', size: 1}}\n"
        )
    small.recipe("middle", needs="bottom, side")
    done = small.run("--only", "middle")
    assert done.returncode == 3
    assert "bottom: http://127.0.0.1:9/bottom.tar: 127.0.0.1:9 cannot be reached (connection refused)" in done.stderr
    assert "side: http://127.0.0.1:9/side.tar" in done.stderr
    done = small.run("--only", "middle", "--offline")
    assert done.returncode == 3
    assert "--offline forbids" in done.stderr


def test_fetch_then_offline(small: Small, server: Any) -> None:
    server.files["/a.tar"] = _tar(small, b"a")
    wanted = hashlib.sha256(server.files["/a.tar"]).hexdigest()
    for name in ("bottom", "cpython"):
        recipe = small.root / "cpython-unix/packages" / name / "recipe.yml"
        recipe.write_text(recipe.read_text() + "sources: []\n" if name == "cpython" else "name: bottom\n")
    recipe = small.root / "cpython-unix/packages/bottom/recipe.yml"
    recipe.write_text(
        f"name: bottom\nsources:\n  - origins:\n      - {{url: '{server.url}/a.tar', sha256: '{wanted}', size: 1}}\n"
    )
    pythons = small.root / "cpython-unix/pythons.yml"
    origin = f"{{url: '{server.url}/a.tar', sha256: '{wanted}', size: 1}}"
    pythons.write_text(
        "default: cpython-3.13\nseries:\n  '3.13': {tcl: '9.0', tcl_windows: '8.6.14'}\nreleases:\n"
        f"  - version: '3.13.15'\n    origins: [{origin}]\n"
    )
    assert small.verb("fetch").returncode == 0
    server.files.clear()
    done = small.run("--only", "bottom", "--offline")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_children_and_leaves_nothing_half_written(small: Small, number: signal.Signals) -> None:
    assert "interrupted" in interrupt(small, number)
    wait_until(lambda: not _processes(small), "no process of the build is left")
    small.recipe("middle", needs="bottom")
    assert small.built(small.run("--only", "top")) == ["middle", "top"]


def test_a_killed_build_goes_on_where_it_was(small: Small, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    slow = SLOW.format(marker=marker).replace("sleep 600", f"[ -e {tmp_path / 'go'} ] || sleep 600")
    small.recipe("middle", script=slow, needs="bottom")
    build = small.start("--only", "top")
    wait_for(marker)
    build.kill()
    build.communicate()
    (tmp_path / "go").touch()
    done = small.run("--only", "top")
    assert done.returncode == 0, done.stderr
    assert small.built(done) == ["middle", "top"]
    assert (small.artifact("middle") / "lib" / "half").read_text() == "whole\n"
    wait_until(lambda: not _processes(small), "no process of the build is left")


def test_two_builds_at_once_build_each_step_once(small: Small, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    for name, needs in (("bottom", ""), ("middle", "bottom"), ("side", "")):
        small.recipe(name, script=f'echo {name} >>{counter}\nsleep 0.5\nmkdir -p "$OUT/deps"\n', needs=needs)
    builds = [small.start("--only", "top"), small.start("--only", "top")]
    for build in builds:
        _, said = build.communicate(timeout=PATIENCE)
        assert build.returncode == 0, said
    assert sorted(counter.read_text().split()) == ["bottom", "middle"]


@pytest.mark.parametrize("deed", ["change", "change quietly", "delete"])
def test_a_damaged_artifact_is_noticed_and_built_again(small: Small, deed: str) -> None:
    small.run("--only", "middle")
    file = small.artifact("bottom") / "lib" / "libbottom.a"
    whole = file.read_bytes()
    file.parent.chmod(0o755)
    status = file.stat()
    file.chmod(0o644)
    if deed == "delete":
        file.unlink()
    else:
        file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        if deed == "change quietly":
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    done = small.run("--only", "top")
    assert done.returncode == 0, done.stderr
    if deed != "change quietly":
        assert small.built(done) in (["bottom", "top"], ["top"])
    small.recipe(
        "middle",
        script='cp "$DEPS/lib/libbottom.a" .\nmkdir -p "$OUT/deps"; cp libbottom.a "$OUT/deps"\n',
        needs="bottom",
    )
    done = small.run("--only", "middle")
    assert done.returncode == 0, done.stderr
    assert (small.artifact("middle") / "libbottom.a").read_bytes() == whole


def test_nothing_of_the_host_leaks_in(small: Small, tmp_path: Path) -> None:
    """A bad header, a bad pkg-config file, bad flags and a bad compiler on PATH don't matter."""
    bad = tmp_path / "bad"
    (bad / "include").mkdir(parents=True)
    (bad / "bin").mkdir()
    (bad / "include" / "zlib.h").write_text("#error a header of the host was found\n")
    (bad / "ffi.pc").write_text("Name: ffi\nVersion: 99\nDescription: of the host\nLibs: -lbad\n")
    for name in ("gcc", "cc", "pkg-config", "tclsh"):
        (bad / "bin" / name).write_text("#!/bin/sh\necho a program of the host ran >&2\nexit 1\n")
        (bad / "bin" / name).chmod(0o755)
    flags = {
        "CFLAGS": "-this-is-no-flag",
        "CPPFLAGS": f"-I{bad}/include",
        "CPATH": f"{bad}/include",
        "C_INCLUDE_PATH": f"{bad}/include",
        "LDFLAGS": "-lbad",
        "LD_LIBRARY_PATH": str(bad),
        "PKG_CONFIG_PATH": str(bad),
        "MAKEFLAGS": "--no-such-flag",
        "PATH": f"{bad}/bin:{os.environ['PATH']}",
    }
    small.environment.update(flags)
    small.recipe(
        "bottom",
        script="""#!/bin/sh
echo '#include <stdio.h>
int main(void) { return printf("%d", 1) != 1; }' >a.c
gcc $CFLAGS a.c -o a
if echo '#include <zlib.h>' | gcc -E -x c - >/dev/null 2>&1; then echo 'error: zlib.h was found'; exit 1; fi
if command -v pkg-config || command -v tclsh; then echo 'error: a program of the host was found'; exit 1; fi
if [ -n "${PKG_CONFIG_PATH:-}${CPATH:-}${LD_LIBRARY_PATH:-}" ]; then echo 'error: a variable of the host was found'; exit 1; fi
mkdir -p "$OUT/deps"
""",
    )
    done = small.run("--only", "bottom")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--target", "x86_64-unknown-linux-gnuu"], "did you mean x86_64-unknown-linux-gnu"),
        (["--options", "nopt"], "did you mean noopt"),
        (["--options", "pgo,lto"], "'pgo,lto' is not a set of options\n  join them with +: pgo+lto"),
        (["--python", "python3.13"], "unknown Python 'python3.13'\n  did you mean cpython-3.13?"),
        (["--options", "debug+pgo"], "contradict"),
        (["--python", "cpython-3.13.99"], "cpython-3.13.15"),
        (["--python", "cpython-3.11", "--options", "freethreaded"], "3.13 or newer"),
        (["--only", "botom"], "did you mean bottom"),
        (["--explain", "midle"], "did you mean middle"),
        (["--explain", "middle", "--only", "bottom"], "--explain and --only cannot be combined"),
        (["--python", "cpython-3.133"], "did you mean cpython-3.13"),
        (["--jobs", "0"], "'0' is not a number of jobs"),
        (["--jobs", "100000"], "'100000' is not a number of jobs, 1 to 1000"),
        (["--cpus", "-1"], "'-1' is not a number of processors"),
        (["--only", ""], "--only has an empty value"),
        (["--explain="], "--explain has an empty value"),
        (["--python-source", ""], "--python-source has an empty value"),
        (["--pgo-profile", ""], "--pgo-profile has an empty value"),
        (["--option", "lto"], "unknown flag or argument: --option lto\n  did you mean --options?"),
        (["--python-source", "/nowhere"], "/nowhere does not exist"),
        (["--toolchain", "gc"], "did you mean gcc"),
        (["--options", "lto", "--toolchain", "gcc"], "does not support lto"),
        (["--distro", "debian:trixie"], "--distro is for Debian packages"),
        (["--fast"], "--fast is for Debian packages"),
        (["--format", "deb,full", "--distro", "debian:trixie"], "one command cannot make both deb and full"),
        (["--format", "deb", "--distro", "debian:trixie", "--options", "lto"], "--options is for archives"),
        (
            ["--format", "deb", "--distro", "debian:trixie", "--toolchain", "gcc"],
            "--toolchain is for archives and images",
        ),
        (["--format", "deb", "--distro", "debian:trixie", "--sccache"], "--sccache has no effect on Debian packages"),
        (["--no-freethreaded"], "--no-freethreaded is for Debian packages"),
        (["--cpus", "2"], "--cpus is for containers, and engine host uses none\n  drop it, or use --engine docker"),
        (["--memory", "4G"], "--memory is for containers"),
        (["--base-image", "debian:13"], "--base-image is for containers"),
        (["--serial", "--jobs", "300"], "--serial and --jobs cannot be combined\n  drop one of them"),
        (["--python-source", ".", "--python", "cpython-3.13"], "--python-source and --python cannot be combined"),
        (["--vs", "2022"], "--vs is for builds on Windows, and no target is for Windows"),
        (["--format", "deb", "--distro", "debian:trixie", "--sh", "/bin/sh"], "and no target is for Windows"),
    ],
)
def test_a_bad_request_is_one_message_and_status_2(small: Small, arguments: list[str], wanted: str) -> None:
    done = small.run(*arguments)
    assert done.returncode == 2
    assert wanted in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (
            ["test", "archive", "--junit", "file"],
            "--junit applies to CPython's own test suite\n  add --stdlib, or drop it",
        ),
        (["test", "archive", "--regrtest", "test_ssl"], "--regrtest applies to CPython's own test suite"),
        (["validate", "--list-rules", "archive"], "--list-rules and ARCHIVE cannot be combined"),
        (["build-all", "--from", "rows", "--target", "x"], "--from and --target cannot be combined"),
        (["build-all", "--plan"], "build-all needs a list of builds\n  add --from FILE"),
        (
            ["plan", "--options", "noopt", "--options", "debug", "--only", "cpython"],
            "'cpython' fits several steps\n  give",
        ),
        (["-v", "doctor"], "the verb doctor must come before its flags\n  run "),
        (["convert", "x.tar.zst", "--formats", "deb"], "convert cannot make deb\n  choose from install_only"),
        (["build-all", "--from", "rows", "--format", "deb"], "--from is for archives and images"),
        (["features", "--toolchain", "gcc"], "unknown flag or argument: --toolchain gcc"),
    ],
)
def test_a_flag_that_would_be_ignored_is_refused(small: Small, words: list[str], wanted: str) -> None:
    (small.root / "rows").write_text("x86_64-unknown-linux-gnu cpython-3.13 noopt\n")
    done = small.verb(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert wanted in done.stderr


def test_a_full_disk_is_reported_plainly(small: Small, tmp_path: Path) -> None:
    """A file system of its own, too small for what the step writes (needs root to mount it)."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    small.recipe("bottom", script='mkdir -p "$OUT/deps"\nhead -c 40000000 /dev/zero >"$OUT/deps/big"\n')
    tiny = small.cache / "roots"
    tiny.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(tiny)], capture_output=True)
    if mounted.returncode:
        pytest.skip("this container does not allow mounting")
    try:
        done = small.run("--only", "bottom")
    finally:
        subprocess.run(["umount", str(tiny)], check=True)
    assert done.returncode == 1
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_programs_are_reported_all_at_once(small: Small, tmp_path: Path) -> None:
    """PATH without make and perl, an output folder that can't be made."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for folder in ("/bin", "/usr/bin"):
        for path in Path(folder).iterdir():
            if path.name not in ("make", "perl") and not (programs / path.name).exists():
                (programs / path.name).symlink_to(path)
    small.environment["PATH"] = str(programs)
    done = small.run("--only", "bottom", "--output", "/proc/nowhere/dist")
    assert done.returncode == 3
    assert "make, perl" in done.stderr
    assert "apt-get install make perl" in done.stderr
    assert "/proc/nowhere/dist" in done.stderr
    done = small.verb("doctor", "--output", "/proc/nowhere/dist")
    assert done.returncode == 3
    assert "2 problems" in done.stdout
    assert "other CPUs and musl: not ready\n- it needs the programs that builds on this machine need" in done.stdout


def test_doctor_lists_the_problems_of_each_kind_of_build(small: Small, tmp_path: Path) -> None:
    done = small.verb("doctor")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("builds on this machine: ready\n")
    assert "other CPUs and musl: ready\n" in done.stdout
    assert re.search("^Debian packages on this machine: (ready|not ready\n- this machine )", done.stdout, re.MULTILINE)
    assert "containers, and Debian packages in them: not ready\n- no container daemon answers" in done.stdout


def test_a_broken_recipe_names_file_and_place(small: Small) -> None:
    recipe = small.root / "cpython-unix/packages/bottom/recipe.yml"
    recipe.write_text("name: bottom\nneedz: [zlib]\n")
    done = small.run("--plan")
    assert done.returncode == 2
    assert "packages/bottom/recipe.yml" in done.stderr
    assert "needz" in done.stderr


def _processes(small: Small) -> list[str]:
    """Return the processes that belong to a build root of this cache."""
    mark = f"\0ROOT={small.cache}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in b"\0" + (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found


def _tar(small: Small, content: bytes) -> bytes:
    folder = small.root.parent / "tar" / "top"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "file").write_bytes(content)
    subprocess.run(["tar", "-cf", "out.tar", "top"], cwd=folder.parent, check=True)
    return (folder.parent / "out.tar").read_bytes()


@pytest.fixture
def server() -> Iterator[Any]:
    """A web server on the loopback interface: `files` by path; `cut_after` bytes the first answer breaks off."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = made.files.get(self.path)
            asked = self.headers.get("Range")
            made.ranges.append(asked)
            if found is None:
                self.send_error(404)
                return
            start = int(asked.split("=")[1].rstrip("-")) if asked else 0
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(found) - start))
            self.end_headers()
            cut, made.cut_after = made.cut_after, 0
            self.wfile.write(found[start : cut or None])

        def log_message(self, *_: object) -> None:
            pass

    class Made(http.server.ThreadingHTTPServer):
        files: dict[str, bytes]
        ranges: list[str | None]
        cut_after = 0
        url = ""

    made = Made(("127.0.0.1", 0), Handler)
    made.files, made.ranges = {}, []
    made.url = f"http://127.0.0.1:{made.server_address[1]}"
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.mark.parametrize("script", ["build-linux.py", "tests/run.py"])
def test_an_unknown_home_folder_is_one_error_of_two_lines(script: str) -> None:
    environment = {**os.environ, "PYTHONBUILD_HOME": "~nobody-of-that-name/cache"}
    command = [sys.executable, str(checkout() / script), *(["lint"] if script == "tests/run.py" else ["--plan"])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"{script}: ~nobody-of-that-name/cache: the home folder")
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("words", [["list"], ["build", "--plan", "--engine", "host"]], ids=lambda words: words[0])
def test_an_output_that_takes_nothing_is_one_error_or_none(small: Small, words: list[str]) -> None:
    def shell(where: str) -> subprocess.CompletedProcess[str]:
        line = shlex.join([sys.executable, "-m", "pythonbuild", *words])
        return subprocess.run(
            ["sh", "-c", f"{line} {where}"], env=small.variables(), cwd=small.root, capture_output=True, text=True
        )

    full = shell(">/dev/full")
    assert full.returncode == 3
    assert full.stderr.count("\n") == 2
    assert "No space left on device" in full.stderr
    assert (shell(">&-").returncode, shell(">&-").stderr) == (0, "")
