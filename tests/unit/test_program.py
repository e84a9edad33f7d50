"""How the user started pythonbuild, so that printed commands can be pasted."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pythonbuild.home import checkout
from pythonbuild.program import Program, pasted, started

ROOT = str(checkout())
PACKAGE = str(checkout() / "pythonbuild")


@pytest.fixture
def interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An interpreter python3, which PATH finds, and links to it of other names."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python3").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(sys, "executable", str(programs / "python3"))
    return str(programs / "python3")


@pytest.mark.parametrize(
    ("folder", "path", "build", "shell"),
    [
        (ROOT, "./build-linux.py", "./build-linux.py", "python3 -m pythonbuild shell"),
        # Of `python3 build-linux.py`.
        (ROOT, "build-linux.py", "./build-linux.py", "python3 -m pythonbuild shell"),
        ("/", f"{ROOT}/build-linux.py", f"{ROOT}/build-linux.py", f"python3 {PACKAGE} shell"),
        (f"{ROOT}/docs", "../build-linux.py", "../build-linux.py", f"python3 {PACKAGE} shell"),
    ],
)
def test_an_entry_script_is_started_again_from_where_it_was(
    folder: str, path: str, build: str, shell: str, interpreter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", [path])
    program = started("build-linux.py")
    assert (program.name, pasted(program.words("build")), pasted(program.words("shell"))) == (
        "build-linux.py",
        build,
        shell,
    )


def test_an_entry_script_is_started_by_the_interpreter_that_was_named(
    interpreter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first line would find another one, maybe too old."""
    (tmp_path / "bin" / "python3.14").touch(mode=0o755)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "executable", f"{interpreter}.14")
    monkeypatch.setattr(sys, "argv", ["build-linux.py"])
    assert started("build-linux.py").words("build") == ["python3.14", "build-linux.py"]
    (tmp_path / "python").touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert started("build-linux.py").words("build") == [str(tmp_path / "python"), "build-linux.py"]


@pytest.mark.parametrize(
    ("path", "name", "line"),
    [
        (f"{PACKAGE}/__main__.py", "python3 -m pythonbuild", "python3 -m pythonbuild cache list"),
        (PACKAGE, "pythonbuild", f"python3 {PACKAGE} cache list"),
        ("/bin/pythonbuild", "pythonbuild", "/bin/pythonbuild cache list"),
    ],
)
def test_any_verb_is_started_as_it_was(
    path: str, name: str, line: str, interpreter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [path])
    program = started()
    assert (program.name, pasted(program.words("cache list"))) == (name, line)
    assert Program.read(program.written()) == program


def test_the_installed_program_on_path_is_started_by_its_name(
    interpreter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin" / "pythonbuild").touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "bin" / "pythonbuild")])
    assert started().words("build") == ["pythonbuild", "build"]


def test_words_are_quoted_for_the_shell_of_the_system() -> None:
    words = ["./build-linux.py", "--sh", "/a b/sh", "--python-source=-x"]
    assert pasted(words, windows=False) == "./build-linux.py --sh '/a b/sh' --python-source=-x"
    words = [
        "python",
        "build-windows.py",
        "--formats",
        "full,sbom",
        "--options",
        "pgo",
        "--sh",
        "C:\\a b\\",
        "--python",
    ]
    line = 'python build-windows.py --formats "full,sbom" --options pgo --sh "C:\\a b\\\\" --python'
    assert pasted(words, windows=True) == line
    assert pasted(["it's", 'say "so"', "$HOME", "C:\\x\\python.exe"], windows=True) == (
        '"it\'s" "say \\"so\\"" "$HOME" C:\\x\\python.exe'
    )
