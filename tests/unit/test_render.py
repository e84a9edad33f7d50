"""Templates: messages of errors, and comments that are not rendered."""

from __future__ import annotations

import pytest

from pythonbuild.errors import BadCatalog
from pythonbuild.plan.render import render


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("true\n{{ speed }}\n", "recipe xz, build.sh.j2, line 2: 'speed' is undefined"),
        ("{% if true %}\ntrue\n", "recipe xz, build.sh.j2, line 2: Unexpected end of template."),
        ('true\n\n{% include "gone.sh" %}\n', "recipe xz, build.sh.j2, line 3: the template gone.sh does not exist"),
        ('{% include "part.sh.j2" %}\n', "recipe xz, part.sh.j2, line 2: 'size' is undefined"),
        ("## a comment\n{{ speed }}\n", "recipe xz, build.sh.j2, line 2: 'speed' is undefined"),
    ],
)
def test_an_error_names_recipe_file_line_and_reason(script: str, message: str) -> None:
    templates = {"build.sh.j2": script, "part.sh.j2": "true\n{{ size }}\n"}
    with pytest.raises(BadCatalog) as caught:
        render("build.sh.j2", templates, {}, owner="recipe xz")
    assert caught.value.message.startswith(message)


def test_comments_are_not_in_the_text() -> None:
    assert render("script", {"script": "## why\n  ## {{ unknown }} #}\ntrue # kept\n"}, {}) == "true # kept\n"
