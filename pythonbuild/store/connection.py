"""Requests to a shared store.  After one request has failed, the others fail at once: a build must not wait again and again."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, Union

import obstore
from obstore.exceptions import BaseError

from pythonbuild.store.places import Place

__all__ = ["PATIENCE", "Connection", "Gone"]

# Seconds that an answer may take, and the minimum speed of a transfer in bytes per second.
PATIENCE = 15.0
_SLOWEST = 256 * 1024
_LOOK_UP = 0.2  # seconds between checks whether the connection was closed meanwhile
_CAUSES = (
    ("dns error", "unknown host name"),
    ("Connection refused", "connection refused"),
    ("ConnectionRefused", "connection refused"),
    ("Timeout", "timed out"),
    ("TimedOut", "timed out"),
    ("timed out", "timed out"),
    ("Interrupted", "the connection broke"),
    ("error sending request", "it cannot be reached"),
)
_Answer = TypeVar("_Answer")


class Gone(Exception):
    """The shared store does not answer, or rejects uploads.  A warning has been printed."""


class Connection:
    """Downloads and uploads files.

    patience: seconds that an answer may take; warn: called once if the store does not answer, and once if it rejects uploads.
    Every method raises Gone if the store does not answer, or did not earlier; `get` and `blocks` raise FileNotFoundError.
    """

    def __init__(self, place: Place, patience: float, warn: Callable[[str], None]) -> None:
        self._place = place
        self._patience = patience
        self._warn = warn
        self._client = place.client(patience)
        self._lock = threading.Lock()
        self._down = self._read_only = False
        self._closed = threading.Event()

    @property
    def takes(self) -> bool:
        """True unless an earlier request showed that the store rejects uploads or does not answer."""
        return not (self._down or self._read_only or self._closed.is_set())

    def get(self, name: str) -> bytes:
        """Return the content of a small file."""
        with self._asking():
            return self._call(lambda: bytes(obstore.get(self._client, name).bytes()))

    def blocks(self, name: str, size: int) -> Iterator[bytes]:
        """Yield the content of a file in blocks.  The size, in bytes, limits the time that the transfer may take."""
        with self._asking():
            # The limit covers the whole transfer, because a server may stop in the middle.
            client = self._place.client(self._patience + size / _SLOWEST)
            blocks = self._call(lambda: iter(obstore.get(client, name).stream(min_chunk_size=1 << 20)))
        while True:
            with self._asking():
                block = self._call(lambda: bytes(next(blocks, b"")))
            if not block:
                return
            yield block

    def size(self, name: str) -> int:
        """Return the size of a file, -1 if it does not exist."""
        try:
            with self._asking():
                return int(self._call(lambda: obstore.head(self._client, name))["size"])
        except FileNotFoundError:
            return -1

    def put(self, name: str, content: Union[Path, bytes]) -> None:
        """Upload a file.  If that fails, the file does not exist."""
        if not self.takes:
            raise Gone
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        multipart = None if self._place.name.startswith("s3:") else False
        with self._asking(writing=True):
            client = self._place.client(self._patience + size / _SLOWEST)
            self._call(lambda: obstore.put(client, name, content, use_multipart=multipart))

    def close(self) -> None:
        """Send no more requests, and do not wait for answers."""
        self._closed.set()

    def _call(self, request: Callable[[], _Answer]) -> _Answer:
        """Make a request in a thread of its own, because a request cannot be cancelled: `close` leaves the thread behind."""
        answer: Future[_Answer] = Future()

        def ask() -> None:
            try:
                answer.set_result(request())
            except BaseException as error:
                answer.set_exception(error)

        threading.Thread(target=ask, daemon=True).start()
        while not wait([answer], timeout=_LOOK_UP).done:
            if self._closed.is_set():
                raise Gone
        return answer.result()

    @contextmanager
    def _asking(self, writing: bool = False) -> Iterator[None]:
        """Turn errors of a request into Gone and print one warning.  A missing file stays FileNotFoundError."""
        if self._down or self._closed.is_set():
            raise Gone
        try:
            yield
        except FileNotFoundError:
            if not writing:
                raise
            self._stop(writing, "HTTP 404 Not Found")
        except (BaseError, OSError, ValueError) as error:
            self._stop(writing, _reason(error))

    def _stop(self, writing: bool, reason: str) -> None:
        # A store that rejects uploads may still allow downloads.
        refused = writing and reason.startswith("HTTP")
        with self._lock:
            first = not (self._down or self._closed.is_set() or (refused and self._read_only))
            self._read_only = self._read_only or refused
            self._down = self._down or not refused
        place = self._place.name
        if first and refused:
            self._warn(f"{place} accepts no uploads ({reason}); results stay in the local store")
        elif first:
            self._warn(f"{place} does not answer ({reason}); continuing with the local store")
        raise Gone


def _reason(error: BaseException) -> str:
    """Return why a request failed, in a few words.  Messages of obstore have several lines of details."""
    text = str(error)
    status = re.search(r"status code: (\d{3}[A-Za-z ]*)", text)
    if status:
        return f"HTTP {status[1].strip()}"
    for known, cause in _CAUSES:
        if known in text:
            return cause
    return text.splitlines()[0][:160] if text else type(error).__name__
