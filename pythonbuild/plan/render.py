"""Templates to text: strict about unknown names, so that a slip is an error and not an empty string."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import jinja2

from pythonbuild.errors import BadCatalog

__all__ = ["render"]


@lru_cache(maxsize=256)
def _environment(templates: tuple[tuple[str, str], ...]) -> jinja2.Environment:
    """Return the environment of some templates, kept because it keeps them compiled."""
    return jinja2.Environment(
        loader=jinja2.DictLoader(dict(templates)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(name: str, templates: Mapping[str, str], context: Mapping[str, object]) -> str:
    """Render templates[name], which may include others of `templates`; raises BadCatalog with the template's name."""
    try:
        return _environment(tuple(templates.items())).get_template(name).render(context)
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None)
        raise BadCatalog(f"{name}{f', line {line}' if line else ''}: {error}") from None
