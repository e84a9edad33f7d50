"""The provenance of archives: an in-toto statement with SLSA's provenance predicate, for signing and for policy engines.

Sources: https://in-toto.io/Statement/v1 and https://slsa.dev/spec/v1.0/provenance
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

__all__ = ["Input", "provenance"]

_BUILD_TYPE = "urn:pythonbuild:build:v1"


@dataclass(frozen=True)
class Input:
    """A file that a build used: its name, the address it came from, and its SHA-256 in hexadecimal."""

    name: str
    place: str
    sha256: str


def provenance(
    subjects: Mapping[str, str],
    request: Mapping[str, object],
    inputs: Iterable[Input],
    builder: Mapping[str, str],
    times: tuple[float, float],
) -> str:
    """Return the statement as one line of JSON.

    subjects: file name -> SHA-256 of each built file; request: the build's parameters as the user chose them; inputs: the files that
    the build used; builder: its `id`, and name -> version of its tools; times: start and end, in seconds since 1970.
    """
    tools = dict(builder)
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(subjects.items())],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": _BUILD_TYPE,
                "externalParameters": dict(request),
                "resolvedDependencies": [
                    {"name": found.name, "uri": found.place, "digest": {"sha256": found.sha256}}
                    for found in sorted(set(inputs), key=lambda found: (found.name, found.sha256))
                ],
            },
            "runDetails": {
                "builder": {"id": tools.pop("id"), "version": tools},
                "metadata": {"startedOn": _time(times[0]), "finishedOn": _time(times[1])},
            },
        },
    }
    return json.dumps(statement, sort_keys=True) + "\n"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
