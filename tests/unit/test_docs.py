"""Every command in the documentation parses, and every link in README leads to a file.  `tests/run.py docs` checks other links."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pythonbuild.cli.options import VERBS, parser
from pythonbuild.errors import BadRequest
from pythonbuild.flags.common import GROUPS as GROUPS_OF_FLAGS
from pythonbuild.flags.declared import flags_of
from pythonbuild.home import checkout
from tests import reference
from tests.run import GROUPS

PAGES = [checkout() / "README.md", checkout() / "CONTRIBUTING.md", *sorted((checkout() / "docs").glob("*.md"))]
SCRIPT = re.compile(r"\./(build-linux|build-macos|build-windows)\.py")
MODULE = "python3 -m pythonbuild "
TESTS = "python3 tests/run.py"


def commands(page: Path) -> list[str]:
    """Return the commands in a page's fenced blocks of shell and in its indented ones, without pipes, settings and comments."""
    text = page.read_text()
    lines = [line for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()]
    lines += re.findall(r"^ {4,}(\S.*)$", text, re.M)
    parts = [part.strip() for line in lines for part in re.split(r" \| | && ", re.sub(r"(^|\s)#.*", "", line))]
    return [re.sub(r"^([A-Z_]+=\S+ )+", "", part) for part in parts]


def words(command: str) -> list[str]:
    """Return the arguments of the program `pythonbuild` that a command has; none for other programs and for `...`."""
    if "..." in command:
        return []
    script = SCRIPT.match(command)
    if script:
        return ["build", f"--platform={script[1].partition('-')[2]}", *shlex.split(command[script.end() :])]
    return shlex.split(command[len(MODULE) :]) if command.startswith(MODULE) else []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_parses(page: Path) -> None:
    for command in commands(page):
        arguments = words(command)
        if arguments:
            try:
                parser("pythonbuild").parse_args(arguments)
            except BadRequest:
                pytest.fail(f"{page.name}: {command}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_command_names_groups_or_tests(page: Path) -> None:
    for command in commands(page):
        if command.startswith(TESTS):
            names = shlex.split(command[len(TESTS) :].partition(" -- ")[0])
            known = all(name in GROUPS or (checkout() / name.partition("::")[0]).is_file() for name in names)
            assert names[:1] == ["prove"] or known, command


def test_commands_are_found() -> None:
    """The pattern of the tests above finds what it should."""
    found = [words(command) for page in PAGES for command in commands(page)]
    assert len(list(filter(None, found))) > 40
    assert ["build", "--platform=linux", "--options", "pgo+lto"] in found


def test_links_of_readme_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)#]+)", (checkout() / "README.md").read_text())
    assert links
    assert [link for link in links if not (checkout() / link).exists()] == []


def test_paths_in_the_pages_for_developers_exist() -> None:
    for page in ("CONTRIBUTING.md", "docs/architecture.md", "docs/glossary.md"):
        text = re.sub(r"```.*?```", "", (checkout() / page).read_text(), flags=re.S)
        known = "pythonbuild|tests|cpython-unix|cpython-windows|docker|docs|benchmarks|proofs"
        paths = [path for path in re.findall(rf"`((?:{known})/[^`\s]+)`", text) if not re.search("[A-Z]{4}", path)]
        assert [path for path in paths if not list(checkout().glob(path.partition("::")[0]))] == [], page


def test_readme_is_short() -> None:
    assert len((checkout() / "README.md").read_bytes()) <= 6 * 1024


SOURCES = [path.read_text() for path in sorted((checkout() / "pythonbuild").rglob("*.py"))]


def test_every_message_of_the_troubleshooting_page_exists() -> None:
    page = (checkout() / "docs" / "troubleshooting.md").read_text()
    messages = re.findall(r"`([^`]+)`", " ".join(re.findall(r"^\*\*.*$", page, re.M)))
    parts = [part.strip() for message in messages for part in message.split("...") if part.strip()]
    assert len(parts) > 8
    assert [part for part in parts if not any(part in source for source in SOURCES)] == []


def test_every_variable_that_the_program_reads_is_documented() -> None:
    """Variables of sccache, AWS and GitHub stand for themselves: the pages name a few and say whose they are."""
    names = {
        name for source in SOURCES for name in re.findall(r'"((?:PYTHONBUILD|PYBUILD|APPLE)_[A-Z_]*[A-Z])"', source)
    }
    names |= {"DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "NO_COLOR", "DEBFULLNAME", "DEBEMAIL"}
    page = (checkout() / "docs" / "reference.md").read_text()
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def fields(schema: Any) -> Iterator[str]:
    """Yield the names of all fields of a JSON schema."""
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
        for part in schema.values():
            yield from fields(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from fields(part)


def test_every_field_of_python_json_is_documented() -> None:
    schema = json.loads((checkout() / "pythonbuild" / "validation" / "python_json.schema.json").read_text())
    page = (checkout() / "docs" / "python-json.md").read_text()
    names = set(fields(schema))
    assert len(names) > 50
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_the_page_of_commands_matches_the_declared_flags() -> None:
    assert reference.PAGE.read_text() == reference.rewritten(), f"write the page anew: {reference.COMMAND}"


def test_the_page_of_commands_has_every_verb_and_flag() -> None:
    page = reference.PAGE.read_text()
    for verb in VERBS.values():
        assert f"\n## {verb.name}\n" in page
        for _, flag in flags_of(verb.flags, GROUPS_OF_FLAGS):
            assert f"`{flag.name}" in page or not flag.text


def test_a_page_without_its_marks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("# Commands\n")
    with pytest.raises(ValueError, match=r"page\.md lacks the lines <!-- flags: begin --> and"):
        reference.rewritten(tmp_path / "page.md")
