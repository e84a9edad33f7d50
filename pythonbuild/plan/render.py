"""Renders templates.  An unknown name is an error.  Lines that start with ## are comments, and not part of the text."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from functools import lru_cache

import jinja2

from pythonbuild.errors import BadCatalog

__all__ = ["render"]

_COMMENT = re.compile(r"^[ \t]*##(.*)$", re.MULTILINE)


@lru_cache(maxsize=256)
def _environment(templates: tuple[tuple[str, str], ...]) -> jinja2.Environment:
    """Return the environment for some templates.  It is cached because it keeps them compiled."""
    texts = dict(templates)
    return jinja2.Environment(
        # With file names, so that the traceback of an error names the template and line.
        loader=jinja2.FunctionLoader(
            lambda name: (_without_comments(texts[name]), name, None) if name in texts else None
        ),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(name: str, templates: Mapping[str, str], context: Mapping[str, object], owner: str = "") -> str:
    """Render templates[name], which may include others of `templates`.

    owner: what the template belongs to, for errors.  Raises BadCatalog with the owner and the template's name and line.
    """
    try:
        return _environment(tuple(templates.items())).get_template(name).render(context)
    except jinja2.TemplateError as error:
        missing = isinstance(error, jinja2.TemplateNotFound)
        reason = f"the template {error} does not exist" if missing else str(error)
        raise BadCatalog(f"{owner and f'{owner}, '}{_place(error, templates) or name}: {reason}") from None


def _without_comments(text: str) -> str:
    """Return a template whose ## comments are Jinja's.  Every line keeps its number."""
    return _COMMENT.sub(lambda found: "{#" + found[1].replace("#}", "") + "#}", text)


def _place(error: jinja2.TemplateError, templates: Mapping[str, str]) -> str:
    """Return the template and line of an error, e.g. "build.sh.j2, line 7"; "" if they are unknown."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"{error.filename or error.name}, line {error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in templates]
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else ""
