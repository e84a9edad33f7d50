"""What the store keeps of a step beside its tree."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field

__all__ = ["Record", "record_from", "slug"]


@dataclass(frozen=True)
class Record:
    """What a step gave: the digest of its tree, how long it took, and the inputs its key was made of."""

    key: str
    identity: str
    inputs: dict[str, str]
    tree: str
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    sources: dict[str, str] = field(default_factory=dict)
    finished: float = 0.0

    def json(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), indent=1, sort_keys=True)


def record_from(text: str) -> Record:
    """Read what `json` returned.  Raises ValueError if it is not that."""
    try:
        return Record(**json.loads(text))
    except TypeError as error:
        raise ValueError(f"no record: {error}") from error


def slug(identity: str) -> str:
    """Return a file name for a step's identity: other characters than letters, digits, dots, + and - become _."""
    return re.sub(r"[^A-Za-z0-9.+_-]", "_", identity)
