"""Signs the sums of a release with minisign or GnuPG.  A second signature of the same text has equal bytes, or is not made."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pythonbuild.errors import BadRequest, MissingPrerequisite
from pythonbuild.release.keys import check_key

__all__ = ["SUFFIXES", "Signer"]

# The program that signs -> the suffix of its signatures.
SUFFIXES = {"minisign": ".minisig", "gpg": ".asc"}


@dataclass(frozen=True)
class Signer:
    """The program that signs (minisign or gpg), and its key: a file, or a name or fingerprint of gpg."""

    program: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Signer:
        """Return the signer of a text minisign:FILE or gpg:KEY.

        Raises BadRequest if the text has another form or the key does not exist, MissingPrerequisite if the program is not installed.
        """
        program, _, key = text.partition(":")
        if program not in SUFFIXES or not key:
            raise BadRequest("--sign names no key", "write minisign:FILE or gpg:KEY")
        if program == "gpg":
            check_key(key)
        elif not shutil.which(program):
            raise MissingPrerequisite("signing requires minisign, which is not installed", "apt-get install minisign")
        elif not Path(key).is_file():
            raise BadRequest(f"the secret key {key} does not exist", "`minisign -G -s FILE` creates one")
        return cls(program, key)

    def sign(self, file: Path, comment: str) -> bool:
        """Write a signature beside a file, and return True if it is new or changed.  Raises BadRequest if the key cannot sign.

        comment: additional text that minisign signs.  It must not contain the time, so that equal keys and files give equal signatures.
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
        # minisign asks for the key's password on standard error, so its error messages go to the terminal too.
        asks = None if self.program == "minisign" else subprocess.PIPE
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=asks, text=True)
        if done.returncode:
            partial.unlink(missing_ok=True)
            said = (done.stderr or "").strip().splitlines()
            raise BadRequest(
                f"{self.program} cannot sign with {self.key}{f': {said[-1]}' if said else ''}",
                "run the same command with a key that can sign; it continues from here",
            )
        changed = not signature.is_file() or signature.read_bytes() != partial.read_bytes()
        partial.replace(signature)
        return changed

    def _signed(self, file: Path, signature: Path) -> bool:
        """Return True if this is a valid signature of the file with this key.  GnuPG's contain the time, so a new one would differ."""
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
