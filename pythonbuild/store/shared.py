"""The shared store: results of other machines, behind the store of this one.

`records/KEY.json` describes the result of a step and names the `archives/SHA256.tar.zst` with its tree.  `choices/` lists the sources
that were not built from their first archive.  An archive is named by its content and uploaded before the record that names it.  So
writers cannot harm each other, and readers find a complete entry or none.
Downloads are verified: the record must belong to the key, and the archive and the tree must match the hashes in the record.
"""

from __future__ import annotations

import hashlib
import json
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from pythonbuild.errors import DamagedArtifact, PythonBuildError
from pythonbuild.plan.step import key_of
from pythonbuild.store.connection import PATIENCE, Connection, Gone
from pythonbuild.store.packed import pack_tree, unpack_tree
from pythonbuild.store.places import Place
from pythonbuild.store.record import Record, record_from
from pythonbuild.store.trees import TreeEntry

__all__ = ["SharedStore", "Shipment"]

# A missing entry is not requested again for this many seconds.
_ABSENT = 60.0
_AT_ONCE = 16
_SENDERS = 2


@dataclass(frozen=True)
class Shipment:
    """A record of the shared store, with the SHA-256 and the size of the archive that contains its tree."""

    record: Record
    archive: str
    size: int


class SharedStore:
    """The shared store at a location.  If it fails, it reports that once and then behaves like an empty store.

    patience: seconds that an answer may take.  Several threads can use it at once.
    """

    def __init__(self, place: Place, patience: float = PATIENCE) -> None:
        self.place = place
        # Reports what happens here: takes a topic, a text, and its level (info or warning), as events.Note has them.
        self.say: Callable[[str, str, str], None] = lambda topic, text, level: None
        self.brought = self.sent = 0
        self._connection = Connection(place, patience, lambda text: self.say("shared", text, "warning"))
        self._lock = threading.Lock()
        self._known: dict[str, Shipment] = {}
        self._absent: dict[str, float] = {}
        self._spoilt: set[str] = set()
        self._choices: dict[str, str] = {}
        self._to_send: queue.Queue[tuple[Record, Path, tuple[TreeEntry, ...], Path]] = queue.Queue()
        self._senders: list[threading.Thread] = []

    # Downloads.

    def look(self, keys: Collection[str]) -> None:
        """Request the records of many keys at once, so that `find` has them."""
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="shared") as pool:
            try:
                list(pool.map(self.find, keys))
            except BaseException:
                self.close()
                raise

    def find(self, key: str, *, anew: bool = False) -> Optional[Shipment]:
        """Return the entry of a key, None if there is none or it is damaged.  anew: ask again even if it was missing a moment ago."""
        known = self._known.get(key)
        if known or (not anew and time.monotonic() - self._absent.get(key, -_ABSENT) < _ABSENT):
            return known
        name = _record_name(key)
        try:
            text = self._connection.get(name)
        except (FileNotFoundError, Gone):
            self._absent[key] = time.monotonic()
            return None
        try:
            self._known[key] = _read_shipment(text, key)
        except ValueError as error:
            self._reject(key, name, str(error))
        return self._known.get(key)

    def bring(self, shipment: Shipment, work: Path) -> Optional[Path]:
        """Download the tree of an entry into a new folder below `work`.  Return the folder, None if the archive is missing or damaged.

        The caller must check that the tree matches the record.
        """
        key, name = shipment.record.key, _archive_name(shipment.archive)
        folder = Path(tempfile.mkdtemp(dir=work, prefix="shared-"))
        try:
            self._download(name, shipment, folder / "archive")
            unpack_tree(folder / "archive", folder / "tree")
        except FileNotFoundError:
            self._reject(key, name, "its archive is missing")
        except DamagedArtifact as error:
            self._reject(key, name, error.message)
        except Gone:
            pass
        else:
            (folder / "archive").unlink()
            return folder / "tree"
        shutil.rmtree(folder)
        return None

    def taken(self, shipment: Shipment) -> None:
        """Count and report an entry that was downloaded and verified."""
        with self._lock:
            self.brought += 1
        text = f"{shipment.record.identity} ({shipment.size / 1e6:.1f} MB) from {self.place.name}"
        self.say("brought", text, "info")

    def reject(self, shipment: Shipment, reason: str) -> None:
        """Mark an entry as damaged: it is not downloaded again, and is replaced after its step has been built."""
        self._reject(shipment.record.key, _record_name(shipment.record.key), reason)

    def chosen(self, digests: Sequence[str]) -> int:
        """Return the index of the archive, among several of one source, that others have built with; 0 if none is recorded.

        digests: the SHA-256 of each archive.
        """
        name = _choice_name(digests)
        if name not in self._choices:
            try:
                self._choices[name] = self._connection.get(name).decode()
            except (FileNotFoundError, UnicodeDecodeError, Gone):
                self._choices[name] = ""
        return digests.index(self._choices[name]) if self._choices[name] in digests else 0

    def _reject(self, key: str, name: str, reason: str) -> None:
        with self._lock:
            known = self._known.pop(key, None)
            self._spoilt |= {name, _archive_name(known.archive)} if known else {name}
            self._absent[key] = float("inf")
        text = f"{self.place.name}/{name} is damaged ({reason}); this machine builds the step again and replaces it"
        self.say("shared", text, "warning")

    def _download(self, name: str, shipment: Shipment, target: Path) -> None:
        digest, done = hashlib.sha256(), 0
        with open(target, "wb") as file:
            for block in self._connection.blocks(name, shipment.size):
                done += len(block)
                digest.update(block)
                file.write(block)
                if done > shipment.size:
                    break
        if done != shipment.size:
            raise DamagedArtifact(
                f"it has {'more than ' if done > shipment.size else ''}{done} bytes instead of {shipment.size}"
            )
        if digest.hexdigest() != shipment.archive:
            raise DamagedArtifact("its SHA-256 does not match its name")

    # Uploads.

    def choose(self, digests: Sequence[str], index: int) -> None:
        """Record which of several archives of one source this machine built with, so that others compute the same keys."""
        name = _choice_name(digests)
        if self._choices.get(name) == digests[index]:
            return
        try:
            self._connection.put(name, digests[index].encode())
            self._choices[name] = digests[index]
        except Gone:
            pass

    def send(self, record: Record, tree: Path, manifest: tuple[TreeEntry, ...], work: Path) -> None:
        """Upload a record and its tree in the background; `finish` waits for it.  work: a folder for temporary files."""
        with self._lock:
            if not self._senders:
                self._senders = [threading.Thread(target=self._serve, daemon=True) for _ in range(_SENDERS)]
                for sender in self._senders:
                    sender.start()
        self._to_send.put((record, tree, manifest, work))

    def send_now(self, record: Record, tree: Path, manifest: tuple[TreeEntry, ...], work: Path) -> bool:
        """Upload a record and its tree, and return whether that succeeded.  work: a folder for temporary files."""
        if not self._connection.takes:
            return False
        with tempfile.TemporaryDirectory(dir=work, prefix="shared-") as folder:
            packed = Path(folder) / "archive"
            digest, size = pack_tree(tree, manifest, packed), packed.stat().st_size
            archive, name = _archive_name(digest), _record_name(record.key)
            try:
                if archive in self._spoilt or self._connection.size(archive) != size:
                    self._connection.put(archive, packed)
                text = json.dumps({"record": json.loads(record.json()), "archive": digest, "size": size}, indent=1)
                self._connection.put(name, text.encode())
            except Gone:
                return False
        with self._lock:
            self._spoilt -= {archive, name}
            self._absent.pop(record.key, None)
            self.sent += 1
        return True

    def waiting(self) -> int:
        """Return how many results are not uploaded yet."""
        return self._to_send.unfinished_tasks

    def finish(self) -> None:
        """Wait until everything is uploaded, or the store does not answer."""
        self._to_send.join()

    def close(self) -> None:
        """Stop all requests without waiting for answers, because the user interrupted the build."""
        self._connection.close()

    def _serve(self) -> None:
        while True:
            record, tree, manifest, work = self._to_send.get()
            try:
                self.send_now(record, tree, manifest, work)
            except (PythonBuildError, OSError) as error:
                # If the cause is a full disk or a damaged tree, the build reports it where it matters.
                self.say("shared", f"{record.identity} was not uploaded to {self.place.name}: {error}", "warning")
            finally:
                self._to_send.task_done()


def _record_name(key: str) -> str:
    return f"records/{key}.json"


def _archive_name(digest: str) -> str:
    return f"archives/{digest}.tar.zst"


def _choice_name(digests: Sequence[str]) -> str:
    return f"choices/{hashlib.sha256(' '.join(digests).encode()).hexdigest()}"


def _read_shipment(text: bytes, key: str) -> Shipment:
    """Parse a record of the shared store.  Raises ValueError if it is not a record of that key."""
    fields = json.loads(text)
    if not isinstance(fields, Mapping) or set(fields) != {"record", "archive", "size"}:
        raise ValueError("it is not a record")
    record = record_from(json.dumps(fields["record"]))
    if record.key != key or key_of(record.inputs) != key:
        raise ValueError("it is the record of another step")
    return Shipment(record, str(fields["archive"]), int(fields["size"]))
