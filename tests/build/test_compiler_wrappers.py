"""The wrappers of compilers, run by a shell: which calls go to sccache, and which compilers have the same identity."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pythonbuild.engines.sccache.wrappers import call_text, compiler_text


@pytest.fixture
def wrapped(tmp_path: Path) -> Path:
    """The two wrappers of a compiler that tells its arguments, and a launcher that tells that it was there."""
    for name, text in (
        ("real", '#!/bin/sh\necho "real $*"\n'),
        ("compiler", compiler_text(f"{tmp_path}/real first", "one\ntwo")),
        ("call", call_text(f"{tmp_path}/real first", f"{tmp_path}/compiler")),
        ("launcher", '#!/bin/sh\necho launched\n[ -z "$ENDS" ] || exit "$ENDS"\nexec "$@"\n'),
    ):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "a.c").write_text("source\n")
    return tmp_path


def said(wrapped: Path, program: str, *arguments: str, launched: bool = False, ends: str = "") -> tuple[int, list[str]]:
    environment = {"PATH": os.environ["PATH"], "ENDS": ends}
    environment.update({"COMPILER_LAUNCHER": str(wrapped / "launcher")} if launched else {})
    done = subprocess.run(
        [str(wrapped / program), *arguments], cwd=wrapped, env=environment, capture_output=True, text=True
    )
    assert not done.stderr
    return done.returncode, done.stdout.splitlines()


def test_only_single_file_compilations_go_to_sccache(wrapped: Path) -> None:
    plain = ["real first -O2 -c a.c"]
    assert said(wrapped, "call", "-O2", "-c", "a.c") == (0, plain)
    assert said(wrapped, "call", "-O2", "-c", "a.c", launched=True) == (0, ["launched", *plain])
    for arguments in (["a.c", "-o", "a"], ["-E", "a.c"], ["--version"], ["-print-file-name=-c"]):
        assert said(wrapped, "call", *arguments, launched=True) == (0, ["real first " + " ".join(arguments)])


def test_a_wrong_source_fails_and_a_wrong_launcher_does_not(wrapped: Path) -> None:
    assert said(wrapped, "call", "-c", "a.c", launched=True, ends="1") == (1, ["launched"])
    for status in ("2", "126", "254"):
        assert said(wrapped, "call", "-c", "a.c", launched=True, ends=status) == (0, ["launched", "real first -c a.c"])
    assert said(wrapped, "call", "-c", "a.c", launched=True, ends="")[0] == 0


def test_compilers_get_the_variables_that_sccache_withholds(wrapped: Path) -> None:
    (wrapped / "link").symlink_to(wrapped)
    (wrapped / "real").write_text('#!/bin/sh\nenv | grep -E "^(PWD|SOURCE_DATE_EPOCH)=" | sort\n')
    (wrapped / "launcher").write_text('#!/bin/sh\nexec env -u PWD -u SOURCE_DATE_EPOCH "$@"\n')
    environment = {"PATH": os.environ["PATH"], "PWD": f"{wrapped}/link", "SOURCE_DATE_EPOCH": "1"}
    for launcher in ("", str(wrapped / "launcher")):
        done = subprocess.run(
            [str(wrapped / "call"), "-c", "a.c"],
            cwd=wrapped / "link",
            env={**environment, "COMPILER_LAUNCHER": launcher},
            capture_output=True,
            text=True,
        )
        assert done.stdout.splitlines() == [f"PWD={wrapped}/link", "SOURCE_DATE_EPOCH=1"]


@pytest.mark.parametrize("drops", [["-P"], ["-fminimize-whitespace"], []])
def test_keys_are_made_of_folder_source_names_and_lines(wrapped: Path, drops: list[str]) -> None:
    text = said(wrapped, "compiler", "-x", "c", "-E", *drops, "-DX=a b", "a.c")[1]
    assert text == [str(wrapped), "source", "real first -x c -E -DX=a b a.c"]
    assert said(wrapped, "compiler", "-x", "c", "-c", "a.c", "-o", "a.o")[1] == ["real first -x c -c a.c -o a.o"]
