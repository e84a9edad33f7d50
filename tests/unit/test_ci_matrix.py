"""The jobs of CI: selection, labels of pull requests, shards, and errors in the two tables."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pythonbuild.catalog.load import CiTables, load_catalog, load_ci
from pythonbuild.catalog.schema import CiRunner, CiTarget
from pythonbuild.cli.main import main
from pythonbuild.cli.options import parse
from pythonbuild.errors import BadCatalog, UnknownName
from pythonbuild.flags.build import BuildFlags
from pythonbuild.home import checkout
from pythonbuild.host.toolchains import AppleSdk, Llvm, Msvc, Xcode
from pythonbuild.model.platforms import PLATFORMS
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.planner import make_plan
from pythonbuild.program import Program
from pythonbuild.request.build import BuildRequest, resolve
from pythonbuild.request.ci import SHARD, Job, ci_jobs, dependency_jobs, read_labels, shards
from pythonbuild.request.matrix import KINDS, Combination, matrix, read_wanted, select

CATALOG = load_catalog(checkout() / "cpython-unix")
TABLES = load_ci(checkout())
JOBS = ci_jobs(CATALOG, TABLES)
LABEL_KINDS = [kind for kind in KINDS if kind != "target"]
SDK = AppleSdk(Path("/sdk"), "macosx15.4", "15.4")


def known(kind: str) -> list[str]:
    return sorted({value for job in JOBS for value in job.values(kind)})


KNOWN = {kind: known(kind) for kind in KINDS}
FILTERS = st.dictionaries(st.sampled_from(KINDS), st.none()).flatmap(
    lambda kinds: st.fixed_dictionaries(
        {kind: st.lists(st.sampled_from(KNOWN[kind]), min_size=1, max_size=3) for kind in kinds}
    )
)


def chosen(texts: Mapping[str, list[str]], jobs: tuple[Job, ...] = JOBS) -> tuple[Job, ...]:
    for kind, words in texts.items():
        jobs = select(jobs, read_wanted(kind, words, JOBS))
    return jobs


def test_each_job_is_of_the_matrix_and_there_once() -> None:
    combinations = [job.combination for job in JOBS]
    assert len(set(combinations)) == len(combinations) > SHARD
    assert set(combinations) <= set(matrix(CATALOG))
    left_out = set(CATALOG.targets) - {combination.target.triple for combination in combinations}
    assert left_out == {"x86_64_v4-unknown-linux-gnu"}


def test_every_series_with_a_recipe_is_built_for_every_target() -> None:
    possible = {(item.target.triple, item.python.series) for item in matrix(CATALOG)}
    built = {(item.target.triple, item.python.series) for item in (job.combination for job in JOBS)}
    assert {target for target, _ in possible - built} == {"x86_64_v4-unknown-linux-gnu"}


@pytest.mark.parametrize("platform", KNOWN["platform"])
def test_each_command_asks_its_runner_for_that_python(platform: str) -> None:
    jobs = chosen({"platform": [platform]})
    assert len(jobs) > 10
    for job in jobs:
        assert asked_for(job) == job.combination


def flags_of(script: str, words: list[str]) -> BuildFlags:
    _, flags = parse(Program.named(script), words)
    assert isinstance(flags, BuildFlags)
    return flags


def asked_for(job: Job) -> Combination:
    """Return what a job's command makes its runner build, which is one Python."""
    target = job.combination.target
    words = job.command.split()
    script = next(word for word in words if word.endswith(".py")).removeprefix("./")
    assert script == f"build-{target.platform.name}.py"
    assert (checkout() / script).is_file()
    flags = flags_of(script, words[words.index("--target-triple") :])
    request = BuildRequest(
        targets=flags.targets,
        pythons=flags.pythons,
        options=flags.options,
        machine=job.runner.machine,
        engine="docker" if job.runner.platform == "linux" else "host",
        llvm=Llvm(Path("/usr/lib/llvm-22/bin"), "22"),
        xcode=Xcode(Path("/xcode"), "Apple clang version 17.0.0", SDK, SDK) if job.runner.platform == "macos" else None,
        msvc=Msvc("1", Path("sh")) if job.runner.platform == "windows" else None,
    )
    (build,) = resolve(request, CATALOG)
    return Combination(build.target, build.python, build.options)


@given(FILTERS, FILTERS)
@settings(deadline=None)
def test_filters_commute_and_only_leave_out(one: dict[str, list[str]], other: dict[str, list[str]]) -> None:
    both = chosen(other, chosen(one))
    assert both == chosen(one, chosen(other))
    assert set(both) == set(chosen(one)) & set(chosen(other))
    assert [job for job in JOBS if job in set(both)] == list(both)


@given(st.sampled_from(KINDS).flatmap(lambda kind: st.tuples(st.just(kind), st.lists(st.sampled_from(KNOWN[kind])))))
@settings(deadline=None)
def test_words_of_one_kind_are_alternatives(choice: tuple[str, list[str]]) -> None:
    kind, words = choice
    expected = {job for word in words for job in chosen({kind: [word]})} if words else set(JOBS)
    assert set(chosen({kind: words})) == expected
    assert all(chosen({kind: [word]}) for word in words)


def test_options_are_taken_in_any_order_and_exactly() -> None:
    (job,) = chosen({"build": ["lto+pgo"], "target": ["x86_64-unknown-linux-gnu"], "python": ["cpython-3.13"]})
    assert str(job.combination.options) == "pgo+lto"


@given(st.integers(0, 1500), st.integers(1, 256))
def test_every_job_is_in_exactly_one_shard(count: int, size: int) -> None:
    jobs = list(range(count))
    parts = shards(jobs, size)
    assert [job for part in parts for job in part] == jobs
    assert all(0 < len(part) <= size for part in parts)
    assert len(parts) == -(-count // size)
    assert max(map(len, parts), default=0) - min(map(len, parts), default=0) <= 1


def test_shards_keep_the_limits_of_github() -> None:
    assert len(shards(JOBS)) == 2
    assert all(len(part) < 256 and len(part) * 5 <= 1024 for part in shards(JOBS))
    assert len(dependency_jobs(JOBS, CATALOG)) < 256


def test_a_pull_request_builds_the_rows_marked_for_it() -> None:
    jobs = read_labels(["bug", "good first issue", "area:ssl"], JOBS).select(JOBS)
    assert jobs == tuple(job for job in JOBS if job.pull_request)
    assert {job.combination.target.platform.name for job in jobs} == set(PLATFORMS)
    assert not any(job.runner.expensive for job in jobs)


def test_all_targets_leave_out_runners_that_forks_may_not_use() -> None:
    assert read_labels(["ci:all-targets"], JOBS).select(JOBS) == JOBS
    of_a_fork = read_labels(["ci:all-targets"], JOBS, fork=True).select(JOBS)
    assert of_a_fork == tuple(job for job in JOBS if job.runner.forks)
    assert 0 < len(of_a_fork) < len(JOBS)


def test_the_label_skip_wins_over_all_others() -> None:
    assert read_labels(["ci:all-targets", "ci:skip", "arch:aarch64"], JOBS).select(JOBS) == ()


@given(st.sets(st.sampled_from([f"{kind}:{value}" for kind in LABEL_KINDS for value in KNOWN[kind]]), max_size=5))
@settings(deadline=None)
def test_labels_choose_as_flags_do(labels: set[str]) -> None:
    texts: dict[str, list[str]] = {}
    for label in labels:
        kind, _, value = label.partition(":")
        texts.setdefault(kind, []).append(value)
    assert read_labels([*labels, "ci:all-targets"], JOBS).select(JOBS) == chosen(texts)
    marked = tuple(job for job in chosen(texts) if job.pull_request)
    assert read_labels(sorted(labels), JOBS).select(JOBS) == marked


@pytest.mark.parametrize(
    ("label", "there_is"),
    [
        ("platform:beos", "linux, macos, windows"),
        ("arch:sparc", "s390x"),
        ("libc:uclibc", "gnu, musl"),
        ("python:3.9", "3.13"),
        ("build:pgo+fast", "noopt"),
        ("build:noopt+freethreaded+static", "noopt+static"),
        ("ci:everything", "ci:skip, ci:all-targets"),
    ],
)
def test_an_unknown_label_is_refused_with_the_known_values(label: str, there_is: str) -> None:
    with pytest.raises(UnknownName) as caught:
        read_labels(["bug", label], JOBS)
    assert all(name in caught.value.hint for name in there_is.split(", "))


def test_dependencies_of_a_target_are_built_once() -> None:
    found = dependency_jobs(JOBS, CATALOG)
    assert len({(job.target, job.toolchain) for job in found}) == len(found)
    for job in found:
        served = [item for item in JOBS if item.combination.target == job.target]
        assert len(served) > 1
        assert set(job.pythons) == {item.combination.python for item in served}
    one = JOBS[:1]
    assert dependency_jobs(one, CATALOG) == ()


def test_the_first_stage_makes_all_that_the_pythons_of_a_target_are_compiled_against() -> None:
    """What is built with --only dependencies has the keys of what each job of that target needs."""
    triple = "aarch64-unknown-linux-musl"
    world = PlanningFacts(machine="x86_64", llvm=Llvm(Path("/usr/lib/llvm-22/bin"), "22"))

    def keys(words: list[str], names: str) -> set[str]:
        flags = flags_of("build-linux.py", words[1:])
        request = BuildRequest(flags.targets, flags.pythons, flags.options, machine="x86_64", llvm=world.llvm)
        plan = make_plan(resolve(request, CATALOG), CATALOG, world)
        steps = plan.closure(list(plan.dependencies()))
        return {step.key for step in steps if re.search(names, step.identity)}

    (first,) = (job for job in dependency_jobs(JOBS, CATALOG) if job.target.triple == triple)
    made = keys(first.command.split(), "")
    for job in JOBS:
        if job.combination.target.triple == triple:
            needed = keys(job.command.split(), rf"@{triple}/zig$|^host-python")
            assert len(needed) > 15
            assert needed <= made


# What is wrong in the tables.


def tables(**changed: object) -> CiTables:
    row = CiTarget(targets=("x86_64-unknown-linux-gnu",), runner="linux", pythons=("cpython-3.13",), options=("noopt",))
    runners = [
        CiRunner(label="linux", platform="linux", arch="x86_64", expensive=False, forks=True),
        CiRunner(label="mac", platform="macos", arch="aarch64", expensive=True, forks=False),
        CiRunner(label="windows", platform="windows", arch="x86_64", expensive=True, forks=False),
    ]
    wrong = msgspec.structs.replace(row, **changed)
    other = msgspec.structs.replace(row, options=("debug",))
    return CiTables((other, wrong), {runner.label: runner for runner in runners})


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"runner": "macc"}, "unknown runner 'macc'"),
        ({"targets": ("sparc-sun-solaris",)}, "unknown target 'sparc-sun-solaris'"),
        ({"pythons": ("cpython-3.9",)}, "unknown Python 'cpython-3.9'"),
        ({"pythons": ("cpython-3.10",)}, "this Python cannot be built: x86_64-unknown-linux-gnu cpython-3.10"),
        ({"options": ("noopt+pgo",)}, "contradict"),
        ({"options": ("static",)}, "this Python cannot be built"),
        ({"pythons": ("cpython-3.12",), "options": ("freethreaded",)}, "this Python cannot be built"),
        ({"options": ("debug",)}, "is listed twice"),
        ({"options": ("noopt", "noopt")}, "is listed twice"),
        ({"runner": "mac"}, "is not built on aarch64-darwin, which mac is"),
        ({"targets": ("aarch64-apple-darwin",), "runner": "mac", "pull_request": True}, "is expensive"),
        ({"targets": ("aarch64-pc-windows-msvc",), "runner": "windows"}, "x86_64-windows cannot run Pythons for"),
    ],
)
def test_a_wrong_row_is_refused_by_its_number(changed: dict[str, object], says: str) -> None:
    with pytest.raises(BadCatalog) as caught:
        ci_jobs(CATALOG, tables(**changed))
    assert caught.value.message.startswith("ci-targets.yml, row 2: ")
    assert says in caught.value.message
    assert caught.value.hint
    assert ci_jobs(CATALOG, tables())


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("ci-targets.yml", "- {targets: [a], runner: b, pythons: [c]}", "missing required field `options`"),
        (
            "ci-targets.yml",
            "- {targets: [a], runner: b, pythons: [c], options: [d], when: never}",
            "unknown field `when`",
        ),
        ("ci-targets.yml", "- {targets: [a", "line 1"),
        ("ci-runners.yml", "- {label: a, platform: plan9, arch: b, expensive: true, forks: true}", "$[0].platform"),
        ("ci-runners.yml", "- {label: a, platform: linux, arch: b, expensive: maybe, forks: true}", "$[0].expensive"),
        (
            "ci-runners.yml",
            "- &a {label: a, platform: linux, arch: b, expensive: true, forks: true}\n- *a",
            "more than once",
        ),
    ],
)
def test_a_wrong_file_is_refused_by_its_name_and_place(tmp_path: Path, file: str, text: str, says: str) -> None:
    for name in ("ci-targets.yml", "ci-runners.yml"):
        (tmp_path / name).write_bytes((checkout() / name).read_bytes())
    assert load_ci(tmp_path) == TABLES
    (tmp_path / file).write_text(text)
    with pytest.raises(BadCatalog) as caught:
        load_ci(tmp_path)
    assert file in caught.value.message
    assert says in caught.value.message
    (tmp_path / file).unlink()
    with pytest.raises(BadCatalog, match="is missing"):
        load_ci(tmp_path)


# The verb.


def said(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    assert main(["matrix", *words], Program.named("python3 -m pythonbuild")) == status
    out, err = capsys.readouterr()
    assert bool(out) == (status == 0)
    return err if status else out


def test_filters_are_for_the_whole_matrix_too(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--arch", "s390x", "--python", "3.13.15", "--build", "lto", "--build", "noopt")
    assert said(capsys, *words).splitlines() == [
        "s390x-unknown-linux-gnu cpython-3.13.15 noopt",
        "s390x-unknown-linux-gnu cpython-3.13.15 lto",
    ]
    assert [row["options"] for row in json.loads(said(capsys, *words, "--json"))] == ["noopt", "lto"]


def test_jobs_are_shown_for_people_and_as_github_takes_them(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--ci", "--target", "aarch64-unknown-linux-musl", "--build", "debug", "--python", "3.13")
    command = "./build-linux.py --target-triple aarch64-unknown-linux-musl --python cpython-3.13.15 --options debug"
    assert said(capsys, *words) == f"ubuntu-24.04: {command}\n"
    (job,) = json.loads(said(capsys, *words, "--json"))["include"]
    image = CATALOG.images["build"]
    assert job == {
        "name": "cpython-3.13.15-aarch64-unknown-linux-musl-debug",
        "target": "aarch64-unknown-linux-musl",
        "python": "cpython-3.13.15",
        "options": "debug",
        "runner": "ubuntu-24.04",
        "platform": "linux",
        "command": command,
        "image": f"debian:trixie-slim@{image.digest}",
        "packages": "qemu-user-static musl:arm64",
    }
    assert json.loads(said(capsys, *words, "--shards")) == {
        "include": [{"shard": "1-of-1", "jobs": {"include": [job]}}]
    }


def test_a_python_that_runs_on_its_runner_needs_no_emulator(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(said(capsys, "--ci", "--platform", "linux", "--json"))["include"]
    assert {row["target"] for row in rows if not row["packages"]} == {
        "x86_64-unknown-linux-gnu",
        "x86_64_v2-unknown-linux-gnu",
        "x86_64_v3-unknown-linux-gnu",
    }


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--labels", ""), "--labels selects jobs of CI\n  add --ci"),
        (("--fork",), "--fork selects jobs of CI"),
        (("--stage", "dependencies"), "--stage selects jobs of CI"),
        (("--shards",), "--shards selects jobs of CI"),
        (("--ci", "--fork"), "--fork needs the labels of a pull request\n  add --labels"),
        (("--ci", "--platform", "beos"), "unknown platform 'beos'\n  choose one of: linux, macos, windows"),
        (("--ci", "--target", "x86_64_v4-unknown-linux-gnu"), "unknown target 'x86_64_v4-unknown-linux-gnu'"),
        (("--ci", "--labels", "ci:all-targets,arch:armv6"), "unknown arch 'armv6'\n  did you mean armv7?"),
        (("--build", "noopt+pgo"), "contradict each other"),
        (("--python", "2.7"), "unknown python '2.7'"),
    ],
)
def test_an_impossible_table_is_refused(words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert says in said(capsys, *words, status=2)
