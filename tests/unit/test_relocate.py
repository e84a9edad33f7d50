"""Texts of an installation that must not say where it was built."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Optional

import pytest

from pythonbuild.distribution.relocate import (
    generic_tools,
    relocatable_build_details,
    relocatable_config_script,
    relocatable_pkgconfig,
    relocatable_script,
    relocatable_sysconfigdata,
    relocate,
)

DATA = """build_time_vars = {'prefix': '/install',
 'LIBDIR': '/install/lib',
 'LDFLAGS': '-L/install/lib -Wl,-rpath,/install/lib',
 'CONFIG_ARGS': "'--prefix=/install' '--enable-shared'",
 'INSTALL': '/usr/bin/install -c',
 'INSTALL_SHARED': '/other/install/x',
 'SIZEOF_INT': 4}
"""


@pytest.mark.parametrize(
    ("prefix", "flags"),
    [
        ("/opt/py", "-L/opt/py/lib -Wl,-rpath,/opt/py/lib"),
        ("/tmp/a b/é", "-L'/tmp/a b/é'/lib -Wl,-rpath,'/tmp/a b/é'/lib"),
    ],
)
def test_sysconfig_data_names_the_real_prefix(monkeypatch: pytest.MonkeyPatch, prefix: str, flags: str) -> None:
    monkeypatch.setattr(sys, "base_prefix", prefix)
    names: dict[str, dict[str, object]] = {}
    exec(relocatable_sysconfigdata(DATA), names)
    values = names["build_time_vars"]
    assert values["prefix"] == prefix
    assert values["LIBDIR"] == f"{prefix}/lib"
    assert values["LDFLAGS"] == flags
    assert values["INSTALL"] == "/usr/bin/install -c"
    assert values["INSTALL_SHARED"] == "/other/install/x"
    assert values["SIZEOF_INT"] == 4


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        (" 'CC': 'gcc -pthread',", " 'CC': 'cc -pthread',"),
        ("    'LDCXXSHARED': 'clang++ -pthread '", "    'LDCXXSHARED': 'c++ -pthread '"),
        ("build_time_vars = {'AR': 'llvm-ar',", "build_time_vars = {'AR': 'ar',"),
        ("CXX=\t\tg++ -pthread", "CXX=\t\tc++ -pthread"),
        ("AR=\tllvm-ar", "AR=\tar"),
        (" 'CC': '/opt/x/gcc-11',", None),
        (" 'CONFIG_ARGS': \"'CC=gcc'\",", None),
        ("    'NOTE': 'gcc',", None),
    ],
)
def test_the_compiler_of_the_build_becomes_the_users_own(line: str, changed: Optional[str]) -> None:
    text = f"first\n{line}\nlast\n"
    assert generic_tools(text) == f"first\n{changed or line}\nlast\n"


def test_a_script_becomes_both_shell_and_python() -> None:
    text = relocatable_script("#!/install/bin/python3.13\nimport sys\n", "python3.13")
    assert text.startswith("#!/bin/sh\n'''exec' ")
    compile(text, "script", "exec")


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_script_finds_its_interpreter_through_links_with_a_readlink_that_knows_no_f(
    tmp_path: Path, shell: str
) -> None:
    """As that of macOS before 12.3."""
    place = tmp_path / "a b" / "bin"
    tools = tmp_path / "tools"
    for folder in (place, tools, tmp_path / "links"):
        folder.mkdir(parents=True)
    (tools / "readlink").write_text(f'#!/bin/sh\n[ "$1" = -- ] || exit 64\nexec {shutil.which("readlink")} "$@"\n')
    (place / "python3.13").write_text('#!/bin/sh\necho "$0" "$2"\n')
    (place / "pip").write_text(relocatable_script("#!/install/bin/python3.13\nimport sys\n", "python3.13"))
    for program in (tools / "readlink", place / "python3.13", place / "pip"):
        program.chmod(0o755)
    (tmp_path / "links" / "absolute").symlink_to(place / "pip")
    (tmp_path / "links" / "relative").symlink_to("absolute")
    for name in ("links/relative", "links/absolute", "a b/bin/pip"):
        done = subprocess.run(
            [shell, name, "install"],
            cwd=tmp_path,
            env={"PATH": f"{tools}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.endswith("a b/bin/python3.13 install\n")


def test_other_scripts_are_left_alone() -> None:
    assert relocatable_script("#!/bin/sh\ntrue\n", "python3") == "#!/bin/sh\ntrue\n"


def test_pkgconfig_files_find_their_own_prefix() -> None:
    text = relocatable_pkgconfig("prefix=/install\nexec_prefix=${prefix}\nlibdir=${exec_prefix}/lib\n")
    assert text.splitlines()[0] == "prefix=${pcfiledir}/../.."


CONFIG = """#!/bin/sh
installed_prefix ()
{
    RESULT=$(dirname $(cd $(dirname "$1") && pwd -P))
    echo $RESULT
}

prefix_real=$(installed_prefix "$0")
includedir="$prefix_real/include"
libdir="$prefix_real/lib"
LIBPL="$libdir/config"
INCDIR="-I$includedir/python3"
PLATINCDIR="-I$includedir/python3"
LIBPLUSED="-L$LIBPL"
echo "$prefix_real"
echo "$INCDIR $PLATINCDIR $LIBPLUSED -L$libdir -lm"
"""


@pytest.mark.parametrize("folder", ["plain", "a b é"])
def test_python_config_answers_in_words_that_a_shell_can_split(tmp_path: Path, folder: str) -> None:
    script = tmp_path / folder / "bin" / "python3-config"
    script.parent.mkdir(parents=True)
    script.write_text(relocatable_config_script(CONFIG))
    (tmp_path / "link").symlink_to(script)
    done = subprocess.run(["sh", str(tmp_path / "link")], capture_output=True, text=True, check=True)
    prefix, words = done.stdout.splitlines()
    root = str(tmp_path / folder)
    assert prefix == root
    assert shlex.split(words) == [f"-I{root}/include/python3"] * 2 + [f"-L{root}/lib/config", f"-L{root}/lib", "-lm"]


def test_build_details_are_relative_to_themselves() -> None:
    """The example of PEP 739, as 3.14 writes it; that version's source is not at hand."""
    text = json.dumps(
        {
            "schema_version": "1.0",
            "base_prefix": "/install",
            "base_interpreter": "/install/bin/python3.14",
            "platform": "linux-x86_64",
            "language": {"version": "3.14"},
            "libpython": {"dynamic": "/install/lib/libpython3.14.so.1.0", "link_extensions": False},
            "c_api": {"headers": "/install/include/python3.14", "pkgconfig_path": "/install/lib/pkgconfig"},
        }
    )
    details = json.loads(relocatable_build_details(text))
    assert details["base_prefix"] == "../.."
    assert details["base_interpreter"] == "bin/python3.14"
    assert details["libpython"] == {"dynamic": "lib/libpython3.14.so.1.0", "link_extensions": False}
    assert details["c_api"]["headers"] == "include/python3.14"
    assert details["platform"] == "linux-x86_64"


def test_the_record_of_pip_has_the_scripts_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/pip").write_text("#!/install/bin/python3.13\nimport sys\n")
    info = tmp_path / "lib/python3.13/site-packages/pip-1.dist-info"
    info.mkdir(parents=True)
    (info / "RECORD").write_text("../../../bin/pip,sha256=old,9\npip/__init__.py,sha256=kept,1\n")
    relocate(tmp_path, "python3.13")
    content = (tmp_path / "bin/pip").read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    lines = (info / "RECORD").read_text().splitlines()
    assert lines == [f"../../../bin/pip,sha256={digest},{len(content)}", "pip/__init__.py,sha256=kept,1"]
