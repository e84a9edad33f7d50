"""The shared store: what other machines have made, behind the store of this one.

`records/KEY.json` says what a step gave, and in which `archives/SHA256.tar.zst` its tree is; `choices/` has which archive of a
source was built with, where that is not the first.  An archive is named by its content and written before the record that names
it, so that writers cannot harm one another, and readers find a whole entry or none.
What comes from there is checked on the way in: the record must belong to the key, archive and tree must have the hashes it says.
"""

from __future__ import annotations

import hashlib
import json
import queue
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, TypeVar, Union

import obstore
from obstore.exceptions import BaseError

from pythonbuild.errors import DamagedArtifact, PythonBuildError
from pythonbuild.plan.step import key_of
from pythonbuild.store.packed import pack_tree, unpack_tree
from pythonbuild.store.places import Place
from pythonbuild.store.record import Record, record_from
from pythonbuild.store.trees import Entry

__all__ = ["PATIENCE", "SharedStore", "Shipment"]

# Seconds until an answer must have come, and bytes that a connection must bring each second at least, or the store is taken for gone.
PATIENCE = 15.0
_SLOWEST = 256 * 1024
# Seconds for which what was not there is not asked for again.
_ABSENT = 60.0
_AT_ONCE = 16
_SENDERS = 2
_LOOK_UP = 0.2  # seconds between looks at whether an answer is still wanted
_CAUSES = (
    ("dns error", "its name is not known"),
    ("Connection refused", "connection refused"),
    ("ConnectionRefused", "connection refused"),
    ("Timeout", "it took too long"),
    ("TimedOut", "it took too long"),
    ("timed out", "it took too long"),
    ("Interrupted", "the connection broke"),
    ("error sending request", "it cannot be reached"),
)


@dataclass(frozen=True)
class Shipment:
    """A record of the shared store, and the archive its tree is in."""

    record: Record
    archive: str
    size: int


_Answer = TypeVar("_Answer")


class _Gone(Exception):
    """The shared store is not there, or not any more."""


class SharedStore:
    """The shared store at a place.  Its methods raise nothing for what is wrong with it: that is said once, and it is as if it were empty.

    patience: seconds until an answer must have come.  Used by several threads at once.
    """

    def __init__(self, place: Place, patience: float = PATIENCE) -> None:
        self.place = place
        # Gets a sentence on what goes on here, and its level: info or warning.
        self.say: Callable[[str, str], None] = lambda text, level: None
        self.brought = self.sent = 0
        self._patience = patience
        self._client = place.client(patience)
        self._lock = threading.Lock()
        self._down = self._read_only = False
        self._closed = threading.Event()
        self._known: dict[str, Shipment] = {}
        self._absent: dict[str, float] = {}
        self._spoilt: set[str] = set()
        self._choices: dict[str, str] = {}
        self._to_send: queue.Queue[tuple[Record, Path, tuple[Entry, ...], Path]] = queue.Queue()
        self._senders: list[threading.Thread] = []

    # Taking out.

    def look(self, keys: Collection[str]) -> None:
        """Ask for the records of many keys at once, so that `find` knows them."""
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="shared") as pool:
            try:
                list(pool.map(self.find, keys))
            except BaseException:
                self.close()
                raise

    def find(self, key: str, *, anew: bool = False) -> Optional[Shipment]:
        """Return what is there of a key, None if there is nothing whole.  anew: ask also if it was not there a moment ago."""
        known = self._known.get(key)
        if known or (not anew and time.monotonic() - self._absent.get(key, -_ABSENT) < _ABSENT):
            return known
        name = f"records/{key}.json"
        try:
            with self._asking():
                text = self._call(lambda: bytes(obstore.get(self._client, name).bytes()))
        except (FileNotFoundError, _Gone):
            self._absent[key] = time.monotonic()
            return None
        try:
            self._known[key] = _read_shipment(text, key)
        except ValueError as error:
            self._reject(key, name, str(error))
        return self._known.get(key)

    def bring(self, shipment: Shipment, work: Path) -> Optional[Path]:
        """Fetch a record's tree into a new folder below `work`; returns that, None if it is not there or not whole.

        That the tree is the one that the record names is still to be checked.
        """
        key, name = shipment.record.key, f"archives/{shipment.archive}.tar.zst"
        folder = Path(tempfile.mkdtemp(dir=work, prefix="shared-"))
        try:
            self._download(name, shipment, folder / "archive")
            unpack_tree(folder / "archive", folder / "tree")
        except FileNotFoundError:
            self._reject(key, name, "it is missing")
        except DamagedArtifact as error:
            self._reject(key, name, error.message)
        except _Gone:
            pass
        else:
            (folder / "archive").unlink()
            return folder / "tree"
        shutil.rmtree(folder)
        return None

    def taken(self, shipment: Shipment) -> None:
        """Count an entry that was brought, and whose tree was the right one."""
        with self._lock:
            self.brought += 1
        self.say(f"brought  {shipment.record.identity} ({shipment.size / 1e6:.1f} MB) from {self.place.name}", "info")

    def reject(self, shipment: Shipment, reason: str) -> None:
        """Take an entry for spoilt: it is not brought again, and replaced when its step has been built."""
        self._reject(shipment.record.key, f"records/{shipment.record.key}.json", reason)

    def _reject(self, key: str, name: str, reason: str) -> None:
        with self._lock:
            self._spoilt |= {
                name,
                *(f"archives/{found.archive}.tar.zst" for found in (self._known.pop(key, None),) if found),
            }
            self._absent[key] = float("inf")
        self.say(
            f"{self.place.name}/{name} is spoilt ({reason}); what it is for is built here, and replaces it", "warning"
        )

    def _download(self, name: str, shipment: Shipment, target: Path) -> None:
        digest, done = hashlib.sha256(), 0
        with open(target, "wb") as file:
            for block in self._blocks(name, shipment.size):
                done += len(block)
                digest.update(block)
                file.write(block)
                if done > shipment.size:
                    break
        if done != shipment.size:
            raise DamagedArtifact(
                f"it has {'more than ' if done > shipment.size else ''}{done} bytes of {shipment.size}"
            )
        if digest.hexdigest() != shipment.archive:
            raise DamagedArtifact("its SHA-256 is not the one it is named by")

    def _blocks(self, name: str, size: int) -> Iterator[bytes]:
        with self._asking():
            # The whole answer has to come in time: a server that stops in the middle is as good as gone.
            client = self.place.client(self._patience + size / _SLOWEST)
            blocks = self._call(lambda: iter(obstore.get(client, name).stream(min_chunk_size=1 << 20)))
        while True:
            with self._asking():
                block = self._call(lambda: bytes(next(blocks, b"")))
            if not block:
                return
            yield block

    def chosen(self, digests: Sequence[str]) -> int:
        """Return which of several archives of one source the others have built with, by their SHA-256; 0 if nobody says."""
        name = _choice(digests)
        if name not in self._choices:
            try:
                with self._asking():
                    self._choices[name] = self._call(lambda: bytes(obstore.get(self._client, name).bytes())).decode()
            except (FileNotFoundError, UnicodeDecodeError, _Gone):
                self._choices[name] = ""
        return digests.index(self._choices[name]) if self._choices[name] in digests else 0

    # Putting in.

    def choose(self, digests: Sequence[str], index: int) -> None:
        """Tell the others which of several archives of one source was built with, so that they have the same keys."""
        name = _choice(digests)
        if self._choices.get(name) == digests[index] or self._read_only:
            return
        try:
            self._put(name, digests[index].encode(), len(digests[index]))
            self._choices[name] = digests[index]
        except (FileNotFoundError, _Gone):
            pass

    def send(self, record: Record, tree: Path, manifest: tuple[Entry, ...], work: Path) -> None:
        """Put a record and its tree there, by and by; `finish` waits for it.  work: a folder for what is on its way."""
        with self._lock:
            if not self._senders:
                self._senders = [threading.Thread(target=self._serve, daemon=True) for _ in range(_SENDERS)]
                for sender in self._senders:
                    sender.start()
        self._to_send.put((record, tree, manifest, work))

    def send_now(self, record: Record, tree: Path, manifest: tuple[Entry, ...], work: Path) -> bool:
        """Put a record and its tree there; returns whether they are."""
        if self._down or self._read_only or self._closed.is_set():
            return False
        with tempfile.TemporaryDirectory(dir=work, prefix="shared-") as folder:
            packed = Path(folder) / "archive"
            digest, size = pack_tree(tree, manifest, packed), packed.stat().st_size
            name = f"archives/{digest}.tar.zst"
            try:
                if name in self._spoilt or self._size(name) != size:
                    self._put(name, packed, size)
                text = json.dumps({"record": json.loads(record.json()), "archive": digest, "size": size}, indent=1)
                self._put(f"records/{record.key}.json", text.encode(), len(text))
            except (_Gone, FileNotFoundError):
                return False
        with self._lock:
            self._absent.pop(record.key, None)
            self.sent += 1
        return True

    def waiting(self) -> int:
        """Return how many results are still to be sent."""
        return self._to_send.unfinished_tasks

    def finish(self) -> None:
        """Wait until everything is sent, or the store is gone."""
        self._to_send.join()

    def close(self) -> None:
        """Ask and send nothing more, and wait for no answer: the user wants an end."""
        self._closed.set()

    def _serve(self) -> None:
        while True:
            record, tree, manifest, work = self._to_send.get()
            try:
                self.send_now(record, tree, manifest, work)
            except (PythonBuildError, OSError) as error:
                # The build itself will meet the full disk, or the damaged tree, if it has to do with them.
                self.say(f"{record.identity} was not put into {self.place.name}: {error}", "warning")
            finally:
                self._to_send.task_done()

    def _size(self, name: str) -> int:
        """Return the size of an archive that is there, -1 if it is not."""
        try:
            with self._asking():
                return int(self._call(lambda: obstore.head(self._client, name))["size"])
        except FileNotFoundError:
            return -1

    def _put(self, name: str, content: Union[Path, bytes], size: int) -> None:
        with self._asking(writing=True):
            client = self.place.client(self._patience + size / _SLOWEST)
            multipart = None if self.place.name.startswith("s3:") else False
            self._call(lambda: obstore.put(client, name, content, use_multipart=multipart))
        self._spoilt.discard(name)

    def _call(self, request: Callable[[], _Answer]) -> _Answer:
        """Make a request in a thread of its own, as nothing can end it before its time but that nobody waits for it."""
        answer: Future[_Answer] = Future()

        def ask() -> None:
            try:
                answer.set_result(request())
            except BaseException as error:
                answer.set_exception(error)

        threading.Thread(target=ask, daemon=True).start()
        while not wait([answer], timeout=_LOOK_UP).done:
            if self._closed.is_set():
                raise _Gone
        return answer.result()

    @contextmanager
    def _asking(self, writing: bool = False) -> Iterator[None]:
        """Turn what goes wrong into _Gone, and say it once; that something is not there is FileNotFoundError."""
        if self._down or self._closed.is_set():
            raise _Gone
        try:
            yield
        except FileNotFoundError:
            if not writing:
                raise
            self._stop(writing, "HTTP 404 Not Found")
        except (BaseError, OSError, ValueError) as error:
            self._stop(writing, _reason(error))

    def _stop(self, writing: bool, reason: str) -> None:
        # Who is told no may still be given what is there.
        refused = writing and reason.startswith("HTTP")
        with self._lock:
            first = not (self._down or self._closed.is_set() or (refused and self._read_only))
            self._read_only = self._read_only or refused
            self._down = self._down or not refused
        if first and refused:
            self.say(
                f"{self.place.name} takes nothing from here ({reason}); results stay in the store of this machine",
                "warning",
            )
        elif first:
            self.say(
                f"{self.place.name} does not answer ({reason}); going on with the store of this machine alone",
                "warning",
            )
        raise _Gone


def _choice(digests: Sequence[str]) -> str:
    return f"choices/{hashlib.sha256(' '.join(digests).encode()).hexdigest()}"


def _read_shipment(text: bytes, key: str) -> Shipment:
    """Read a record of the shared store; raises ValueError if it is none for that key."""
    fields = json.loads(text)
    if not isinstance(fields, Mapping) or set(fields) != {"record", "archive", "size"}:
        raise ValueError("it is no record")
    record = record_from(json.dumps(fields["record"]))
    if record.key != key or key_of(record.inputs) != key:
        raise ValueError("it is the record of another step")
    return Shipment(record, str(fields["archive"]), int(fields["size"]))


def _reason(error: BaseException) -> str:
    """Return why a request failed, in a few words; what obstore says has several lines of details."""
    text = str(error)
    status = re.search(r"status code: (\d{3}[A-Za-z ]*)", text)
    if status:
        return f"HTTP {status[1].strip()}"
    for known, said in _CAUSES:
        if known in text:
            return said
    return text.splitlines()[0][:160] if text else type(error).__name__
