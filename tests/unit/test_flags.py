"""Flags are declared once, so parsed flags can be printed as the same command line."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields, replace
from typing import Any

import pytest

from pythonbuild import __version__
from pythonbuild.catalog.load import load_catalog
from pythonbuild.catalog.schema import Target
from pythonbuild.cli import options
from pythonbuild.cli.options import VERBS, parser
from pythonbuild.cli.report import command
from pythonbuild.driver.formats import choose
from pythonbuild.driver.formats.archives import Archives
from pythonbuild.driver.formats.choose import _FOR as FORMATS
from pythonbuild.driver.formats.choose import check_engine
from pythonbuild.driver.formats.oci import OciImages
from pythonbuild.errors import BadRequest, UnknownName
from pythonbuild.flags.build import BuildAllFlags, BuildFlags, RequestFlags, RunFlags, ShellFlags
from pythonbuild.flags.common import VerbFlags
from pythonbuild.flags.declared import Flag, flag_of, restricted, to_argv
from pythonbuild.home import checkout
from pythonbuild.model.formats import FLAVOURS, OTHER_FORMATS
from pythonbuild.model.naming import ArchiveFormat
from pythonbuild.model.options import OPTION_NAMES, OPTIONS, BuildOptions
from pythonbuild.model.version import PythonVersion
from pythonbuild.program import Program
from pythonbuild.request.build import check_options

NEWEST = PythonVersion.parse("3.14.0")
# A value for the flags whose readers do not take any text.
VALUES = {
    "--jobs": "3",
    "--port": "80",
    "--days": "5.0",
    "--cpus": "1.5",
    "--memory": "1048576",
    "--executor": "dask://h:1",
}


def parse(program: str, arguments: list[str]) -> tuple[options.Verb, VerbFlags]:
    return options.parse(Program.named(program), arguments)


def flags_of(verb: str) -> list[Flag]:
    return [flag for one in fields(VERBS[verb].flags) if (flag := flag_of(one))]


def words_of(flag: Flag) -> list[str]:
    """Return words that give a flag a value other than its default."""
    word = (flag.choices[-1] if flag.choices else VALUES.get(flag.name)) or "-v x"
    if flag.kind in ("switch", "either"):
        return [flag.name]
    return [f"{flag.name}={word}"] if flag.kind != "words" and word.startswith("-") else [flag.name, word.lstrip("-")]


def arguments_of(verb: str) -> list[str]:
    """Return one word for each positional argument of a verb."""
    return [_word(flag) for flag in flags_of(verb) if not flag.names]


def _word(flag: Flag) -> str:
    return flag.choices[0] if flag.choices else "dask://h:1" if "dask" in flag.name else "word"


@pytest.mark.parametrize("verb", VERBS)
def test_each_flag_of_a_verb_is_read_and_given_again(verb: str) -> None:
    for flag in flags_of(verb):
        if flag.names:
            positional = [one.name for one in flags_of(verb) if not one.names and one.name not in flag.excludes]
            given = arguments_of(verb)[: len(positional)]
            _, read = parse("pythonbuild", [*verb.split(), *given, *words_of(flag)])
            words = to_argv(read)
            assert flag.name in [word.partition("=")[0] for word in words]
            assert parse("pythonbuild", [*verb.split(), *words])[1] == read


@pytest.mark.parametrize("verb", VERBS)
def test_defaults_need_no_words(verb: str) -> None:
    _, read = parse("pythonbuild", [*verb.split(), *arguments_of(verb)])
    assert to_argv(read) == arguments_of(verb)
    assert read == VERBS[verb].flags(program=Program.named("pythonbuild"), verb=verb, **of_arguments(read, verb))


def of_arguments(read: object, verb: str) -> dict[str, Any]:
    positional = [one.name for one in fields(VERBS[verb].flags) if (flag := flag_of(one)) and not flag.names]
    return {name: getattr(read, name) for name in positional}


def test_a_negative_form_is_given_again() -> None:
    _, read = parse("build-linux.py", ["--no-sccache", "--no-freethreaded", "--format", "deb"])
    assert isinstance(read, BuildFlags)
    assert (read.sccache, read.freethreaded) == (False, False)
    assert {"--no-sccache", "--no-freethreaded"} <= set(to_argv(read))


@pytest.mark.parametrize(
    ("program", "arguments", "line"),
    [
        ("build-linux.py", ["build", "--platform=linux", "--options", "pgo"], "./build-linux.py --options pgo"),
        ("build-macos.py", ["build", "--platform=macos"], "./build-macos.py"),
        (
            "build-windows.py",
            ["build", "--platform=windows", "--vs", "2022", "--sh", r"C:\a b\sh.exe"],
            r"./build-windows.py --vs 2022 --sh 'C:\a b\sh.exe'",
        ),
        (
            "python3 -m pythonbuild",
            ["build-all", "--from", "list", "--base-image", "debian:13", "--output", "out"],
            "python3 -m pythonbuild build-all --base-image debian:13 --output out --from list",
        ),
        ("python3 -m pythonbuild", ["build"], "python3 -m pythonbuild build"),
        ("pythonbuild", ["fetch", "--offline"], "pythonbuild fetch --offline"),
    ],
)
def test_a_command_to_run_again_is_the_one_that_was_typed(program: str, arguments: list[str], line: str) -> None:
    verb, read = parse(program, arguments)
    assert sorted(shlex.split(command(read))) == sorted(shlex.split(line))
    again = shlex.split(command(read))[3 if " -m " in program else 1 :]
    hidden = [word for word in arguments if word.startswith("--platform")]
    given = [verb.name, *hidden, *again] if program.startswith("build-") else again
    assert parse(program, given)[1] == read


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("build-macos.py", ["--platform=macos"]),
        (
            "build-windows.py",
            ["--platform=windows", "--vs", "2022", "--sh", "sh.exe", "--windows-sdk-version", "10.0.1"],
        ),
        ("build-linux.py", ["--platform=linux", "--base-image", "debian:13", "--engine", "docker"]),
        ("build-linux.py", ["--platform=linux", "--format", "deb", "--fast", "--no-freethreaded", "--revision", "2"]),
    ],
)
def test_a_shell_is_asked_for_with_all_that_decides_the_plan(program: str, arguments: list[str]) -> None:
    """Otherwise the step would have another key, or not exist, as in a plan for this machine's own system."""
    _, read = parse(program, arguments)
    assert isinstance(read, RunFlags)
    shell = restricted(read, ShellFlags, program=read.program, verb="shell", step="cpython")
    again = parse("pythonbuild", shlex.split(command(shell))[3:])[1]
    assert isinstance(again, ShellFlags)
    deciding = [one.name for one in fields(ShellFlags) if (flag := flag_of(one)) and flag.plan]
    assert {name: getattr(again, name) for name in deciding} == {name: getattr(read, name) for name in deciding}
    assert again.step == "cpython"


def test_help_of_an_entry_script_lists_only_its_own_flags() -> None:
    text = parser("build-macos.py").format_help()
    assert "--target" in text
    assert not re.search(r"--distro|--vs", text)
    assert "--base-image" in text, "containers build for macOS on Linux"
    assert not re.search(r"--distro|--base-image|--engine", parser("build-windows.py").format_help())
    assert "--vs" in parser("build-windows.py").format_help()
    assert "--distro" in parser("build-linux.py").format_help()


PLATFORMS = {
    "linux": ("x86_64", ("x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl", "aarch64-unknown-linux-gnu")),
    "macos": ("x86_64", ("aarch64-apple-darwin",)),
    "windows": ("x86_64-windows", ("x86_64-pc-windows-msvc",)),
}


def words_in_help(platform: str, name: str) -> set[str]:
    """Return the words that an entry script's help lists for a flag."""
    (flag,) = (flag for flag in flags_of("build") if flag.name == name)
    known = {word for word, platforms in flag.words.items() if not platforms or platform in platforms}
    assert all(word in " ".join(parser(f"build-{platform}.py").format_help().split()) for word in known)
    return {word.partition(" ")[0] for word in known}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_help_of_a_script_lists_the_words_that_its_platform_takes(platform: str) -> None:
    catalog = load_catalog(checkout() / "cpython-unix")
    machine, triples = PLATFORMS[platform]
    targets = [catalog.target(triple) for triple in triples]

    taken = {option for option in OPTION_NAMES if any(takes(target, option) for target in targets)}
    assert words_in_help(platform, "--options") == taken
    machines = [machine, *(["aarch64-darwin"] if platform == "macos" else [])]
    compilers = {name for target in targets for each in machines for name in catalog.toolchains_for(target, each)}
    assert words_in_help(platform, "--toolchain") == compilers | {"auto"}
    symbols = {"debug_symbols"} if platform == "linux" else set()
    special = {"deb", "oci"} if platform == "linux" else set()
    assert words_in_help(platform, "--formats") == {*FLAVOURS} - {"debug_symbols"} | symbols | special


def takes(target: Target, option: str) -> bool:
    try:
        check_options(BuildOptions.parse(option), NEWEST, target)
    except BadRequest:
        return False
    return True


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_help_fits_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    text = parser("pythonbuild").format_help()
    lines = [line for line in text.splitlines() if line.startswith("    ")]
    assert max(map(len, lines)) <= columns
    assert columns < 200 or max(map(len, lines)) > 80


@pytest.mark.parametrize("platform", ["linux", "macos", "windows"])
def test_the_examples_of_help_work_on_every_platform(platform: str) -> None:
    script = f"build-{platform}.py"
    examples = re.findall(rf"^  \./{script}(.*)$", parser(script, f"./{script}").format_help(), re.MULTILINE)
    assert len(examples) == 4
    for example in examples:
        _, flags = parse(script, example.split())
        assert isinstance(flags, BuildFlags)
        options = {name for text in flags.options for name in text.split("+")}
        assert all(not OPTIONS[name].platforms or platform in OPTIONS[name].platforms for name in options)


def test_every_flag_has_a_help_text_and_no_trailing_period() -> None:
    texts = {flag.name: flag.text for verb in VERBS for flag in flags_of(verb) if flag.name != "--platform"}
    assert {name for name, text in texts.items() if text.endswith(".")} == set()
    assert {name for name, text in texts.items() if not text} == set()


def test_flags_for_something_else_are_refused_somewhere() -> None:
    """A new word of `only` needs a call of `refuse`; without one, such flags would be ignored silently."""
    kinds = {flag.only for verb in VERBS for flag in flags_of(verb)} - {""}
    sources = [path.read_text() for path in (checkout() / "pythonbuild").rglob("*.py")]
    refused = {kind for source in sources for kind in re.findall(r"""\brefuse\(\w+, "([^"]+)",""", source)}
    assert kinds == refused | set(FORMATS)


def test_flags_that_exclude_others_name_flags_of_the_same_verb() -> None:
    for verb in VERBS:
        names = {flag.name for flag in flags_of(verb)}
        excluded = {name for flag in flags_of(verb) for name in flag.excludes}
        assert excluded <= names


def test_flags_for_containers_are_refused_by_engine_host() -> None:
    _, limited = parse("build-linux.py", ["--cpus", "2"])
    _, based = parse("build-linux.py", ["--base-image", "debian:13"])
    for flags in (limited, based):
        check_engine(flags, Archives(), "docker")
        with pytest.raises(BadRequest, match="is for containers, and engine host uses none"):
            check_engine(flags, Archives(), "host")
    check_engine(based, OciImages(), "host")
    with pytest.raises(BadRequest, match="--cpus is for containers"):
        check_engine(limited, OciImages(), "host")


def test_classes_of_flags_are_their_verbs_own() -> None:
    assert isinstance(parse("pythonbuild", ["build-all"])[1], BuildAllFlags)
    assert {verb for verb, found in VERBS.items() if issubclass(found.flags, RequestFlags)} == {
        *("build", "build-all", "plan", "explain", "fetch", "shell", "features")
    }


@pytest.mark.parametrize(
    ("program", "arguments", "message", "hint"),
    [
        ("build-linux.py", ["--option", "lto"], "--option lto", "did you mean --options? ./build-linux.py --help"),
        ("build-linux.py", ["--targt=x"], "--targt=x", "did you mean --target? "),
        ("build-linux.py", ["\u2013options", "pgo"], "\u2013options pgo", "did you mean --options? "),
        ("build-linux.py", ["\u2014plan"], "\u2014plan", "did you mean --plan? "),
        ("build-linux.py", ["--no-docker"], "--no-docker", "the equivalent flag of pythonbuild is --engine host; "),
        ("build-linux.py", ["--typo"], "--typo", "./build-linux.py --help lists the flags"),
        ("build-linux.py", ["--PLAN"], "--PLAN", "did you mean --plan? "),
        ("pythonbuild", ["plan", "--jsn"], "--jsn", "did you mean --json? pythonbuild plan --help lists the flags"),
        ("pythonbuild", ["cache", "prune", "--day", "3"], "--day 3", "did you mean --days? pythonbuild cache prune"),
    ],
)
def test_an_unknown_flag_is_refused_and_the_near_one_named(
    program: str, arguments: list[str], message: str, hint: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        parse(program, arguments)
    assert caught.value.message == f"unknown flag or argument: {message}"
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["biuld"], "unknown verb 'biuld'\n  did you mean build? pythonbuild --help lists the verbs\n"),
        (["frobnicate"], "unknown verb 'frobnicate'\n  pythonbuild --help lists the verbs\n"),
        (["build", "--engine", "host", "--engine", "host"], "--engine was given twice\n"),
        (["build-all", "--executor", "foo://x", "--plan"], "'foo://x' is not the address of a scheduler"),
        (["worker", "here"], "'here' is not the address of a scheduler"),
        (["worker"], "the following arguments are required: dask://HOST:PORT\n"),
    ],
)
def test_a_mistake_is_one_error_of_two_lines(arguments: list[str], said: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse("pythonbuild", arguments)
    printed = f"{caught.value.report()}\n"
    assert said in printed
    assert len(printed.splitlines()) == 2


def test_a_verb_is_not_for_an_entry_script() -> None:
    with pytest.raises(BadRequest, match="this script only builds; cache is another command") as caught:
        parse("build-linux.py", ["cache", "list"])
    assert caught.value.hint == "run python3 -m pythonbuild cache"


def test_an_entry_script_takes_its_verb_and_no_second_platform() -> None:
    started = ["build", "--platform=linux"]
    assert parse("build-linux.py", [*started, "build", "--plan"]) == parse("build-linux.py", [*started, "--plan"])
    for words in (["--platform", "windows"], ["--plan", "--platform=linux"]):
        with pytest.raises(BadRequest, match=r"build-linux\.py builds for one platform"):
            parse("build-linux.py", [*started, *words])


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for program in ("build-linux.py", "pythonbuild"):
        with pytest.raises(SystemExit) as ended:
            parse(program, ["--version"])
        assert (ended.value.code, capsys.readouterr().out) == (0, f"pythonbuild {__version__}\n")


def test_a_build_of_a_file_is_repeated_with_the_file_alone() -> None:
    _, read = parse("python3 -m pythonbuild", ["build-all", "--from", "list", "--engine", "host"])
    rows = (("x86_64-unknown-linux-gnu", "cpython-3.13", "noopt"),)
    planned = replace(read, rows=rows, targets=(rows[0][0],), pythons=(rows[0][1],), options=(rows[0][2],))  # type: ignore[call-arg]
    assert command(planned) == "python3 -m pythonbuild build-all --engine host --from list"


@pytest.mark.parametrize("name", ["sccache", "freethreaded"])
def test_a_flag_and_its_opposite_are_refused(name: str) -> None:
    with pytest.raises(BadRequest, match=f"--no-{name} contradicts --{name}"):
        parse("build-linux.py", [f"--{name}", f"--no-{name}"])


def test_each_word_of_format_has_a_module_that_makes_it() -> None:
    assert set(choose._READERS) == set(OTHER_FORMATS)
    with pytest.raises(UnknownName, match="unknown format 'rpm'") as caught:
        ArchiveFormat.parse("rpm")
    assert "deb, oci" in caught.value.hint
