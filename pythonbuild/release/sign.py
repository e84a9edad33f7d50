"""Signatures of a release's sums, by minisign or by GnuPG: a second one of the same text has the same bytes, or is not made."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pythonbuild.errors import BadRequest, MissingPrerequisite
from pythonbuild.release.keys import check_key

__all__ = ["SUFFIXES", "Signer"]

# What signs -> the suffix of its signatures.
SUFFIXES = {"minisign": ".minisig", "gpg": ".asc"}


@dataclass(frozen=True)
class Signer:
    """What signs (minisign or gpg), and its key: a file, or what gpg knows it by."""

    program: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Signer:
        """Read minisign:FILE or gpg:KEY.

        Raises BadRequest if it is neither, or there is no such key, MissingPrerequisite if that program is not on this machine.
        """
        program, _, key = text.partition(":")
        if program not in SUFFIXES or not key:
            raise BadRequest("--sign names no key", "write minisign:FILE or gpg:KEY")
        if program == "gpg":
            check_key(key)
        elif not shutil.which(program):
            raise MissingPrerequisite(
                "signing takes minisign, which is not on this machine", "apt-get install minisign"
            )
        elif not Path(key).is_file():
            raise BadRequest(f"there is no secret key {key}", "`minisign -G -s FILE` makes one")
        return cls(program, key)

    def sign(self, file: Path, comment: str) -> bool:
        """Leave a signature beside a file; returns whether there was another one, or none.  Raises BadRequest if the key cannot sign.

        comment: what minisign signs besides: it says no time, so that the signature depends on nothing but key and file.
        """
        signature = file.with_name(file.name + SUFFIXES[self.program])
        if self.program == "gpg" and self._signed(file, signature):
            return False
        partial = signature.with_name(f".{signature.name}.partial")
        command = ["minisign", "-S", "-s", self.key, "-m", str(file), "-x", str(partial)]
        command += ["-t", comment, "-c", f"signature of {file.name}"]
        if self.program == "gpg":
            command = ["gpg", "--batch", "--yes", "--local-user", self.key, "--output", str(partial), "--armor"]
            command += ["--detach-sign", str(file)]
        # minisign asks for the key's password by standard error: what is wrong is said there, too.
        asks = None if self.program == "minisign" else subprocess.PIPE
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=asks, text=True)
        if done.returncode:
            partial.unlink(missing_ok=True)
            said = (done.stderr or "").strip().splitlines()
            raise BadRequest(
                f"{self.program} cannot sign with {self.key}{f': {said[-1]}' if said else ''}",
                "the same command goes on from here with a key that can",
            )
        changed = not signature.is_file() or signature.read_bytes() != partial.read_bytes()
        partial.replace(signature)
        return changed

    def _signed(self, file: Path, signature: Path) -> bool:
        """Is this a good signature of the file by this key?  GnuPG's name the time, so that another one would differ."""
        if not signature.is_file():
            return False
        command = ["gpg", "--batch", "--status-fd", "1", "--verify", str(signature), str(file)]
        done = subprocess.run(command, capture_output=True, text=True)
        listed = subprocess.run(
            ["gpg", "--batch", "--with-colons", "--list-secret-keys", self.key], capture_output=True, text=True
        )
        ours = {line.split(":")[9] for line in listed.stdout.splitlines() if line.startswith("fpr:")}
        valid = [line.split() for line in done.stdout.splitlines() if line.startswith("[GNUPG:] VALIDSIG")]
        return done.returncode == 0 and any(words[2] in ours for words in valid)
