"""The build after a killed one removes its leftovers, prints one line about them, and leaves running builds alone."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.build.conftest import PATIENCE, Small, wait_for, wait_until


@pytest.fixture
def held(small: Small, tmp_path: Path) -> Small:
    """A small checkout whose step `middle` notes that it has begun, and ends when `go` is there."""
    script = (
        f'#!/bin/sh\ntouch {tmp_path}/begun\nwhile [ ! -e {tmp_path}/go ]; do sleep 0.1; done\nmkdir -p "$OUT/deps"\n'
    )
    small.recipe("middle", script=script, needs="bottom")
    return small


def kill(small: Small, build: subprocess.Popen[str]) -> None:
    build.kill()
    build.communicate(timeout=PATIENCE)


def start_held(held: Small) -> subprocess.Popen[str]:
    begun = held.root.parent / "begun"
    begun.unlink(missing_ok=True)
    build = held.start("--only", "middle")
    wait_for(begun)
    return build


def kill_unpacking(small: Small) -> None:
    """Kill a build while it unpacks the compiler, which is in its temporary folder then."""
    trees = small.cache / "store" / "trees"
    (tree,) = (path for path in trees.iterdir() if (path / "tree" / "bin" / "patchelf").exists())
    records = [path for path in (small.cache / "store" / "records").iterdir() if tree.name in path.read_text()]
    aside = [path.rename(small.root.parent / path.name) for path in (tree, *records)]
    build = small.start("--only", "toolchain-gcc", "--offline")
    wait_until(lambda: bool(list(temporary(small, "step-*/tree/*"))), "the compiler is unpacked")
    kill(small, build)
    aside[0].rename(tree)
    aside[1].rename(records[0])


def temporary(small: Small, pattern: str) -> list[Path]:
    return list((small.cache / "store" / "tmp").glob(f"build-*/{pattern}"))


def roots(small: Small) -> list[str]:
    """Return the steps that have a build root."""
    folder = small.cache / "roots"
    return sorted(path.name.partition("_")[0] for path in folder.iterdir()) if folder.is_dir() else []


def removed(said: str) -> tuple[int, str]:
    """Return what is said to have been removed, how many things and how large; (0, "") if nothing is said."""
    lines = re.findall(r"^removed  (\d+) leftovers? of killed builds \((.*)\)$", said, re.MULTILINE)
    assert len(lines) <= 1
    return (int(lines[0][0]), lines[0][1]) if lines else (0, "")


def build(small: Small, step: str) -> str:
    done = small.run("--only", step)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_partly_unpacked_toolchains_are_removed_by_the_next_build(small: Small) -> None:
    kill_unpacking(small)
    assert temporary(small, "step-*")
    count, size = removed(build(small, "bottom"))
    assert count >= 1
    assert size.endswith(("MB", "kB"))
    assert not list((small.cache / "store" / "tmp").iterdir())
    assert removed(build(small, "side")) == (0, "")


def test_the_root_of_a_killed_step_is_removed_and_that_of_a_failed_one_stays(held: Small) -> None:
    held.recipe("side", script="echo here >found\nfalse\n")
    assert held.run("--only", "side").returncode == 1
    kill(held, start_held(held))
    assert roots(held) == ["middle", "side"]
    count, _ = removed(build(held, "bottom"))
    assert count >= 1
    assert roots(held) == ["side"]
    held.environment["SHELL"] = "/bin/sh"
    command = [held.command()[0], "-m", "pythonbuild", "shell", "side", "--engine", "host"]
    done = subprocess.run(
        command, env=held.variables(), cwd=held.root, input="cat found\n", capture_output=True, text=True
    )
    assert done.stdout.split() == ["here"]


def test_a_living_builds_folders_stay(held: Small, tmp_path: Path) -> None:
    kill_unpacking(held)
    living = start_held(held)
    own = temporary(held, "lock")
    # A tree that the living build may have placed a moment ago, before its record.
    placed = held.cache / "store" / "trees" / ("0" * 64)
    (placed / "tree").mkdir(parents=True)
    # The living one has removed what the killed one left; there is more of a second.
    kill_unpacking(held)
    assert removed(build(held, "side"))[0] >= 1
    assert not temporary(held, "step-*")
    assert {path.parent for path in own} <= set((held.cache / "store" / "tmp").iterdir())
    assert roots(held) == ["middle"]
    assert placed.exists()
    (tmp_path / "go").touch()
    _, said = living.communicate(timeout=PATIENCE)
    assert living.returncode == 0, said
    # What was left to be looked at until nobody builds.
    assert removed(build(held, "top"))[0] == 1
    assert not placed.exists()
    assert not list((held.cache / "store" / "tmp").iterdir())


def test_a_tree_without_a_record_is_removed_after_a_kill(held: Small) -> None:
    build(held, "side")
    tree = held.artifact("side").parent
    for record in (held.cache / "store" / "records").iterdir():
        if tree.name in record.read_text():
            record.unlink()
    kill(held, start_held(held))
    assert removed(build(held, "bottom"))[0] >= 2
    assert not tree.exists()
    assert held.artifact("bottom").exists()


def test_leftovers_of_earlier_versions_are_removed_while_no_build_runs(held: Small, tmp_path: Path) -> None:
    old = held.cache / "store" / "tmp" / "put-abc" / "tree"
    old.mkdir(parents=True)
    (old / "file").write_bytes(b"x" * 2000)
    living = start_held(held)
    assert not old.exists()
    shutil.copytree(tmp_path / "checkout" / "docker", old)
    assert removed(build(held, "side")) == (0, "")
    assert old.exists()
    (tmp_path / "go").touch()
    _, said = living.communicate(timeout=PATIENCE)
    assert removed(said) == (1, "2.0 kB")
    assert removed(build(held, "side"))[0] == 1
    assert not old.exists()
