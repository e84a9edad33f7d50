"""Checks that a signing key exists, before anything is written."""

from __future__ import annotations

import shutil
import subprocess

from pythonbuild.errors import BadRequest, MissingPrerequisite

__all__ = ["check_key"]


def check_key(key: str) -> None:
    """Raise MissingPrerequisite if gpg is not installed, BadRequest if it does not have the secret key.

    key: its name or fingerprint.
    """
    if not shutil.which("gpg"):
        raise MissingPrerequisite("signing requires gpg, which is not installed", "apt-get install gpg")
    if subprocess.run(["gpg", "--batch", "--list-secret-keys", key], capture_output=True).returncode:
        raise BadRequest(f"gpg does not have the secret key {key}", "`gpg --list-secret-keys` shows its keys")
