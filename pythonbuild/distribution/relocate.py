"""Makes an installation work from any path, on any machine: sysconfig, pkg-config files, scripts.

CPython is installed under the prefix /install, which does not exist.  Files that contain this prefix are changed so that they
find the real one each time they are used.  Nothing has to run after unpacking, and a tree can be moved again.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

__all__ = [
    "PREFIX",
    "generic_tools",
    "relocatable_build_details",
    "relocatable_config_script",
    "relocatable_makefile",
    "relocatable_pkgconfig",
    "relocatable_script",
    "relocatable_sysconfigdata",
    "relocate",
]

PREFIX = "/install"

# Becomes part of the shipped file, so it uses no names that could clash, and imports only sys and re.
_SYSCONFIG_TRAILER = '''

def _relocate(variables):
    """Replace the prefix of the build with the real one."""
    import re
    import sys

    prefix = sys.base_prefix
    quoted = "'" + prefix.replace("'", "'\\\\''") + "'" if re.search(r"[^\\w/.+@%-]", prefix) else prefix
    word = re.compile(r"(^|[\\s=:,'\\"]|-[IL])/install(?=$|[/\\s:,'\\"])")
    for name, value in variables.items():
        if isinstance(value, str) and "/install" in value:
            # In a command line, a prefix with a space must stay one word.
            place = quoted if value[:1] == "-" or " " in value else prefix
            variables[name] = word.sub(lambda match: match.group(1) + place, value)


_relocate(build_time_vars)
'''


# Also part of shipped files: follows symbolic links from the file $f in any POSIX shell.  macOS before 12.3 has no `readlink -f`.  Its
# shell (bash 3.2) takes an unopened parenthesis for the end of $( ), so the patterns of `case` have both.
_FOLLOW = 'while l=$(readlink -- "$f"); do case $l in (/*) f=$l ;; (*) f=$(dirname -- "$f")/$l ;; esac; done'
# Shell functions with which python-config finds its prefix, and prints a path with a space as one word.
_CONFIG_PREFIX = f"""\
installed_prefix ()
{{
    f=$1
    {_FOLLOW}
    (cd -- "$(dirname -- "$f")/.." && pwd -P)
}}

quoted ()
{{
    case $1 in
        *[!A-Za-z0-9_/.+@%:=-]*) printf "'%s'" "$1" ;;
        *) printf '%s' "$1" ;;
    esac
}}
"""


# A tool of the build -> the name that every machine with a compiler has.
_GENERIC = {"gcc": "cc", "clang": "cc", "g++": "c++", "clang++": "c++", "llvm-ar": "ar"}
_TOOL_VARIABLES = "AR BLDSHARED CC CXX LDCXXSHARED LDSHARED LINKCC MAINCC"


def generic_tools(text: str) -> str:
    """Return _sysconfigdata*.py or CPython's Makefile with `cc`, `c++` and `ar` instead of the tools of the build.

    Users who compile extension modules may have gcc, clang or both, whichever of them compiled CPython.
    """
    variables = "|".join(_TOOL_VARIABLES.split())
    tools = "|".join(map(re.escape, sorted(_GENERIC, reverse=True)))
    pattern = rf"""^((?:build_time_vars = {{)?[ ]*'(?:{variables})':[ ]'|(?:{variables})=[ \t]*)({tools})(?=[ '\n])"""
    return re.sub(pattern, lambda match: match[1] + _GENERIC[match[2]], text, flags=re.MULTILINE)


def relocatable_config_script(text: str) -> str:
    """Return python-config (CPython's shell script), changed to work from a path with spaces and through a symbolic link."""
    text = re.sub(r"installed_prefix \(\)\n\{.*?\n\}\n", lambda _: _CONFIG_PREFIX, text, count=1, flags=re.DOTALL)
    text = re.sub(r'(INCDIR="-I)(\$includedir[^"]*)"', r'\1$(quoted "\2")"', text)
    return re.sub(r"-L(\$LIBPL|\$libdir)\b", r'-L$(quoted "\1")', text)


def relocatable_sysconfigdata(text: str) -> str:
    """Return _sysconfigdata*.py with added code that inserts the real prefix when the module is imported."""
    return text.rstrip("\n") + "\n" + _SYSCONFIG_TRAILER


def relocatable_makefile(text: str) -> str:
    """Return CPython's Makefile with a prefix that GNU make derives from the Makefile's own path, lib/pythonX.Y/config-*/."""
    place = "$(abspath $(dir $(lastword $(MAKEFILE_LIST)))../../..)"
    return re.sub(rf"^prefix=[ \t]*{PREFIX}$", lambda _: f"prefix:=\t{place}", text, count=1, flags=re.MULTILINE)


def relocatable_build_details(text: str) -> str:
    """Return build-details.json (PEP 739, from 3.14 on) with a base_prefix relative to its own folder, lib/pythonX.Y/.

    Other paths below the prefix become relative to base_prefix, as the PEP allows.
    """
    details = _without_prefix(json.loads(text))
    return json.dumps({**details, "base_prefix": "../.."}, indent=2) + "\n"


def _without_prefix(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_prefix(item) for key, item in value.items()}
    return value.removeprefix(f"{PREFIX}/") if isinstance(value, str) else value


def relocatable_script(text: str, interpreter: str) -> str:
    """Return a Python script that starts `interpreter`, even when called through a symbolic link.

    interpreter: a path relative to the script's folder.  A script whose first line does not name PREFIX is returned unchanged.
    The first lines are valid in shell and in Python: a shell runs exec, Python reads a string.
    """
    first, _, rest = text.partition("\n")
    if not first.startswith(f"#!{PREFIX}"):
        return text
    return f"""#!/bin/sh
'''exec' "$(f=$0; {_FOLLOW}; dirname -- "$f")/{interpreter}" "$0" "$@"
' '''
{rest}"""


def relocatable_pkgconfig(text: str) -> str:
    """Return a .pc file whose prefix is two levels above its own folder."""
    return re.sub(rf"^prefix={PREFIX}$", "prefix=${pcfiledir}/../..", text, flags=re.MULTILINE)


def relocate(install: Path, interpreter: str) -> None:
    """Change all files of an installation that contain PREFIX, in place; interpreter: the program's name in bin/."""
    for path in install.glob("lib/python3*/_sysconfigdata_*.py"):
        _rewrite(path, relocatable_sysconfigdata(generic_tools(path.read_text())))
    for path in install.glob("lib/python3*/config-*/Makefile"):
        _rewrite(path, relocatable_makefile(generic_tools(path.read_text())))
    for path in install.glob("lib/python3*/config-*/python-config.py"):
        _rewrite(path, relocatable_script(path.read_text(), f"../../../bin/{interpreter}"))
    for path in install.glob("lib/python3*/build-details.json"):
        _rewrite(path, relocatable_build_details(path.read_text()))
    for path in (install / "lib/pkgconfig").glob("*.pc"):
        if not path.is_symlink():
            _rewrite(path, relocatable_pkgconfig(path.read_text()))
    for path in (install / "bin").iterdir():
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if content.startswith(f"#!{PREFIX}".encode()):
                _rewrite(path, relocatable_script(content.decode(), interpreter))
            elif path.name.endswith("-config") and content.startswith(b"#!/bin/sh"):
                _rewrite(path, relocatable_config_script(content.decode()))
    _update_records(install)


def _update_records(install: Path) -> None:
    """Update the sizes and hashes of files in bin/ in the RECORD of the package that owns them (pip)."""
    for record in install.glob("lib/python3*/site-packages/*.dist-info/RECORD"):
        rows = list(csv.reader(record.read_text().splitlines()))
        for row in rows:
            path = (record.parent.parent / row[0]).resolve()
            if path.parent == (install / "bin").resolve():
                content = path.read_bytes()
                digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
                row[1:] = [f"sha256={digest}", str(len(content))]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        _rewrite(record, text.getvalue())


def _rewrite(path: Path, text: str) -> None:
    path.chmod(path.stat().st_mode | 0o200)
    path.write_text(text)
