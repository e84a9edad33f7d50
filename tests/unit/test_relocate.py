"""Texts of an installation that must not contain the build's paths."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Optional

import pytest

from pythonbuild.distribution.relocate import (
    generic_tools,
    relocatable_build_details,
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


def test_other_scripts_are_left_alone() -> None:
    assert relocatable_script("#!/bin/sh\ntrue\n", "python3") == "#!/bin/sh\ntrue\n"


def test_pkgconfig_files_find_their_own_prefix() -> None:
    text = relocatable_pkgconfig("prefix=/install\nexec_prefix=${prefix}\nlibdir=${exec_prefix}/lib\n")
    assert text.splitlines()[0] == "prefix=${pcfiledir}/../.."


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
