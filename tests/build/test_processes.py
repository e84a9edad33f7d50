"""Behaviour that shows only with another process or a socket."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pythonbuild.cli.main import main
from pythonbuild.driver import preparing
from pythonbuild.engines.daemon import Lease
from pythonbuild.engines.sccache.relay import Relay
from pythonbuild.engines.sccache.remotes import Remote
from pythonbuild.errors import BadRequest
from pythonbuild.home import checkout
from pythonbuild.program import Program
from tests.unit.test_levels import V3, ZEN

PROGRAM = Program.named("pythonbuild")


def test_a_build_starts_without_loading_readers_of_binaries() -> None:
    program = (
        "import sys; from pythonbuild.cli.main import function_of; from pythonbuild.cli.options import VERBS\n"
        "function_of(VERBS['build']); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=checkout(), capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "pythonbuild.driver.building" in loaded
    assert not {"lief", "jsonschema", "cyclonedx", "distributed"} & loaded


def test_a_lease_is_held_by_the_living(tmp_path: Path) -> None:
    lease = Lease(tmp_path)
    name = lease.labels["pythonbuild.lease"]
    code = f"from pathlib import Path\nfrom pythonbuild.engines.daemon import Lease\nprint(Lease.held(Path({str(tmp_path)!r}), {name!r}))"
    asked = [sys.executable, "-c", code]
    assert subprocess.run(asked, capture_output=True, text=True, cwd=checkout()).stdout == "True\n"
    lease.close()
    assert not Lease.held(tmp_path, name)
    # Of another cache's runs we cannot tell.
    assert Lease.held(tmp_path, "/elsewhere/1-1.lease")


def test_a_machine_that_could_not_run_it_may_plan_it_and_not_build_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTHONBUILD_HOME", str(tmp_path))
    monkeypatch.setattr(preparing, "cpu_flags", lambda: ZEN - {"avx2"})
    wanted = ["--target", V3, "--engine", "host", "--color", "never"]
    assert main(["build", *wanted, "--only", "zlib-ng", "--offline"], PROGRAM) == BadRequest.exit_status
    assert "its CPU lacks avx2" in capsys.readouterr().err
    assert main(["plan", *wanted], PROGRAM) == 0


def test_each_name_has_an_address_of_its_own_in_containers() -> None:
    hosts = [("a.lan", 1), ("localhost", 1), ("b.lan", 1), ("a.lan", 2), ("127.0.0.9", 1)]
    relay = Relay(tuple(Remote(*host) for host in hosts), None)
    assert list(relay.addresses().values()) == ["127.0.1.1", "127.0.0.1", "127.0.1.2", "127.0.1.1", "127.0.0.9"]
    assert relay.names() == {"a.lan": "127.0.1.1", "b.lan": "127.0.1.2"}
    assert relay.folder.stat().st_mode & 0o777 == 0o700
    relay.close()
    assert not relay.folder.exists()


def test_packages_have_no_dependencies_to_build(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["build", "--format", "deb", "--distro", "debian:trixie", "--only", "dependencies", "--engine", "host"]
    assert main(words, PROGRAM) == 2
    assert "--only does not work for Debian packages, which are one step" in capsys.readouterr().err
