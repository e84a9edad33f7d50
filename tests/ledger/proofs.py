"""The proofs in proofs/, one file per subject.  A digest over each file reveals edits by hand."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, Optional

import msgspec
import yaml

from tests.ledger.yaml_file import YAML_ERRORS, is_plain

__all__ = [
    "Archive",
    "Given",
    "Machine",
    "Proof",
    "ProofError",
    "Result",
    "read_proof",
    "write_atomically",
    "write_proof",
]

_HEADER = "# Written by `python3 tests/run.py prove`.  Do not edit: CI compares the digest below, and repeats some of the checks.\n"
_EDITED = "was edited by hand"
_CONFLICT = "\n<<<<<<< "
_LARGEST = 1_000_000  # characters, far more than any proof has


class ProofError(Exception):
    """A proof is unusable; the text names the file, the reason and the cure."""


class Machine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The kind of machine that ran a check, without anything that identifies the machine.

    emulator: name and version, "" if the subject ran natively or was not run.
    """

    cpu: str
    cores: int
    kernel: str
    emulator: str = ""


class Given(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Inputs of step keys that the checkout does not determine.

    sources: name -> SHA-256 of each source that did not come from its first origin; packages: name -> version of the
    distribution's packages that Debian packages were built with.
    """

    sources: dict[str, str] = {}
    packages: dict[str, str] = {}


class Archive(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that was built; size in bytes."""

    sha256: str
    size: int


class Result(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The result of one check.

    digest: of the code and data of the check; skipped: reason -> number of tests; failed: names of tests;
    seconds, cpu_seconds: how long it took; date: UTC, as 2026-11-30; commit: the checkout's.
    """

    digest: str
    result: Literal["passed", "failed"]
    passed: int
    skipped: dict[str, int]
    failed: list[str]
    seconds: float
    cpu_seconds: float
    date: str
    commit: str
    machine: Machine


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The proof of a subject: the key and digests of what was built, and the result of each check.

    key: a digest of the keys of the steps that make the files; archives: kind of file -> its digest and size;
    build_seconds, build_cpu_seconds: the sum over all steps; commit, date: when these bytes were last built at this key.
    """

    subject: str
    key: str
    given: Given
    archives: Annotated[dict[str, Archive], msgspec.Meta(min_length=1)]
    build_seconds: float
    build_cpu_seconds: float
    commit: str
    date: str
    checks: Annotated[dict[str, Result], msgspec.Meta(min_length=1)]


def read_proof(path: Path) -> Optional[Proof]:
    """Read a proof; None if the file does not exist.  Raises ProofError if it differs from what `write_proof` wrote."""
    try:
        text = path.read_text(encoding="utf-8")
        if _CONFLICT in text:
            raise ProofError(f"{path.name} has conflict markers: take one side's file whole, or prove again")
        if not text.startswith(_HEADER) or len(text) > _LARGEST or not is_plain(text):
            raise _edited(path)
        content = yaml.safe_load(text)
        if not isinstance(content, dict) or content.pop("digest", None) != _digest(content) or _text(content) != text:
            raise _edited(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProofError(f"{path.name} cannot be read: {error.strerror}") from None
    except YAML_ERRORS:
        raise _edited(path) from None
    try:
        return msgspec.convert(content, Proof)
    except msgspec.ValidationError as error:
        raise ProofError(f"{path.name} cannot be used: {error}; delete it and prove again") from None


def write_proof(path: Path, proof: Proof) -> None:
    """Write a proof.  Raises ProofError if that fails."""
    try:
        write_atomically(path, _text(msgspec.to_builtins(proof)))
    except OSError as error:
        raise ProofError(f"{path.name} cannot be written: {error.strerror}") from None


def write_atomically(path: Path, text: str) -> None:
    """Write a file whole, or leave it as it is.  Raises OSError."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError:
        with suppress(OSError):  # the folder may be read-only
            partial.unlink(missing_ok=True)
        raise


def _text(content: dict[str, object]) -> str:
    """Return the text of a proof's file, the only one that `read_proof` accepts."""
    whole = {**content, "digest": _digest(content)}
    return _HEADER + yaml.safe_dump(whole, sort_keys=False, width=120, allow_unicode=True)


def _edited(path: Path) -> ProofError:
    return ProofError(f"{path.name} {_EDITED}: restore it from git, or delete it and prove again")


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
