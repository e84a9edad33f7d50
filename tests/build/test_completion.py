"""Completion in real shells: the words that Tab offers."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pythonbuild.home import checkout
from tests.build.conftest import PATIENCE
from tests.required import REQUIRED

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], ""),
    "zsh": (["zsh", "-f", "-i"], "autoload -Uz compinit; compinit -u -D; "),
}


class Terminal:
    """A shell on a pseudo-terminal."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.process, self.file = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, {**os.environ, "PS1": "> ", "TERM": "dumb", "HOME": str(folder)})
        self.said = ""

    def type(self, text: str, until: str) -> None:
        """Type, and wait until the shell has printed a text."""
        os.write(self.file, text.encode())
        deadline = time.monotonic() + PATIENCE
        self.said = ""
        while until not in self.said:
            assert time.monotonic() < deadline, self.said
            if select.select([self.file], [], [], 0.2)[0]:
                self.said += os.read(self.file, 4096).decode(errors="replace")

    def close(self) -> None:
        os.close(self.file)
        os.waitpid(self.process, 0)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("./build-linux.py --optim", "--optimizations"),
        ("./build-linux.py --engine do", "docker"),
        ("pythonbuild cac", "cache"),
        ("pythonbuild cache pr", "prune"),
        ("pythonbuild matrix --stage dep", "dependencies"),
    ],
)
def test_a_tab_completes_verbs_flags_and_values(shell: str, typed: str, completed: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        assert shell not in REQUIRED, f"{shell} is required, and is not installed"
        pytest.skip(f"{shell} is not installed: apt-get install {shell}")
    command = [sys.executable, "-m", "pythonbuild", "completion", shell]
    script = subprocess.run(command, cwd=checkout(), capture_output=True, text=True, check=True).stdout
    (tmp_path / "script").write_text(script)
    (tmp_path / "build-linux.py").touch(mode=0o755)
    words, before = SHELLS[shell]
    terminal = Terminal(words, tmp_path)
    try:
        terminal.type(f'{before}eval "$(cat script)"; echo re""ady\n', "ready")
        # The last letter comes from the shell alone.
        assert not typed.endswith(completed)
        terminal.type(f"{typed}\t", completed)
    finally:
        terminal.close()


def test_fish_completes_a_verb(tmp_path: Path) -> None:
    """fish lists completions itself, so it needs no terminal."""
    if not shutil.which("fish"):
        assert "fish" not in REQUIRED, "fish is required, and is not installed"
        pytest.skip("fish is not installed: apt-get install fish")
    command = [sys.executable, "-m", "pythonbuild", "completion", "fish"]
    script = subprocess.run(command, cwd=checkout(), capture_output=True, text=True, check=True).stdout
    (tmp_path / "script").write_text(script)
    ask = f"source {tmp_path}/script; complete --do-complete 'pythonbuild cac'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", ask], env={**os.environ, "HOME": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["cache"]
