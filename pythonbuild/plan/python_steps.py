"""The inputs of Python steps for their keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from pythonbuild.plan.step import PythonAction

__all__ = ["python_inputs"]


def python_inputs(action: PythonAction, handlers: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the inputs of a Python step, under names that people can read.

    handlers: as in PlanningFacts.  A field of the parameters that has many values is an input for each: "licenses openssl".
    """
    fields: dict[str, Any] = msgspec.to_builtins(action.parameters)
    given = dict(pair for name, value in fields.items() for pair in _inputs(name, value))
    return {**handlers.get(action.handler, {}), **given}


def _inputs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield a field as inputs: text as it is, other values as JSON."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield f"{name} {key}", _json(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield f"{name} {item['name']}", _json(item)
    else:
        yield name, _json(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()
