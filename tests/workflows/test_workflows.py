"""The workflows of .github: permissions, calls, and scripts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pythonbuild.cli.options import parser
from pythonbuild.home import checkout

ROOT = checkout()
FOLDER = ROOT / ".github" / "workflows"
TEXTS = {path.name: path.read_text() for path in sorted(FOLDER.glob("*.yml"))}
# YAML 1.1 takes the key `on` for a truth value.
WORKFLOWS: dict[str, Any] = {
    name: {("on" if key is True else key): value for key, value in yaml.safe_load(text).items()}
    for name, text in TEXTS.items()
}
EMPTY = '{"include":[]}'
# GitHub's `bash` as a step has it: https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax, `shell`.
BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]
# What may be done with more than reading the code, by workflow and job.
MAY = {
    ("linux.yml", "linux"): {"contents": "read", "id-token": "write", "attestations": "write"},
    ("macos.yml", "macos"): {"contents": "read", "id-token": "write", "attestations": "write"},
    ("windows.yml", "windows"): {"contents": "read", "id-token": "write", "attestations": "write"},
    ("release.yml", "build"): {"contents": "read", "id-token": "write", "attestations": "write"},
    ("platform.yml", "pythons"): {"contents": "read", "id-token": "write", "attestations": "write"},
    ("build.yml", "attest"): {"contents": "read", "id-token": "write", "attestations": "write"},
    ("release.yml", "destination"): {},
}


def all_jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for file, workflow in WORKFLOWS.items():
        for name, job in workflow["jobs"].items():
            yield file, name, job


def all_steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for file, name, job in all_jobs():
        for step in job.get("steps", ()):
            yield f"{file}: {name}", step


def step_of(file: str, job: str, name: str) -> dict[str, Any]:
    (step,) = (step for step in WORKFLOWS[file]["jobs"][job]["steps"] if step.get("name") == name)
    return dict(step)


def test_there_is_one_for_each_platform_and_purpose() -> None:
    assert {"check.yml", "linux.yml", "macos.yml", "windows.yml", "release.yml"} <= set(WORKFLOWS)


def test_jobs_have_only_the_permissions_they_need() -> None:
    for file, workflow in WORKFLOWS.items():
        assert workflow["permissions"] == {}, file
    for file, name, job in all_jobs():
        assert job["permissions"] == MAY.get((file, name), {"contents": "read"}), (file, name)


def test_jobs_that_sign_run_no_third_party_code() -> None:
    for file, name, job in all_jobs():
        if "steps" in job and "id-token" in job["permissions"]:
            assert "pull_request" in job["if"], (file, name)
            assert not [step for step in job["steps"] if "actions/checkout@" in step.get("uses", "")]


def test_actions_are_pinned_and_say_their_version() -> None:
    uses = [(file, line.strip()) for file, text in TEXTS.items() for line in text.splitlines() if "uses:" in line]
    assert len(uses) > 15
    versions: dict[str, set[str]] = {}
    for file, line in uses:
        if "$/" in line:
            called = line.partition("$/")[2]
            assert (ROOT / called).is_file(), (file, line)
            continue
        found = re.fullmatch(r"(?:- )?uses: (actions/[a-z-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line)
        assert found, (file, line)
        versions.setdefault(found[1], set()).add(f"{found[2]} {found[3]}")
    assert all(len(pins) == 1 for pins in versions.values()), versions


def test_checkouts_keep_no_credentials() -> None:
    checkouts = [step for _, step in all_steps() if "actions/checkout@" in step.get("uses", "")]
    assert len(checkouts) >= 5
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_every_job_that_runs_ends() -> None:
    for file, name, job in all_jobs():
        assert ("timeout-minutes" in job) == ("steps" in job), (file, name)
        assert ("uses" in job) != ("steps" in job), (file, name)


def test_runs_of_one_event_exclude_each_other() -> None:
    for file, workflow in WORKFLOWS.items():
        called = set(workflow["on"]) == {"workflow_call"}
        assert ("concurrency" in workflow) != called, file
        assert "pull_request_target" not in workflow["on"]
        assert "workflow_run" not in workflow["on"]


def test_scripts_have_no_expressions_in_them() -> None:
    scripts = [(where, step["run"]) for where, step in all_steps() if "run" in step]
    assert len(scripts) > 8
    assert not [found for found in scripts if "${{" in found[1]]


def test_secrets_are_named_where_they_are_used() -> None:
    for file, text in TEXTS.items():
        assert "secrets: inherit" not in text
        for line in text.splitlines():
            # `${{ secrets }}` as a whole would be all of them.
            assert not re.search(r"secrets(?!\.[A-Za-z_]|:)\b.*\}\}", line), (file, line)
    assert "secrets" not in TEXTS["check.yml"]


@pytest.mark.parametrize(
    ("job", "output"), [("dependencies", "dependencies"), ("pythons", "pythons")], ids=["dependencies", "pythons"]
)
def test_a_matrix_without_jobs_is_not_given_to_github(job: str, output: str) -> None:
    found = WORKFLOWS["platform.yml"]["jobs"][job]
    assert "plan" in found["needs"]
    assert found["strategy"]["matrix"] == f"${{{{ fromJSON(needs.plan.outputs.{output}) }}}}"
    assert f"needs.plan.outputs.{output} != '{EMPTY}'" in found["if"]
    assert WORKFLOWS["platform.yml"]["jobs"]["plan"]["outputs"][output] == f"${{{{ steps.matrix.outputs.{output} }}}}"


def test_pythons_wait_for_dependencies_and_are_built_even_if_these_fail() -> None:
    found = WORKFLOWS["platform.yml"]["jobs"]["pythons"]
    assert found["needs"] == ["plan", "dependencies"]
    # Else a job is left out when one that it needs was.
    assert "!cancelled() && needs.plan.result == 'success'" in found["if"]


def test_called_workflows_get_exactly_their_inputs_and_secrets() -> None:
    for file, name, job in all_jobs():
        if "uses" in job:
            takes = WORKFLOWS[job["uses"].rpartition("/")[2]]["on"]["workflow_call"]
            assert set(job["with"]) == set(takes["inputs"]), (file, name)
            assert set(job["secrets"]) == set(takes["secrets"]), (file, name)


def test_labels_start_a_pull_request_again() -> None:
    for name in ("linux.yml", "macos.yml", "windows.yml"):
        assert {"labeled", "unlabeled"} <= set(WORKFLOWS[name]["on"]["pull_request"]["types"])


# What the scripts do.


def plan(tmp_path: Path, **given: str) -> dict[str, str]:
    """Run the step that finds the jobs, as GitHub would; returns its outputs."""
    step = step_of("platform.yml", "plan", "Find the jobs")
    values = {"EVENT": "push", "FROM": "", "LABELS": "", "STORE": "", "HAS_KEY": "false", "PLATFORM": "linux", **given}
    assert set(values) == set(step["env"])
    outputs = tmp_path / "outputs"
    outputs.unlink(missing_ok=True)
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON") or "BUILD_HOME" in name}
    environment = {**own, **values, "GITHUB_OUTPUT": str(outputs), "GITHUB_REPOSITORY": "us/pythonbuild"}
    done = subprocess.run([*BASH, step["run"]], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(line.partition("=")[::2] for line in outputs.read_text().splitlines())


def names(outputs: dict[str, str]) -> list[str]:
    shards = json.loads(outputs["pythons"])["include"]
    return [job["name"] for shard in shards for job in shard["jobs"]["include"]]


def test_a_push_plans_everything_in_shards_below_githubs_limit(tmp_path: Path) -> None:
    outputs = plan(tmp_path, STORE="s3://builds/store", HAS_KEY="true")
    shards = json.loads(outputs["pythons"])["include"]
    assert [shard["shard"] for shard in shards] == [f"{n}-of-{len(shards)}" for n in range(1, len(shards) + 1)]
    assert all(0 < len(shard["jobs"]["include"]) < 256 for shard in shards)
    assert len(set(names(outputs))) == len(names(outputs)) > 200
    # A job's output is 1 MB at most.
    assert len(outputs["pythons"]) < 1_000_000
    assert outputs["store"] == "s3://builds/store"
    first = json.loads(outputs["dependencies"])["include"]
    assert {job["target"] for job in first} == {job["target"] for shard in shards for job in shard["jobs"]["include"]}
    for key in ("name", "runner", "platform", "command", "image", "packages"):
        assert all(key in job for shard in shards for job in shard["jobs"]["include"])


def test_labels_choose_the_jobs_of_a_pull_request_and_a_fork_gets_no_store(tmp_path: Path) -> None:
    own = {"EVENT": "pull_request", "FROM": "us/pythonbuild"}
    some = names(plan(tmp_path, **own, LABELS="bug,libc:musl"))
    assert some == [
        "cpython-3.13.15-x86_64-unknown-linux-musl-noopt",
        "cpython-3.13.15-x86_64-unknown-linux-musl-noopt+static",
    ]
    fork = plan(
        tmp_path,
        EVENT="pull_request",
        FROM="them/pythonbuild",
        PLATFORM="macos",
        LABELS="ci:all-targets",
        STORE="s3://b",
    )
    assert fork["store"] == ""
    assert names(fork)
    assert not [name for name in names(fork) if "x86_64" in name]
    assert [name for name in names(plan(tmp_path, PLATFORM="macos")) if "x86_64" in name]


def test_the_workflows_know_the_matrix_without_jobs(tmp_path: Path) -> None:
    outputs = plan(tmp_path, EVENT="pull_request", FROM="us/pythonbuild", LABELS="ci:skip")
    assert outputs["pythons"] == outputs["dependencies"] == EMPTY


def test_an_unknown_label_fails_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"unknown libc 'uclibc'(.|\n)*choose one of: .*musl"):
        plan(tmp_path, EVENT="pull_request", FROM="us/pythonbuild", LABELS="libc:uclibc")


@pytest.mark.parametrize("platform", ["linux", pytest.param("macos", marks=pytest.mark.needs("ld64.lld")), "windows"])
@pytest.mark.parametrize("stage", ["pythons", "dependencies"])
def test_entry_scripts_take_the_commands(platform: str, stage: str) -> None:
    """Plans here what a runner builds; all commands are resolved in tests/unit, which has any runner's compilers."""
    (job, *_) = json.loads(run("matrix", "--ci", "--platform", platform, "--stage", stage, "--json"))["include"]
    words = [word for word in job["command"].split() if word != "py.exe"]
    engine = [] if platform == "windows" else ["--engine", "host"]
    command = [sys.executable, *words, "--output", "dist", *engine, "--plan"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for python in re.findall(r"--python (\S+)", job["command"]):
        assert f"{python} {job['target']} noopt" in " ".join(done.stdout.split())
    assert re.search(r"^\d+ steps: ", done.stdout, re.MULTILINE)


def run(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pythonbuild", *words], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_verbs_are_called_with_flags_that_they_have() -> None:
    found = []
    for _, step in all_steps():
        for words in re.findall(r"^.*?python3 -m pythonbuild (validate|test) (.*)$", step.get("run", ""), re.MULTILINE):
            parser("pythonbuild").parse_args([words[0], *words[1].split()])
            found.append(words[0])
    assert sorted(found) == ["test", "validate"]


def test_settings_that_a_repository_does_not_have_are_not_there(tmp_path: Path) -> None:
    environment = {**os.environ, "AWS_REGION": "", "PYTHONBUILD_STORE": "s3://b/p", "AWS_ENDPOINT_URL": ""}
    done = subprocess.run(
        [ROOT / ".ci/with-settings", "sh", "-c", 'env; printf "<%s>" "$@"', "sh", "a b", "c"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "PYTHONBUILD_STORE=s3://b/p" in done.stdout
    assert not re.search("^AWS_(REGION|ENDPOINT_URL|ACCESS_KEY_ID|SECRET_ACCESS_KEY)=", done.stdout, re.MULTILINE)
    assert done.stdout.endswith("<a b><c>")
    assert subprocess.run([ROOT / ".ci/with-settings", "sh", "-c", "exit 3"]).returncode == 3


def test_sums_are_of_all_files_as_an_attestation_takes_them(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    for name in ("a+b.tar.gz", "c.json"):
        (tmp_path / "dist" / name).write_text(name)
    step = step_of("build.yml", "build", "Calculate checksums")
    subprocess.run([*BASH, step["run"]], cwd=tmp_path, env={**os.environ, "NAME": "cpython-x"}, check=True)
    text = (tmp_path / "sums" / "cpython-x").read_text()
    assert [line.split("  ")[1] for line in text.splitlines()] == ["a+b.tar.gz", "c.json"]
    subprocess.run(["sha256sum", "-c", "../sums/cpython-x"], cwd=tmp_path / "dist", check=True)
    subprocess.run([*BASH, step_of("build.yml", "attest", "Join the checksums")["run"]], cwd=tmp_path, check=True)
    assert (tmp_path / "SHA256SUMS").read_text() == text


def test_a_release_without_a_place_to_go_to_says_so_first() -> None:
    script = step_of("release.yml", "destination", "Check the settings of the release")["run"]
    place = {"TO": "s3://b", "URL": "https://example.org"}
    for missing in place:
        environment = {**os.environ, **place, missing: ""}
        done = subprocess.run([*BASH, script], env=environment, capture_output=True, text=True)
        assert done.returncode == 1
        assert "::error::set two variables of the repository: PYTHONBUILD_RELEASE" in done.stdout
    assert subprocess.run([*BASH, script], env={**os.environ, **place}).returncode == 0
    needs = {name: job.get("needs") for name, job in WORKFLOWS["release.yml"]["jobs"].items()}
    assert needs == {"destination": None, "build": "destination", "publish": "build"}


@pytest.mark.parametrize("key", ["", "untrusted comment: minisign secret key\nRWQ"], ids=["unsigned", "signed"])
def test_a_release_is_published_under_its_tag_and_signed_if_there_is_a_key(key: str, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("python3", "sudo"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@" >>"$RUNNER_TEMP/called"\n')
        (programs / name).chmod(0o755)
    step = step_of("release.yml", "publish", "Publish")
    own = {"PATH": f"{programs}:{os.environ['PATH']}", "RUNNER_TEMP": str(tmp_path), "GITHUB_REF_NAME": "20261127"}
    given = {"TO": "s3://b/p", "URL": "https://example.org/p", "KEY": key}
    assert set(given) | {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL"} == set(
        step["env"]
    )
    subprocess.run([*BASH, step["run"]], cwd=ROOT, env={**own, **given}, check=True)
    called = (tmp_path / "called").read_text().splitlines()
    command = "python3 -m pythonbuild release dist --tag 20261127 --to s3://b/p --base-url https://example.org/p"
    # The verb takes these words.
    parser("pythonbuild").parse_args(command.split()[3:])
    if not key:
        assert called == [command]
        return
    file = tmp_path / "minisign.key"
    assert called[1:] == ["sudo apt-get install -qq -y minisign", f"{command} --sign minisign:{file}"]
    assert file.read_text() == f"{key}\n"
    assert file.stat().st_mode & 0o077 == 0
