"""Events as text."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pythonbuild import events
from pythonbuild.cli.options import parse
from pythonbuild.errors import BadRequest
from pythonbuild.flags.build import BuildFlags
from pythonbuild.program import Program
from pythonbuild.ui.github import GithubObserver
from pythonbuild.ui.jsonl import JsonObserver
from pythonbuild.ui.plain import PlainObserver
from pythonbuild.ui.text import Style, failure_block
from pythonbuild.units import seconds, size

FAILURE = events.Failure(
    step="openssl",
    seconds=67.0,
    reason="its script exited with 2",
    first_error="a.c:41: error: unknown type",
    context=("gcc -c a.c", "a.c:41: error: unknown type", "make: *** Error 1"),
    log=Path("/logs/openssl.log"),
    root=Path("/roots/openssl"),
    skipped=("cpython",),
)


def plain(*happened: events.Event, verbose: bool = False) -> list[str]:
    stream = io.StringIO()
    observer = PlainObserver(stream, Style("never", stream), verbose)
    for event in happened:
        observer(event)
    return stream.getvalue().splitlines()


def test_a_failure_block_has_all_that_a_person_needs() -> None:
    text = failure_block(
        FAILURE, Style("never", io.StringIO()), "./build-linux.py", "python3 -m pythonbuild shell openssl"
    )
    assert text.splitlines()[0] == "FAILED openssl after 1:07: its script exited with 2"
    assert "    > a.c:41: error: unknown type" in text
    for part in ("/logs/openssl.log", "shell openssl", "retry     ./build-linux.py", "skipped   cpython"):
        assert part in text


def test_a_script_that_printed_no_error_can_be_traced_in_its_root() -> None:
    silent = replace(FAILURE, silent=True)
    style = Style("never", io.StringIO())
    shown = [failure_block(failure, style, "retry", enter) for failure in (silent, FAILURE) for enter in ("enter", "")]
    assert ["sh -eux build.sh" in text for text in shown] == [True, False, False, False]


def test_output_of_steps_is_shown_only_with_verbose() -> None:
    event = events.StepOutput("zlib", "gcc -c adler32.c")
    assert plain(event) == []
    assert plain(event, verbose=True) == ["zlib| gcc -c adler32.c"]


def test_cached_skipped_and_built_are_different_words() -> None:
    lines = plain(
        events.StepCached("a"), events.StepSkipped("b", "c"), events.StepFinished("d", 12.3, 20.1), verbose=True
    )
    assert [line.split()[0] for line in lines] == ["cached", "skipped", "done"]


def test_a_download_is_announced_once() -> None:
    lines = plain(*(events.Download("zlib", "https://zlib.net/", done, 1_500_000) for done in (0, 10, 20)))
    assert lines == ["fetch    zlib (1.5 MB)"]


def test_a_job_of_github_folds_each_step_and_annotates_errors() -> None:
    stream = io.StringIO()
    observer = GithubObserver(stream, Style("never", stream))
    for event in (
        events.StepOutput("zlib", "gcc -c adler32.c"),
        events.StepOutput("openssl", "a.c:41: error: unknown type"),
        events.StepFinished("zlib", 1.0, 1.0),
        events.StepFailed(FAILURE),
        events.Note("", "100 % full\nreally", "warning"),
    ):
        observer(event)
    assert stream.getvalue().splitlines() == [
        "::group::output of zlib",
        "gcc -c adler32.c",
        "::endgroup::",
        "done     zlib in 1.0 s (CPU 1.0 s)",
        "::group::output of openssl",
        "a.c:41: error: unknown type",
        "::endgroup::",
        "::error title=openssl failed::a.c:41: error: unknown type",
        "::warning title=pythonbuild::100 %25 full%0Areally",
    ]


def test_the_topic_of_a_note_is_a_column_of_text() -> None:
    lines = plain(
        events.Note("engine", "host, 2 jobs at once"),
        events.Note("shared", "3 results from s3://bucket, 0 to it"),
        events.Note("", "making the image"),
        events.Note("shared", "s3://bucket does not answer", "warning"),
    )
    assert lines == [
        "engine   host, 2 jobs at once",
        "shared   3 results from s3://bucket, 0 to it",
        "making the image",
        "warning: s3://bucket does not answer",
    ]


def test_the_topic_of_a_note_is_a_field_of_json() -> None:
    stream = io.StringIO()
    JsonObserver(stream, verbose=False)(events.Note("engine", "host, 2 jobs at once"))
    value = json.loads(stream.getvalue())
    assert (value["topic"], value["text"], value["level"]) == ("engine", "host, 2 jobs at once", "info")


def test_json_lines_can_be_read_back() -> None:
    stream = io.StringIO()
    JsonObserver(stream, verbose=False)(events.StepFailed(FAILURE))
    value = json.loads(stream.getvalue())
    assert value["event"] == "StepFailed"
    assert value["failure"]["log"] == "/logs/openssl.log"


@pytest.mark.parametrize(("value", "text"), [(0.44, "0.4 s"), (59.4, "59 s"), (61, "1:01"), (3600, "60:00")])
def test_durations(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(512, "512 B"), (1500, "1.5 kB"), (53_153_930, "53.2 MB"), (2_000_000_000, "2.0 GB")]
)
def test_sizes(value: int, text: str) -> None:
    assert size(value) == text


def test_target_and_target_triple_are_the_same_flag() -> None:
    _, flags = parse(Program.named("build-linux.py"), ["--target", "a", "--target-triple", "b"])
    assert isinstance(flags, BuildFlags)
    assert flags.targets == ("a", "b")


def test_flags_must_be_whole() -> None:
    with pytest.raises(BadRequest):
        parse(Program.named("build-linux.py"), ["--opt", "noopt"])
