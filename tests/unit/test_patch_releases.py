"""No file uses features that later patch releases of Python 3.9 to 3.11 added, often for security.

Linters know the version 3.9, not 3.9.17.  A use in the body of ``if hasattr(MODULE, ...)`` is accepted.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Union

import pytest

from pythonbuild.home import checkout

# MODULE.NAME or MODULE.NAME(KEYWORD), and the patch release of Python 3.9 that has it.
FEATURES = {
    "email.policy.verify_generated_headers": "3.9.20",
    "email.utils.getaddresses(strict)": "3.9.20",
    "email.utils.parseaddr(strict)": "3.9.20",
    "email.utils.supports_strict_parsing": "3.9.20",
    "ftplib.FTP.trust_server_pasv_ipv4_address": "3.9.3",
    "os.path.ALLOW_MISSING": "3.9.23",
    "shutil.unpack_archive(filter)": "3.9.17",
    "sys.get_int_max_str_digits": "3.9.14",
    "sys.set_int_max_str_digits": "3.9.14",
    "tarfile.AbsoluteLinkError": "3.9.17",
    "tarfile.AbsolutePathError": "3.9.17",
    "tarfile.FilterError": "3.9.17",
    "tarfile.LinkFallbackError": "3.9.23",
    "tarfile.LinkOutsideDestinationError": "3.9.17",
    "tarfile.OutsideDestinationError": "3.9.17",
    "tarfile.SpecialFileError": "3.9.17",
    "tarfile.TarFile.extract(filter)": "3.9.17",
    "tarfile.TarFile.extractall(filter)": "3.9.17",
    "tarfile.TarFile.extraction_filter": "3.9.17",
    "tarfile.data_filter": "3.9.17",
    "tarfile.fully_trusted_filter": "3.9.17",
    "tarfile.tar_filter": "3.9.17",
    "urllib.parse.parse_qs(separator)": "3.9.2",
    "urllib.parse.parse_qsl(separator)": "3.9.2",
    "xml.parsers.expat.xmlparser.GetReparseDeferralEnabled": "3.9.19",
    "xml.parsers.expat.xmlparser.SetReparseDeferralEnabled": "3.9.19",
}
# By what is written in a file: the last word, and the keyword of a call.  Which class a method is of cannot be read there.
NAMES = {feature.rpartition(".")[2]: feature for feature in FEATURES}
FILES = sorted(
    path
    for path in checkout().rglob("*.py")
    if not any(part.startswith(".") for part in path.relative_to(checkout()).parts)
)


def names_used(node: ast.AST) -> Iterator[str]:
    """Yield what a node uses, as NAMES has it."""
    if isinstance(node, ast.Attribute):
        yield node.attr
    if isinstance(node, ast.ImportFrom):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        yield from (f"{called}({keyword.arg})" for keyword in node.keywords)


def guards(test: ast.expr) -> str:
    """Return the module that a condition asks for a feature, "" if it does not."""
    if isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id == "hasattr":
        return ast.unparse(test.args[0])
    return ""


def parts(branch: Union[Sequence[ast.AST], ast.AST]) -> list[ast.AST]:
    """Return what a branch is made of: statements, or, in an expression, one expression."""
    return [branch] if isinstance(branch, ast.AST) else list(branch)


def unguarded(node: ast.AST, asked: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield "LINE: FEATURE" for each use that nothing guards."""
    for name in names_used(node):
        feature = NAMES.get(name)
        if feature and not any(feature.startswith(f"{module}.") for module in asked):
            yield f"{getattr(node, 'lineno', 0)}: {feature} is in Python {FEATURES[feature]} and newer only"
    if isinstance(node, (ast.If, ast.IfExp)):
        for branch, known in ((node.body, asked | {guards(node.test)} - {""}), (node.orelse, asked)):
            for part in parts(branch):
                yield from unguarded(part, known)
        return
    for child in ast.iter_child_nodes(node):
        yield from unguarded(child, asked)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(checkout())))
def test_no_file_needs_a_patch_release(path: Path) -> None:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError:
        # What built Pythons run may have syntax of theirs.
        assert path.parent.name == "training"
        assert sys.version_info < (3, 11)
        pytest.skip("this Python cannot read it")
    assert not list(unguarded(tree))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tar.extractall('x', filter='tar')", "1: tarfile.TarFile.extractall(filter)"),
        ("from tarfile import data_filter", "1: tarfile.data_filter"),
        ("def f():\n    return parse_qs(text, separator=';')", "2: urllib.parse.parse_qs(separator)"),
        ("if hasattr(tarfile, 'tar_filter'):\n    pass\nelse:\n    tar.extract(m, filter='tar')", "4: tarfile"),
        ("if hasattr(sys, 'set_int_max_str_digits'):\n    tar.extractall('x', filter='tar')", "2: tarfile"),
        ("if not hasattr(tarfile, 'tar_filter'):\n    tar.extractall('x', filter='tar')", "2: tarfile"),
    ],
)
def test_a_planted_use_is_found(text: str, found: str) -> None:
    (use,) = unguarded(ast.parse(text))
    assert use.startswith(found)


@pytest.mark.parametrize(
    "text",
    [
        "if hasattr(tarfile, 'tar_filter'):\n    tar.extractall('x', filter='tar')",
        "one = tarfile.data_filter if hasattr(tarfile, 'data_filter') else None",
        "tar.extractall('x')",
        "tar.add('x', filter=owned)",
    ],
)
def test_guarded_or_old_calls_are_accepted(text: str) -> None:
    assert not list(unguarded(ast.parse(text)))
