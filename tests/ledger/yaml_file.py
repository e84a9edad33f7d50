"""Reads YAML from untrusted files: errors of PyYAML, and limits on size."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

__all__ = ["YAML_ERRORS", "is_plain", "load_yaml"]

_Model = TypeVar("_Model")
_DEEPEST = 20  # levels of nesting
# Explicit tags such as !!int with text that is none give any of the last five.
YAML_ERRORS = (yaml.YAMLError, RecursionError, ValueError, TypeError, LookupError, AttributeError)


def load_yaml(path: Path, model: type[_Model]) -> _Model:
    """Read a YAML file as `model`.  Raises ValueError, with the file's name and the reason, if that fails."""
    try:
        return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), model)
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror}") from None
    except (*YAML_ERRORS, msgspec.ValidationError) as error:
        raise ValueError(f"{path.name}: {error}") from None


def is_plain(text: str) -> bool:
    """Is YAML text free of aliases, which let a few lines stand for gigabytes, and of deep nesting, which takes minutes?

    Raises YAML_ERRORS.
    """
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > _DEEPEST:
            return False
    return True
