"""Every verb is done by something, and loads no more than it needs."""

from __future__ import annotations

import subprocess
import sys

from pythonbuild.cli.main import function_of
from pythonbuild.cli.options import VERBS
from pythonbuild.home import checkout


def test_every_verb_is_done_by_something() -> None:
    assert {name: callable(function_of(name)) for name in VERBS} == dict.fromkeys(VERBS, True)


def test_building_starts_without_what_reads_programs() -> None:
    program = "import sys; from pythonbuild.cli.main import function_of; function_of('build'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=checkout(), capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "pythonbuild.cli.building" in loaded
    assert not {"lief", "jsonschema", "cyclonedx", "distributed"} & loaded
