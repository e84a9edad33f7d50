"""A new CPU is a row of targets.yml, and a new option is a row of model/options.py and lines of its recipe.

CONTRIBUTING says so.  These tests add a made-up one of each, and use it everywhere that CPUs and options have names.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pythonbuild.catalog.load import Catalog, load_catalog
from pythonbuild.driver.formats.oci import platform_of
from pythonbuild.home import checkout
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.planner import make_plan
from pythonbuild.plan.step import ScriptAction
from pythonbuild.release.uv_index import uv_index
from pythonbuild.request.build import BuildRequest, resolve
from pythonbuild.validation.elf_rules import _machine

CPU = """
- <<: *i686
  triple: made-unknown-linux-gnu
  arch: made
  names: {binary: MADE_UP, platform: madeup, uv: made_up, image: made/v1}
  gnu: made-linux-gnu
  zig: made-linux-gnu.2.40
  glibc: "2.40"
  openssl: linux-made
"""
OPTION = '    "tuned": Option("a made-up optimization", ("linux",)),\n'
USE_OPTION = """
import sys
from pathlib import Path
from pythonbuild.cli.main import main
from pythonbuild.model.naming import ArchiveName
from pythonbuild.program import Program
from pythonbuild.validation.metadata_rules import schema_errors
from pythonbuild.validation.subject import Subject

name = ArchiveName("cpython-3.13.15-x86_64-unknown-linux-gnu-noopt+tuned-20261201T0000-install_only.tar.gz")
assert str(name.options) == "noopt+tuned", name.options
wrong = [error.message for error in schema_errors({"build_options": "noopt+tuned"}) if "tuned" in error.message]
assert not wrong, wrong
sys.exit(main(sys.argv[1:], Program.named("pythonbuild")))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the checkout's data and code."""
    for name in ("cpython-unix", "cpython-windows", "docker", "pythonbuild"):
        shutil.copytree(checkout() / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture
def catalog(copy: Path) -> Catalog:
    with open(copy / "cpython-unix" / "targets.yml", "a") as file:
        file.write(CPU)
    return load_catalog(copy / "cpython-unix")


def test_a_cpu_is_a_row_of_targets_yml(catalog: Catalog, tmp_path: Path) -> None:
    target = catalog.target("made-unknown-linux-gnu")
    request = BuildRequest(
        targets=(target.triple,), pythons=(), options=("noopt",), machine="x86_64", engine="host", formats=("full",)
    )
    plan = make_plan(resolve(request, catalog), catalog, PlanningFacts("x86_64"))
    scripts = {step.label: step.action.script for step in plan if isinstance(step.action, ScriptAction)}
    assert "./Configure linux-made " in scripts["openssl"]
    assert any("--host=made-linux-gnu" in script for script in scripts.values())

    archive = tmp_path / "cpython-3.13.15+20261201-made-unknown-linux-gnu-install_only.tar.gz"
    archive.write_bytes(b"")
    assert list(uv_index([archive], "", catalog)) == ["cpython-3.13.15-linux-made_up-gnu"]
    assert platform_of(target).json() == {"os": "linux", "architecture": "made", "variant": "v1"}

    case: Any = SimpleNamespace(target=target)
    right: Any = SimpleNamespace(machine="MADE_UP")
    wrong: Any = SimpleNamespace(machine="X86_64")
    assert not list(_machine(right, "bin/python3.13", case))
    assert list(_machine(wrong, "bin/python3.13", case)) == ["is for X86_64, not made"]


def test_an_option_is_a_row_and_lines_of_a_recipe(copy: Path) -> None:
    options = copy / "pythonbuild" / "model" / "options.py"
    text = options.read_text()
    options.write_text(text.replace('    "static": Option(', OPTION + '    "static": Option('))
    script = copy / "cpython-unix" / "packages" / "cpython" / "configure.sh.j2"
    script.write_text(script.read_text() + "{% if options.tuned %}\necho tuned\n{% endif %}\n")
    for words, said in (
        (["list", "options"], "a made-up optimization"),
        (["build", "--plan", "--options", "noopt+tuned"], "cpython-3.13.15-noopt+tuned"),
        (["build", "--plan", "--options", "noopt+tuna"], "lto, tuned, static"),
    ):
        done = subprocess.run([sys.executable, "-c", USE_OPTION, *words], cwd=copy, capture_output=True, text=True)
        assert said in done.stdout + done.stderr, done.stdout[-2000:] + done.stderr[-2000:]
