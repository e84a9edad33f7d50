"""The keys of Python steps contain exactly what affects a result."""

from __future__ import annotations

import ast
import inspect
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pythonbuild.catalog.load import load_catalog
from pythonbuild.driver import handlers
from pythonbuild.driver.formats.oci import OciImages
from pythonbuild.driver.handlers import ARCHIVE_STEPS, code_digest, inputs_of
from pythonbuild.home import checkout, code
from pythonbuild.model.python_step import DistributionParameters, Part
from pythonbuild.plan.facts import PlanningFacts
from pythonbuild.plan.planner import make_plan
from pythonbuild.plan.python_steps import python_inputs
from pythonbuild.plan.step import PythonAction
from pythonbuild.request.build import BuildRequest, resolve

CATALOG = load_catalog(checkout() / "cpython-unix")
STEPS = {**ARCHIVE_STEPS, **OciImages().python_steps}
# Module -> the library that it belongs to.  Python's gzip calls the system's zlib.
LIBRARIES = {
    "cyclonedx": "cyclonedx-python-lib",
    "gzip": "zlib",
    "lief": "lief",
    "packageurl": "packageurl-python",
    "zstandard": "zstandard",
}
# Errors shape no result.  The daemon only returns an image whose ID is a parameter.
IRRELEVANT = ("pythonbuild.errors", "pythonbuild.engines.daemon")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def closure(start: str) -> tuple[set[str], set[str]]:
    """Return the modules of pythonbuild that one imports, with itself, and the libraries that these import."""
    own, others, queue = set[str](), set[str](), [start]
    while queue:
        name = queue.pop()
        place = name.replace(".", "/").removeprefix("pythonbuild/") + ".py"
        if not name.startswith("pythonbuild."):
            others.add(name.partition(".")[0])
        elif (code() / place).is_file() and place not in own and name not in IRRELEVANT:
            own.add(place)
            queue += imports(code() / place)
    return own, {LIBRARIES[module] for module in others if module in LIBRARIES}


@pytest.mark.parametrize("name", STEPS)
def test_a_key_has_all_code_and_libraries_that_its_handler_imports(name: str) -> None:
    module = inspect.getmodule(STEPS[name].run)
    assert module
    own, libraries = closure(module.__name__)
    folders = {place for place in STEPS[name].code if (code() / place).is_dir()}
    declared = {*STEPS[name].code} - folders
    declared |= {f"{folder}/{file.name}" for folder in folders for file in (code() / folder).glob("[!_]*.py")}
    assert (declared, set(STEPS[name].libraries)) == (own, libraries)


def planned() -> dict[str, PythonAction]:
    """Return the Python steps of all archives, by their keys."""
    request = BuildRequest(
        targets=("x86_64-unknown-linux-gnu",), pythons=(), options=("noopt",), machine="x86_64", engine="host"
    )
    facts = PlanningFacts("x86_64", handlers=inputs_of(ARCHIVE_STEPS))
    plan = make_plan(resolve(request, CATALOG), CATALOG, facts)
    return {step.key: step.action for step in plan if isinstance(step.action, PythonAction)}


def stale(before: dict[str, PythonAction]) -> set[str]:
    """Return the handlers of the steps whose keys are new.  Those that read what they make are stale with them."""
    return {action.handler for key, action in planned().items() if key not in before}


BEHIND_DISTRIBUTION = {"distribution", "strip", "archive"}


@pytest.mark.parametrize(
    ("library", "handlers_"),
    [
        ("cyclonedx-python-lib", BEHIND_DISTRIBUTION),
        ("packageurl-python", BEHIND_DISTRIBUTION),
        ("lief", BEHIND_DISTRIBUTION),
        ("zlib", {"archive"}),
        ("zstandard", {"archive"}),
        ("jinja2", set()),
    ],
)
def test_another_version_of_a_library_misses_the_cache(
    monkeypatch: pytest.MonkeyPatch, library: str, handlers_: set[str]
) -> None:
    before, version = planned(), handlers._version
    monkeypatch.setattr(handlers, "_version", lambda name: "0" if name == library else version(name))
    assert stale(before) == handlers_


@pytest.mark.parametrize(
    ("module", "handlers_"),
    [
        ("distribution/relocate.py", BEHIND_DISTRIBUTION),
        ("distribution/distribution_step.py", BEHIND_DISTRIBUTION),
        ("packaging/strip.py", {"strip", "archive"}),
        ("packaging/archive_step.py", {"archive"}),
        ("packaging/members.py", {"archive"}),
        ("packaging/provenance.py", set()),
        ("driver/running.py", set()),
    ],
)
def test_another_code_of_a_handler_misses_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, handlers_: set[str]
) -> None:
    before = planned()
    shutil.copytree(code(), tmp_path / "pythonbuild", ignore=shutil.ignore_patterns("data", "__pycache__"))
    with open(tmp_path / "pythonbuild" / module, "a") as file:
        file.write("# changed\n")
    monkeypatch.setattr(handlers, "code", lambda: tmp_path / "pythonbuild")
    code_digest.cache_clear()
    try:
        assert stale(before) == handlers_
    finally:
        code_digest.cache_clear()


def test_parameters_are_inputs_that_a_person_can_read() -> None:
    part = Part("openssl", "3.5.7", "https://example.org/openssl.tar.gz", "00ff", ("Apache-2.0",))
    parameters = DistributionParameters("3.13.15", "noopt", "", "x", {"openssl": ("Apache-2.0",)}, (part,))
    assert python_inputs(PythonAction("distribution", parameters), {"distribution": {"code": "1"}}) == {
        "code": "1",
        "python": "3.13.15",
        "options": "noopt",
        "abi_flags": "",
        "triple": "x",
        "licenses openssl": '["Apache-2.0"]',
        "parts openssl": '{"kind":"generic","licenses":["Apache-2.0"],"name":"openssl",'
        '"place":"https://example.org/openssl.tar.gz","sha256":"00ff","version":"3.5.7"}',
    }
