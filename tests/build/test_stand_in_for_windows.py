"""`build-windows.py` on a stand-in for Windows: this machine claims to run it, and has programs with the names of Visual Studio's.

The compiler behind them is this machine's own.  These tests show the output for users and the calls of these programs, not the
behaviour of Windows, Visual C++ or MSBuild.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest
import zstandard

from pythonbuild.home import checkout
from pythonbuild.host.msvc import _SHELL_PROGRAMS
from tests.build.conftest import Small, _end_all, _fill, copy_bytecode, interrupt, processes_of

_RECIPE = """#!/bin/sh
mkdir -p "$OUT/deps/lib"
echo "int {name}(void) {{ return 1; }}" >{name}.c
cl -nologo -c {name}.c
lib -nologo "-out:$OUT/deps/lib/{name}.lib" {name}.obj
"""
# It calls vcvarsall.bat of the file that it is given, and prints what that would have set.
_CMD = """#!/bin/sh
sed -n 's/^@call //p' "$3" | tr -d '\\r' >>"{root}/called"
[ ! -e "{root}/broken" ] || {{ echo "[ERROR:vcvarsall.bat] no such SDK" >&2; exit 1; }}
cat "{root}/variables"
"""
_CL = """#!/bin/sh
echo "cl $*" >>"{root}/called"
for file; do :; done
PATH=/usr/bin:/bin exec gcc -c "$file" -o "${{file%.c}}.obj"
"""
_LIB = """#!/bin/sh
PATH=/usr/bin:/bin exec ar rcs "${2#-out:}" "$3"
"""


# What the recipe of CPython would leave; its interpreter is the one that runs this test.
_CPYTHON = """#!/bin/sh
cd "$OUT"
mkdir -p install/DLLs install/tcl/tcl8.6 build/core build/extensions/_ssl build/lib
printf '#!/bin/sh\\nexec %s "$@"\\n' "$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')" >install/python.exe
chmod +x install/python.exe
touch install/python313.dll install/python3.dll install/DLLs/_ssl.pyd install/DLLs/libssl-3-x64.dll build/run_tests.py
touch install/tcl/tcl8.6/init.tcl build/core/ceval.obj build/core/config.obj build/core/config.c build/extensions/_ssl/_ssl.obj
touch build/lib/libssl.lib
cat >build/projects.json <<END
{"builtins": {"zlib": "PyInit_zlib", "sys": null},
 "core": {"links": ["ws2_32"], "recipes": ["top"]},
 "extensions": {"_ssl": {"links": ["crypt32", "libssl"], "recipes": ["side"]}}}
END
"""


@dataclass
class StandIn(Small):
    """A small checkout that believes to be on Windows, whose drive is `drive`."""

    drive: Path = Path()

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.root / "build-windows.py"), *arguments]

    def recipe(self, name: str, script: str | None = None, needs: str = "") -> Path:
        folder = self.root / "cpython-windows/packages" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "recipe.yml").write_text(f"name: {name}\nversion: '1'\nneeds: [{needs}]\n")
        (folder / "build.sh.j2").write_text(_RECIPE.format(name=name) if script is None else script)
        return folder

    def program(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    @property
    def studio(self) -> Path:
        return self.drive / "Program Files/Microsoft Visual Studio/2022/BuildTools"

    @property
    def called(self) -> list[str]:
        file = self.drive / "called"
        return file.read_text().splitlines() if file.exists() else []

    def studios(self, *years: str) -> None:
        """Let vswhere know Visual Studios of these years, the newest first."""
        said = [
            {
                "installationPath": str(self.studio),
                "installationVersion": "17.14.36",
                "displayName": f"Visual Studio Build Tools {year}",
                "catalog": {"productLineVersion": year},
            }
            for year in years
        ]
        place = self.drive / "Program Files (x86)/Microsoft Visual Studio/Installer/vswhere.exe"
        self.program(place, f"#!/bin/sh\ncat <<'END'\n\ufeff{json.dumps(said)}\nEND\n")

    def sdk(self, version: str) -> None:
        """Write what a command prompt sets, with that SDK."""
        kit = self.drive / "Program Files (x86)/Windows Kits/10"
        path = [self.studio / "VC/bin", kit / "bin", self.drive / "Windows/System32", "/home/ada/own"]
        values = {
            "PATH": os.pathsep.join(map(str, path)),
            "INCLUDE": f"{self.studio}/VC/include",
            "SystemRoot": f"{self.drive}/Windows",
            "VCToolsVersion": "14.44.35207",
            "VSINSTALLDIR": f"{self.studio}/",
            "WindowsSdkDir": f"{kit}/",
            "WindowsSDKVersion": f"{version}\\",
            "SECRET": "of the user",
        }
        (self.drive / "variables").write_text("".join(f"{name}={value}\n" for name, value in values.items()))

    def install(self) -> None:
        """Put in place what an installer of Visual Studio and one of Git would have."""
        self.studios("2022", "2019")
        self.sdk("10.0.26100.0")
        self.program(self.drive / "bin/cmd", _CMD.format(root=self.drive))
        self.program(self.drive / "bin/taskkill", "#!/bin/sh\nkill -KILL -$4\n")
        for name in ("link", "msbuild", "nmake", "ml64", "ml", "armasm64"):
            self.program(self.studio / "VC/bin" / name, "#!/bin/sh\nexit 1\n")
        self.program(self.studio / "VC/bin/cl", _CL.format(root=self.drive))
        self.program(self.studio / "VC/bin/lib", _LIB)
        self.program(self.drive / "Program Files (x86)/Windows Kits/10/bin/rc", "#!/bin/sh\nexit 1\n")
        git = self.drive / "Program Files/Git/usr/bin"
        git.mkdir(parents=True)
        (git / "sh.exe").symlink_to("/bin/sh")
        for name in (*_SHELL_PROGRAMS, "cat", "chmod", "sleep", "touch"):
            place = shutil.which(name)
            assert place, name
            (git / name).symlink_to(place)

    def become_windows(self) -> None:
        """Let the checkout's copy of the program believe what it would find out on Windows."""
        package = self.root / "pythonbuild/__init__.py"
        said = 'import platform\nplatform.system, platform.machine = lambda: "Windows", lambda: "AMD64"\n'
        package.write_text(package.read_text() + said)


@pytest.fixture
def windows(prepared: Path, tmp_path: Path) -> Iterator[StandIn]:
    """A small checkout on a stand-in for Windows, with an empty store."""
    made = StandIn(tmp_path / "checkout", tmp_path / "cache", "", {}, tmp_path / "drive")
    for folder in (made.root, made.cache, made.drive):
        folder.mkdir()
    shutil.copytree(
        checkout() / "cpython-windows", made.root / "cpython-windows", ignore=shutil.ignore_patterns("packages")
    )
    _fill(made)
    shutil.copy(checkout() / "build-windows.py", made.root)
    (made.root / "cpython-unix/packages").mkdir()
    for name, needs in (("bottom", ""), ("middle", "bottom"), ("top", "middle"), ("side", "")):
        folder = made.recipe(name, needs=needs)
        with open(folder / "recipe.yml", "a") as recipe:
            recipe.write("licenses: [MIT]\n")
    folder = made.recipe("cpython", script=_CPYTHON)
    (folder / "recipe.yml").write_text(
        "name: cpython\nkind: python\nneeds: [top, side]\nreads: [options, python]\nlicenses: [Python-2.0]\nlicense_files: [LICENSE]\n"
    )
    (made.cache / "venv").symlink_to(prepared / "venv")
    copy_bytecode(prepared, made.cache, made.root)
    made.install()
    made.environment = {
        "PATH": f"{made.drive}/bin{os.pathsep}{os.environ['PATH']}",
        "ProgramFiles": f"{made.drive}/Program Files",
        "ProgramFiles(x86)": f"{made.drive}/Program Files (x86)",
    }
    made.become_windows()
    yield made
    _end_all(made)


def test_all_is_built_by_visual_studios_programs_as_they_are_found(windows: StandIn) -> None:
    done = windows.run("--only", "top")
    assert done.returncode == 0, done.stderr
    assert windows.built(done) == ["bottom", "middle", "top"]
    name = "Visual Studio Build Tools 2022 17.14.36, Visual C++ 14.44.35207, SDK 10.0.26100.0"
    assert f"msvc     {name}" in done.stderr
    batch = f'"{windows.studio}/VC/Auxiliary/Build/vcvarsall.bat" x64 '
    assert [line for line in windows.called if line.startswith(batch)]
    assert windows.called[-1] == "cl -nologo -c top.c"
    assert (windows.artifact("top") / "lib/top.lib").exists()


def test_archives_contain_the_output_of_cpythons_projects(windows: StandIn, prepared: Path) -> None:
    # CPython's own source, from the user's cache if it is there.
    (windows.cache / "sources").symlink_to(prepared / "sources")
    done = windows.run("--output", str(windows.cache / "dist"))
    assert done.returncode == 0, done.stderr
    made = {path.name.partition("-noopt-")[2].partition("-")[2]: path for path in (windows.cache / "dist").iterdir()}
    assert {"install_only.tar.gz", "install_only_stripped.tar.gz", "sbom.cdx.json"} < set(made)
    (full,) = (windows.cache / "dist").glob("*.tar.zst")
    with zstandard.open(full, "rb") as file, tarfile.open(fileobj=file, mode="r|") as tar:
        first = tar.extractfile(next(iter(tar)))  # it comes first, so that it can be read quickly
        assert first is not None
        content = json.loads(first.read())
    schema = json.loads((checkout() / "pythonbuild/validation/python_json.schema.json").read_text())
    jsonschema.validate(content, schema)
    assert content["python_exe"] == "install/python.exe"
    assert content["crt_features"] == ["vcruntime:140"]
    assert content["python_symbol_visibility"] == "dllexport"
    assert content["tcl_library_paths"] == ["tcl8.6"]
    info = content["build_info"]
    assert info["object_file_format"] == "coff"
    assert info["core"] == {
        "objs": ["build/core/ceval.obj"],
        "links": [{"name": "ws2_32", "system": True}],
        "shared_lib": "install/python313.dll",
    }
    (ssl,) = info["extensions"]["_ssl"]
    assert ssl["links"] == [
        {"name": "crypt32", "system": True},
        {"name": "libssl", "path_static": "build/lib/libssl.lib"},
    ]
    assert ssl["shared_lib"] == "install/DLLs/_ssl.pyd"
    assert ssl["licenses"] == ["MIT"]
    assert info["extensions"]["zlib"][0]["licenses"] == ["MIT"]
    assert info["extensions"]["sys"][0]["init_fn"] == "NULL"


def test_scripts_see_the_compiler_the_shell_and_windows_in_this_order_and_nothing_of_the_user(windows: StandIn) -> None:
    windows.recipe(
        "bottom", script='#!/bin/sh\nmkdir -p "$OUT/deps"\necho "$PATH" >"$OUT/deps/path"\nset >"$OUT/deps/set"\n'
    )
    windows.environment["SECRET"] = "of the user"
    assert windows.run("--only", "bottom").returncode == 0
    tree = windows.artifact("bottom")
    path = (tree / "path").read_text().strip().split(os.pathsep)
    assert path[1:] == [
        f"{windows.studio}/VC/bin",
        f"{windows.drive}/Program Files (x86)/Windows Kits/10/bin",
        f"{windows.drive}/Program Files/Git/usr/bin",
        f"{windows.drive}/Windows/System32",
    ]
    assert path[0].endswith("/bin")
    said = (tree / "set").read_text()
    assert f"INCLUDE='{windows.studio}/VC/include'" in said
    assert "WINDOWS_SDK='10.0.26100.0'" in said
    assert "SECRET" not in said


@pytest.mark.parametrize(("cpu", "word"), [("i686", "x64_x86"), ("aarch64", "x64_arm64")])
def test_other_cpus_have_their_own_compiler(windows: StandIn, cpu: str, word: str) -> None:
    done = windows.run("--target-triple", f"{cpu}-pc-windows-msvc", "--only", "bottom")
    assert done.returncode == 0, done.stderr
    assert [line for line in windows.called if f'vcvarsall.bat" {word} ' in line]


def test_in_a_command_prompt_its_own_variables_count(windows: StandIn) -> None:
    values = dict(line.split("=", 1) for line in (windows.drive / "variables").read_text().splitlines())
    values["PATH"] += f"{os.pathsep}{windows.environment['PATH']}"
    windows.environment |= {**values, "VSCMD_ARG_TGT_ARCH": "x86", "VSCMD_VER": "17.14.36"}
    done = windows.run("--only", "bottom")
    assert done.returncode == 0, done.stderr
    assert windows.artifact("bottom_i686-pc-windows-msvc").is_dir()
    assert not [line for line in windows.called if "vcvarsall" in line]
    assert "msvc     Visual Studio 17.14.36, " in done.stderr


def test_another_studio_and_another_sdk_may_be_named(windows: StandIn) -> None:
    windows.sdk("10.0.22621.0")
    done = windows.run("--vs", "2019", "--windows-sdk-version", "10.0.22621.0", "--only", "bottom")
    assert done.returncode == 0, done.stderr
    assert "Visual Studio Build Tools 2019" in done.stderr
    assert [line for line in windows.called if line.endswith("x64 10.0.22621.0 >nul || exit /b 1")]
    windows.sdk("10.0.26100.0")
    done = windows.run("--only", "bottom")
    assert windows.built(done) == ["bottom"]
    assert "SDK 10.0.26100.0" in windows.verb("explain", "bottom", "--target-triple", "x86_64-pc-windows-msvc").stdout


def no_studio(windows: StandIn) -> str:
    shutil.rmtree(windows.drive / "Program Files (x86)/Microsoft Visual Studio")
    return "Visual Studio was not found ("


def a_studio_without_a_compiler(windows: StandIn) -> str:
    windows.studios()
    return "Visual Studio with Microsoft.VisualStudio.Component.VC.Tools.x86.x64 was not found"


def no_assembler(windows: StandIn) -> str:
    (windows.studio / "VC/bin/ml64").unlink()
    return "Visual Studio has no ml64"


def an_old_sdk(windows: StandIn) -> str:
    windows.sdk("10.0.17134.0")
    return "the Windows SDK is 10.0.17134.0, and CPython requires 10.0.17763 or newer"


def no_sdk(windows: StandIn) -> str:
    windows.sdk("")
    return "Visual Studio found no Windows SDK"


def a_prompt_that_fails(windows: StandIn) -> str:
    (windows.drive / "broken").touch()
    return "x64 fails: [ERROR:vcvarsall.bat] no such SDK"


def no_shell(windows: StandIn) -> str:
    shutil.rmtree(windows.drive / "Program Files/Git")
    return "a POSIX shell was not found"


def a_shell_without_sed(windows: StandIn) -> str:
    (windows.drive / "Program Files/Git/usr/bin/sed").unlink()
    return "/usr/bin/sh.exe lacks sed"


BROKEN = [
    no_studio,
    a_studio_without_a_compiler,
    no_assembler,
    an_old_sdk,
    no_sdk,
    a_prompt_that_fails,
    no_shell,
    a_shell_without_sed,
]


@pytest.mark.parametrize("break_it", BROKEN)
def test_missing_tools_are_reported_before_the_build(windows: StandIn, break_it: Callable[[StandIn], str]) -> None:
    wanted = break_it(windows)
    done = windows.run("--only", "top")
    assert done.returncode == 3
    assert wanted in done.stderr
    assert "Traceback" not in done.stderr
    assert not [line for line in windows.called if line.startswith("cl ")]


def test_all_missing_tools_are_reported_at_once(windows: StandIn) -> None:
    wanted = [no_assembler(windows), an_old_sdk(windows), no_shell(windows)]
    said = windows.run("--plan").stderr
    assert [text for text in wanted if text not in said] == []


@pytest.mark.parametrize(
    ("arguments", "status", "wanted"),
    [
        (["--vs", "2026"], 3, "Visual Studio 2026 with"),
        (["--windows-sdk-version", "11"], 2, "'11' is not the version of a Windows SDK"),
        (["--sh", "C:/nowhere/sh.exe"], 3, "the POSIX shell C:/nowhere/sh.exe was not found"),
        (["--engine", "docker"], 2, "--engine docker has no effect on builds for Windows"),
        (["--target-triple", "x86_64-unknown-linux-gnu"], 2, "is not a target for windows"),
        (
            ["--target-triple", "aarch64-pc-windows-msvc"],
            2,
            "x86_64-windows cannot run Pythons for",
        ),
    ],
)
def test_an_impossible_request_gives_one_message(
    windows: StandIn, arguments: list[str], status: int, wanted: str
) -> None:
    done = windows.run(*arguments)
    assert done.returncode == status, done.stderr
    assert wanted in done.stderr
    assert "Traceback" not in done.stderr
    assert not [line for line in windows.called if line.startswith("cl ")]


def test_a_step_that_fails_is_shown_kept_and_retried_where_it_was(windows: StandIn) -> None:
    windows.recipe(
        "middle", script="#!/bin/sh\necho 'int f(void) { return u64; }' >a.c\ncl -nologo -c a.c\n", needs="bottom"
    )
    done = windows.run("--only", "top")
    assert done.returncode == 1
    block = done.stderr[done.stderr.index("FAILED middle") :]
    assert "'u64' undeclared" in block
    assert re.search(r"^  retry     \S.*build-windows\.py --only top$", block, re.MULTILINE)
    assert block.rstrip().endswith("skipped   top")
    windows.recipe("middle", needs="bottom")
    assert windows.built(windows.run("--only", "top")) == ["middle", "top"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing_half_written_and_the_next_run_goes_on(
    windows: StandIn, number: signal.Signals
) -> None:
    interrupt(windows, number)
    assert processes_of(windows) == []
    windows.recipe("middle", needs="bottom")
    assert windows.built(windows.run("--only", "top")) == ["middle", "top"]
