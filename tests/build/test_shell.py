"""Rendered scripts of tests/unit, judged by make and real shells."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pythonbuild.plan.debian import plan_debian
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.step import ScriptAction
from pythonbuild.request.debian import DebianBuild
from tests.unit.test_debian import CATALOG, EVERY, action, one, texts
from tests.unit.test_matrix import scripts


@pytest.mark.parametrize("build", EVERY[::5], ids=str)
def test_control_and_rules_are_sound(build: DebianBuild, tmp_path: Path) -> None:
    files = texts(build)
    control = files["debian/control"]
    assert not re.search(r"^\s*$\n^\s*$", control, re.MULTILINE), "an empty line too many ends a paragraph of nothing"
    assert control.count("Package: ") == 1 + build.freethreaded
    assert all(len(line) < 80 for line in control.splitlines() if line.startswith(" "))
    assert files["debian/changelog"].startswith(f"{build.name} ({build.version}) {build.release.name}; ")
    # make reads it on machines without dpkg-dev, too.
    variables = tmp_path / "architecture.mk"
    variables.write_text("DEB_HOST_MULTIARCH = x86_64-linux-gnu\n")
    rules = files["debian/rules"]
    assert "include /usr/share/dpkg/architecture.mk\n" in rules
    (tmp_path / "rules").write_text(rules.replace("/usr/share/dpkg/architecture.mk", str(variables)))
    done = subprocess.run(["make", "-n", "-f", "rules", "clean"], cwd=tmp_path, capture_output=True, text=True)
    assert "dh clean" in done.stdout, done.stderr


def test_all_scripts_are_clean_shell(tmp_path: Path) -> None:
    found: dict[str, Path] = {}
    for build in EVERY:
        names = [name for name in action(build).files if name.endswith((".sh", "inst", "prerm", "postrm"))]
        # As the engine runs it.
        script = action(build).script.replace("\n", "\nset -eu\n", 1)
        for name, text in {"build.sh": script, **{name: texts(build)[name] for name in names}}.items():
            shape = re.sub(r"python3\.\d+\S*|3\.\d+\.\d+\S*|\d{3}t?|[\w-]+-linux-gnu\w*", "X", text)
            if shape not in found:
                found[shape] = tmp_path / f"{len(found)}-{Path(name).name}"
                found[shape].write_text(text)
    for step in plan_debian((one(),), CATALOG, PlanningFacts("x86_64"), "docker", features=True):
        assert isinstance(step.action, ScriptAction)
        path = tmp_path / f"features-{step.name.split('@')[0]}.sh"
        path.write_text(step.action.script.replace("\n", "\nset -eu\n", 1))
        found[step.name] = path
    assert len(found) > 8
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("shellcheck")),
            "--shell=dash",
            "--severity=style",
            *map(str, found.values()),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:]


def test_every_script_is_shell() -> None:
    texts = {action.script for action in scripts().values()}
    # One shell reads them all: each in braces of its own, or an unfinished one would borrow from the next.
    check = "".join(f"{{\n{text}\n}}\n" for text in sorted(texts))
    done = subprocess.run(["sh", "-u", "-n"], input=check, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not [text for text in texts if re.search(r"\{\{|\{%|\}\}", text)]
