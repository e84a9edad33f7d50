"""`build-macos.py` on a stand-in for a Mac: this machine claims to be one, and has programs with the names of Apple's.

The compiler behind them is this machine's own.  These tests show the output for users and the calls of Apple's programs, not the
behaviour of those programs.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pythonbuild.catalog.load import load_catalog
from pythonbuild.home import checkout
from pythonbuild.host.doctor import HOST_TOOLS
from tests.build.conftest import MANY_JOBS, Small, _end_all, _fill, copy_bytecode, interrupt, most_at_once, processes_of

_SETTINGS = '{{"CanonicalName": "{name}", "Version": "{version}"}}\n'
# It knows two questions, as xcrun of the command line tools answers them.
_XCRUN = """#!/bin/sh
case $* in
"--find clang") echo "{mac}/toolchain/clang" ;;
"--sdk macosx --show-sdk-path") echo "{mac}/MacOSX.sdk" ;;
*) echo "xcrun: error: unable to find utility" >&2; exit 72 ;;
esac
"""
# What Apple's compiler is told of the target means nothing to this machine's.
_CLANG = """#!/bin/sh
[ "$1" != --version ] || {{ echo "Apple clang version 17.0.0 (clang-1700.0.13.5)"; echo "Target: stand-in"; exit; }}
echo "$@" >>"{mac}/called"
for word; do
    shift
    case $word in --target=*) ;; -isysroot) skip=yes ;; *) [ -n "${{skip-}}" ] || set -- "$@" "$word"; skip= ;; esac
done
PATH=$(dirname {cc}) exec {cc} "$@"
"""


@dataclass
class StandIn(Small):
    """A small checkout that believes to be on a Mac, whose system is `mac`."""

    mac: Path = Path()

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.root / "build-macos.py"), *arguments]

    def sdk(self, name: str, version: str, folder: str) -> Path:
        path = self.mac / folder
        path.mkdir(exist_ok=True)
        (path / "SDKSettings.json").write_text(_SETTINGS.format(name=name, version=version))
        return path

    def programs(self) -> None:
        system, toolchain = self.mac / "bin", self.mac / "toolchain"
        system.mkdir()
        toolchain.mkdir()
        for name in HOST_TOOLS:
            place = shutil.which(name)
            if place and name not in ("nproc",):
                (system / name).symlink_to(place)
        for name in load_catalog(checkout() / "cpython-unix").toolchain("xcode").host_programs:
            (toolchain / name).symlink_to(shutil.which(name) or "/bin/true")
        (toolchain / "clang").unlink()
        self.program(toolchain / "clang", _CLANG.format(mac=self.mac, cc=shutil.which("gcc")))
        self.program(system / "xcrun", _XCRUN.format(mac=self.mac))

    def program(self, path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def become_a_mac(self) -> None:
        """Let the checkout's copy of the program believe what it would find out on a Mac."""
        package = self.root / "pythonbuild/__init__.py"
        said = 'import platform\nplatform.system, platform.machine = lambda: "Darwin", lambda: "arm64"\n'
        package.write_text(package.read_text() + said)
        doctor = self.root / "pythonbuild/host/doctor.py"
        before = doctor.read_text()
        after = before.replace('"/usr/bin:/bin:/usr/sbin:/sbin"', repr(str(self.mac / "bin")))
        assert after != before
        doctor.write_text(after)


@pytest.fixture
def mac(prepared: Path, tmp_path: Path) -> Iterator[StandIn]:
    """A small checkout on a stand-in for a Mac, with an empty store."""
    made = StandIn(tmp_path / "checkout", tmp_path / "cache", "", {}, tmp_path / "mac with a space")
    for folder in (made.root, made.cache, made.mac):
        folder.mkdir()
    _fill(made)
    shutil.copy(checkout() / "build-macos.py", made.root)
    (made.cache / "venv").symlink_to(prepared / "venv")
    copy_bytecode(prepared, made.cache, made.root)
    made.programs()
    made.sdk("macosx15.4", "15.4", "MacOSX.sdk")
    host = made.recipe("host-python", script="#!/bin/sh\nmkdir -p $OUT/tools\n")
    (host / "recipe.yml").write_text("name: host-python\nkind: tool\nreads: [python]\n")
    for name in ("bottom", "middle", "top", "side"):
        script = made.root / "cpython-unix/packages" / name / "build.sh.j2"
        script.write_text(script.read_text().replace("gcc ", "cc "))
    made.become_a_mac()
    yield made
    _end_all(made)


def test_all_is_built_by_apples_programs_as_they_are_found(mac: StandIn) -> None:
    done = mac.run("--only", "top")
    assert done.returncode == 0, done.stderr
    assert mac.built(done) == ["bottom", "middle", "top"]
    assert "Apple clang version 17.0.0 (clang-1700.0.13.5), SDKs macosx15.4 15.4 and macosx15.4 15.4" in done.stderr
    called = (mac.mac / "called").read_text().splitlines()
    assert len(called) == 3
    for line in called:
        assert line.startswith(f"--target=arm64-apple-macos11.0 -isysroot {mac.mac}/MacOSX.sdk ")
    assert (mac.artifact("top") / "lib/libtop.a").exists()


def test_the_other_cpu_is_built_for_by_the_same_programs(mac: StandIn) -> None:
    done = mac.run("--target-triple", "x86_64-apple-darwin", "--only", "bottom")
    assert done.returncode == 0, done.stderr
    assert "--target=x86_64-apple-macos10.15 " in (mac.mac / "called").read_text()


def test_the_plan_names_apples_tools(mac: StandIn) -> None:
    done = mac.run("--plan")
    assert done.returncode == 0, done.stderr
    assert "toolchain" not in done.stdout
    assert "apple-sdk" not in done.stdout
    explained = mac.verb("explain", "bottom", "--target-triple", "aarch64-apple-darwin").stdout
    assert "@XCODE@/clang --target=arm64-apple-macos11.0 -isysroot @SYSROOT@ " in explained
    assert not (mac.mac / "called").exists()


def test_without_the_command_line_tools_one_error_is_printed(mac: StandIn) -> None:
    mac.program(mac.mac / "bin/xcrun", "#!/bin/sh\necho 'xcrun: error: invalid active developer path' >&2\nexit 1\n")
    for arguments in ([], ["--plan"], ["--only", "top"]):
        done = mac.run(*arguments)
        assert done.returncode == 3
        assert (
            "Apple's command line tools are not on this Mac: xcrun: error: invalid active developer path" in done.stderr
        )
        assert "xcode-select --install" in done.stderr
        assert "Traceback" not in done.stderr
    done = mac.verb("doctor")
    assert done.returncode == 3
    assert "xcode-select --install" in done.stdout
    assert not (mac.cache / "store").exists()


def no_llvm_profdata(mac: StandIn) -> str:
    (mac.mac / "toolchain/llvm-profdata").unlink()
    return "toolchain has no llvm-profdata"


def an_sdk_of_telephones(mac: StandIn) -> str:
    path = mac.sdk("iphoneos18.4", "18.4", "iPhoneOS.sdk")
    mac.environment["APPLE_SDK_PATH"] = str(path)
    return f"APPLE_SDK_PATH={path} is not for macOS, but iphoneos18.4"


def no_sdk(mac: StandIn) -> str:
    mac.environment["APPLE_HOST_SDK_PATH"] = "/nowhere"
    return "APPLE_HOST_SDK_PATH=/nowhere is not an SDK"


def an_old_sdk(mac: StandIn) -> str:
    mac.sdk("macosx10.15", "10.15", "MacOSX.sdk")
    return "the SDK of macOS 10.15, but Pythons for aarch64-apple-darwin require 11.0 or newer"


def no_make(mac: StandIn) -> str:
    (mac.mac / "bin/make").unlink()
    return f"programs not found in {mac.mac}/bin: make"


@pytest.mark.parametrize("break_it", [no_llvm_profdata, an_sdk_of_telephones, no_sdk, an_old_sdk, no_make])
def test_missing_tools_are_reported_before_the_build(mac: StandIn, break_it: Callable[[StandIn], str]) -> None:
    wanted = break_it(mac)
    done = mac.run("--only", "top")
    assert done.returncode == 3
    assert wanted in done.stderr
    assert "xcode-select --install" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (mac.mac / "called").exists()


def test_all_missing_tools_are_reported_at_once(mac: StandIn) -> None:
    wanted = [no_llvm_profdata(mac), an_sdk_of_telephones(mac), no_sdk(mac)]
    said = mac.run("--only", "top").stderr
    assert [text for text in wanted if text not in said] == []


def test_another_sdk_changes_the_keys(mac: StandIn) -> None:
    assert mac.run("--only", "bottom").returncode == 0
    path = mac.sdk("macosx14.5", "14.5", "Older.sdk")
    mac.environment["APPLE_SDK_PATH"] = str(path)
    done = mac.run("--only", "bottom")
    assert mac.built(done) == ["bottom"]
    assert f"-isysroot {path} " in (mac.mac / "called").read_text()
    explained = mac.verb("explain", "bottom", "--target-triple", "aarch64-apple-darwin")
    assert "macosx14.5" in explained.stdout


def test_a_step_that_fails_is_shown_kept_and_retried_where_it_was(mac: StandIn) -> None:
    mac.recipe("middle", script="#!/bin/sh\necho 'int f(void) { return u64; }' >a.c\ncc -c a.c\n", needs="bottom")
    done = mac.run("--only", "top")
    assert done.returncode == 1
    block = done.stderr[done.stderr.index("FAILED middle") :]
    assert "'u64' undeclared" in block
    assert re.search(r"^  retry     \S.*build-macos\.py --only top$", block, re.MULTILINE)
    assert block.rstrip().endswith("skipped   top")
    mac.recipe("middle", needs="bottom", script="#!/bin/sh\nmkdir -p $OUT/deps\n")
    assert mac.built(mac.run("--only", "top")) == ["middle", "top"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing_half_written_and_the_next_run_goes_on(
    mac: StandIn, number: signal.Signals
) -> None:
    interrupt(mac, number)
    assert processes_of(mac) == []
    mac.recipe("middle", needs="bottom", script="#!/bin/sh\nmkdir -p $OUT/deps\n")
    assert mac.built(mac.run("--only", "top")) == ["middle", "top"]


def test_a_make_that_only_knows_of_descriptors_shares_the_jobs(mac: StandIn) -> None:
    """macOS has GNU make 3.81.  This machine's make understands its word for a job server, too."""
    real = shutil.which("make")
    said = 'case $1 in --version) echo "GNU Make 3.81"; exit ;; esac'
    (mac.mac / "bin/make").unlink()
    mac.program(mac.mac / "bin/make", f'#!/bin/sh\n{said}\nexec {real} "$@"\n')
    for name in ("bottom", "side"):
        mac.recipe(name, script=MANY_JOBS.replace("make all", 'echo "$MAKEFLAGS"; make all'))
    folder = mac.root / "cpython-unix/packages/top"
    (folder / "recipe.yml").write_text("name: top\nneeds: [bottom, side]\n")
    done = mac.run("--only", "top", "--jobs", "3", "--verbose")
    assert done.returncode == 0, done.stderr
    assert " -j --jobserver-fds=" in done.stderr
    assert 2 <= most_at_once(mac, "bottom", "side") <= 3


def test_a_python_that_rosetta_runs_is_trained_itself(mac: StandIn) -> None:
    asked = ("--target-triple", "x86_64-apple-darwin", "--options", "pgo", "--plan")
    # Without, the profile is that of this Mac's own Python.
    assert re.search(r"^  cpython-[0-9.]+-pgo\+lto ", mac.run(*asked).stdout, re.MULTILINE)
    mac.program(mac.mac / "bin/arch", '#!/bin/sh\n[ "$1" = -x86_64 ]\n')
    assert not re.search(r"^  cpython-[0-9.]+-pgo\+lto ", mac.run(*asked).stdout, re.MULTILINE)


def test_containers_and_packages_are_for_linux(mac: StandIn) -> None:
    done = mac.run("--engine", "docker", "--plan")
    assert done.returncode == 2
    assert "containers run Linux" in done.stderr
    done = mac.verb("build", "--format", "deb", "--distro", "debian:trixie", "--plan")
    assert done.returncode == 2
    assert "Debian packages are built on Linux" in done.stderr
    done = mac.verb("build", "--target-triple", "x86_64-unknown-linux-gnu", "--plan")
    assert done.returncode == 2
    assert "this machine is aarch64-darwin" in done.stderr


def test_an_intel_mac_has_its_own_default(mac: StandIn) -> None:
    package = mac.root / "pythonbuild/__init__.py"
    package.write_text(package.read_text().replace('"arm64"', '"x86_64"'))
    done = mac.run("--only", "bottom")
    assert done.returncode == 0, done.stderr
    assert "--target=x86_64-apple-macos10.15 " in (mac.mac / "called").read_text()
    assert os.listdir(mac.cache / "roots") == []
