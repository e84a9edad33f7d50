"""Build scripts stay readable: templates do not nest conditions deeply."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from pythonbuild.home import checkout

_TEMPLATES = sorted(path for name in ("cpython-unix", "cpython-windows") for path in (checkout() / name).rglob("*.j2"))
_DEEPEST = 2


def depth(node: nodes.Node) -> int:
    """Return how many `if` blocks enclose each other in a template; an `elif` is as deep as its `if`."""
    inside = max((depth(child) for child in node.iter_child_nodes(exclude=("elif_",))), default=0)
    others = max((depth(child) for child in node.elif_), default=0) if isinstance(node, nodes.If) else 0
    return max(inside + isinstance(node, nodes.If), others)


@pytest.mark.parametrize(
    ("text", "deep"),
    [
        ("text", 0),
        ("{% if a %}{% endif %}{% if b %}{% endif %}", 1),
        ("{% if a %}{% elif b %}{% elif c %}{% else %}{% endif %}", 1),
        ("{% if a %}{% else %}{% if b %}{% endif %}{% endif %}", 2),
        ("{% for a in b %}{% if a %}{% if b %}{% if c %}{% endif %}{% endif %}{% endif %}{% endfor %}", 3),
        ("{% if a %}{% elif b %}{% if c %}{% endif %}{% endif %}", 2),
    ],
)
def test_depth_counts_enclosing_conditions(text: str, deep: int) -> None:
    assert depth(Environment(autoescape=False).parse(text)) == deep


@pytest.mark.parametrize("path", _TEMPLATES, ids=lambda path: str(path.relative_to(checkout())))
def test_no_template_nests_conditions_deeper_than_two(path: Path) -> None:
    assert depth(Environment(autoescape=False).parse(path.read_text())) <= _DEEPEST
