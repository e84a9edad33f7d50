"""Steps are built when something changed, and only then."""

from __future__ import annotations

import json
import os
import pty
import re
import resource
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.build.conftest import MANY_JOBS, Small, most_at_once


def test_a_second_run_builds_nothing(small: Small) -> None:
    first = small.run("--only", "top")
    assert first.returncode == 0, first.stderr
    assert small.built(first) == ["bottom", "middle", "top"]
    second = small.run("--only", "top")
    assert second.returncode == 0
    assert small.built(second) == []


def test_dependencies_are_all_that_cpython_needs_and_no_more(small: Small) -> None:
    first = small.run("--only", "dependencies")
    assert first.returncode == 0, first.stderr
    assert sorted(small.built(first)) == ["bottom", "middle", "side", "top"]
    # They are what the Python is then built with, whatever its options.
    second = small.run("--options", "debug", "--only", "cpython")
    assert second.returncode == 0, second.stderr
    assert small.built(second) == ["cpython-3.13.15-debug"]


def test_a_changed_script_rebuilds_its_step_and_dependants(small: Small) -> None:
    small.run("--only", "top")
    small.run("--only", "side")
    script = small.root / "cpython-unix/packages/middle/build.sh.j2"
    script.write_text(script.read_text() + "echo changed\n")
    assert small.built(small.run("--only", "top")) == ["middle", "top"]
    assert small.built(small.run("--only", "side")) == []


def test_explain_names_the_input_that_changed(small: Small) -> None:
    small.run("--only", "middle")
    script = small.root / "cpython-unix/packages/bottom/build.sh.j2"
    script.write_text(script.read_text() + "echo changed\n")
    done = small.run("--explain", "bottom")
    assert "script changed:" in done.stdout
    done = small.verb("explain", "middle")
    assert "deps bottom changed:" in done.stdout
    assert "    because of bottom: script\n" in done.stdout
    assert "script changed" not in done.stdout
    small.run("--only", "bottom")
    assert json.loads(small.verb("explain", "middle", "--json").stdout)["causes"] == {"bottom": ["script"]}
    script.write_text(script.read_text() + "echo changed again\n")
    for printed in (small.run("--explain", "bottom", "--json"), small.verb("explain", "bottom", "--json")):
        row = json.loads(printed.stdout)
        assert (row["step"], row["state"]) == ("bottom", "not in the store")
        (change,) = row["changes"]
        assert (change["input"], change["new"]) == ("script", row["inputs"]["script"])
        assert change["old"] != change["new"]


def test_plan_builds_nothing_and_says_why(small: Small) -> None:
    done = small.run("--plan")
    assert done.returncode == 0, done.stderr
    assert "never built here" in done.stdout
    assert "nothing was run" in done.stdout
    rows = json.loads(small.verb("plan", "--json").stdout)
    assert {row["step"]: row["state"] for row in rows}["toolchain-gcc"] == "cached"


def test_events_as_json(small: Small) -> None:
    done = small.run("--only", "bottom", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events] == [
        "Note",
        "PlanReady",
        "StepCached",
        "StepStarted",
        "StepFinished",
        "RunFinished",
        "Delivered",
    ]
    assert (events[0]["topic"], events[0]["text"].endswith("jobs at once")) == ("engine", True)


def test_artifacts_do_not_depend_on_where_they_were_built(small: Small, tmp_path: Path) -> None:
    small.run("--only", "top")
    one = small.artifact("top").parent.name
    small.cache.rename(tmp_path / "other-cache")
    small.cache = tmp_path / "other-cache"
    for record in (small.cache / "store" / "records").glob("*.json"):
        if json.loads(record.read_text())["identity"].startswith("top"):
            record.unlink()
    assert small.built(small.run("--only", "top")) == ["top"]
    assert small.artifact("top").parent.name == one


def test_steps_share_one_job_server(small: Small) -> None:
    """Two recipes that each want many jobs never have more running than --jobs says."""
    small.recipe("bottom", script=MANY_JOBS)
    small.recipe("side", script=MANY_JOBS)
    small.recipe("middle", needs="bottom, side")
    done = small.run("--only", "middle", "--jobs", "3")
    assert done.returncode == 0, done.stderr
    assert most_at_once(small, "bottom", "side") == 3


def test_the_start_is_quick(small: Small) -> None:
    """Not a benchmark: a limit far above what it takes, to notice when the start does real work.

    Of CPU seconds, which other processes do not change much.
    """
    small.run("--only", "bottom")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    small.run("--only", "bottom")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 5


def test_the_cache_can_be_listed_measured_and_pruned(small: Small) -> None:
    small.run("--only", "top")
    assert "top@x86_64-unknown-linux-gnu/gcc" in small.verb("cache", "list").stdout
    assert "store" in small.verb("cache", "size").stdout
    done = small.verb("cache", "prune", "--days", "0", "--dry-run")
    assert "top@x86_64-unknown-linux-gnu/gcc\n" in done.stdout
    assert "would prune " in done.stdout
    old = small.cache / "sources" / ("0" * 64) / "old.tar"
    old.parent.mkdir(parents=True)
    old.touch()
    done = small.verb("cache", "prune", "--sources", "--dry-run")
    assert f"{old}\n" in done.stdout
    assert re.search(r"build roots, [1-9]\d* source archives and", done.stdout)
    assert old.exists()
    assert small.verb("cache", "prune", "--sources").returncode == 0
    assert not old.exists()
    for days in ("-1", "nan"):
        assert small.verb("cache", "prune", "--days", days).returncode == 2
    assert small.built(small.run("--only", "top")) == [], "nothing was deleted"
    done = small.verb("cache", "prune", "--days", "0")
    assert done.returncode == 0, done.stderr
    assert not list((small.cache / "store" / "trees").iterdir())
    assert "bottom" in small.built(small.run("--only", "top"))


@pytest.mark.parametrize(("answer", "left"), [("n", True), ("", True), ("y", False)])
def test_a_person_is_asked_before_every_result_is_deleted(small: Small, answer: str, left: bool) -> None:
    small.run("--only", "top")
    person, program = pty.openpty()
    command = [sys.executable, "-m", "pythonbuild", "cache", "prune", "--days", "0"]
    process = subprocess.Popen(command, env=small.variables(), cwd=small.root, stdin=program, stdout=program)
    os.close(program)
    # A terminal keeps what was typed before it is read.
    os.write(person, f"{answer}\n".encode())
    shown = b""
    with suppress(OSError):  # the other end is closed
        while part := os.read(person, 4096):
            shown += part
    os.close(person)
    assert process.wait() == 0
    assert b"continue? [y/N]" in shown
    assert (b"nothing was deleted" in shown) == left
    assert bool(list((small.cache / "store" / "trees").iterdir())) == left


def test_pruning_deletes_old_build_roots_of_failed_steps(small: Small) -> None:
    small.recipe("bottom", script="false\n")
    small.run("--only", "bottom")
    (root,) = (small.cache / "roots").glob("bottom_*")
    assert small.verb("cache", "prune").returncode == 0
    assert root.exists()
    planned = small.verb("cache", "prune", "--days", "0", "--dry-run").stdout
    assert f"{root}\nwould prune 1 result, 1 build root and " in planned, "the result is the toolchain"
    assert root.exists()
    assert "pruned 1 result and 1 build root, freed" in small.verb("cache", "prune", "--days", "0").stdout
    assert not root.exists()


def test_a_checkout_is_left_alone(small: Small) -> None:
    """Neither bytecode nor anything else is written beside the sources."""
    before = sorted(path for path in small.root.rglob("*"))
    small.run("--only", "top")
    assert sorted(path for path in small.root.rglob("*")) == before
    assert os.access(small.cache, os.W_OK)


def test_a_plan_honours_only(small: Small) -> None:
    done = small.run("--plan", "--only", "middle", "--only", "side")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].endswith(" noopt: only middle, side")
    steps = [line.split()[0] for line in done.stdout.splitlines() if line.endswith("never built here")]
    assert [name.partition("-")[0] for name in steps if not name.startswith("toolchain")] == [
        "bottom",
        "middle",
        "side",
    ]


def test_several_steps_are_built_if_only_is_repeated(small: Small) -> None:
    assert sorted(small.built(small.run("--only", "middle", "--only", "side"))) == ["bottom", "middle", "side"]


def test_a_plan_that_is_to_be_explained_is_explained(small: Small) -> None:
    explained = small.run("--explain", "middle")
    assert small.run("--plan", "--explain", "middle").stdout == explained.stdout
    assert "not in the store" in explained.stdout


def test_a_daemon_that_was_named_is_not_silently_replaced_by_this_machine(small: Small) -> None:
    small.engine = ""
    small.environment["DOCKER_HOST"] = "tcp://127.0.0.1:9"
    done = small.run("--only", "bottom")
    assert done.returncode == 3
    assert "no container daemon answers at tcp://127.0.0.1:9" in done.stderr
    assert "--engine host" in done.stderr
    assert not small.built(done)
