"""Is the key that is to sign there?  Asked before anything is made."""

from __future__ import annotations

import shutil
import subprocess

from pythonbuild.errors import BadRequest, MissingPrerequisite

__all__ = ["check_key"]


def check_key(key: str) -> None:
    """Raise MissingPrerequisite if this machine has no GnuPG, BadRequest if that has no such secret key (a name or a fingerprint)."""
    if not shutil.which("gpg"):
        raise MissingPrerequisite("signing takes gpg, which is not on this machine", "apt-get install gpg")
    if subprocess.run(["gpg", "--batch", "--list-secret-keys", key], capture_output=True).returncode:
        raise BadRequest(f"gpg knows no secret key {key}", "`gpg --list-secret-keys` shows those that it has")
