"""Scripts of a moved installation."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from pythonbuild.distribution.relocate import relocatable_config_script, relocatable_script


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
