"""Reading YAML that anybody may have changed: which errors PyYAML raises for it, and what can make it huge."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

__all__ = ["YAML_ERRORS", "has_aliases", "load_yaml"]

_Model = TypeVar("_Model")
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


def has_aliases(text: str) -> bool:
    """Does YAML text refer to parts of itself?  A few lines of it can then stand for gigabytes.  Raises YAML_ERRORS."""
    return any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader))
