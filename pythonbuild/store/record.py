"""Records: what the store knows about the result of a step, apart from the files."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field

__all__ = ["Record", "record_from", "slug"]


@dataclass(frozen=True)
class Record:
    """The result of a step: the digest of its tree, how long it took, and the inputs that make its key."""

    key: str
    identity: str
    inputs: dict[str, str]
    tree: str
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    sources: dict[str, str] = field(default_factory=dict)
    finished: float = 0.0

    def json(self) -> str:
        """Return the record as JSON."""
        return json.dumps(asdict(self), indent=1, sort_keys=True)


def record_from(text: str) -> Record:
    """Parse the output of `Record.json`.  Raises ValueError if the text is something else."""
    try:
        return Record(**json.loads(text))
    except TypeError as error:
        raise ValueError(f"not a record: {error}") from error


def slug(identity: str) -> str:
    """Return a file name for a step's identity: other characters than letters, digits, dots, + and - become _."""
    return re.sub(r"[^A-Za-z0-9.+_-]", "_", identity)
