"""Requests to the place of a shared store.  It is taken for gone at the first that fails: a build must not wait for it again and again."""

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

# Seconds until an answer must have come, and bytes that a connection must bring each second at least.
PATIENCE = 15.0
_SLOWEST = 256 * 1024
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
_Answer = TypeVar("_Answer")


class Gone(Exception):
    """The place is not there, or not any more, or takes nothing; that was said."""


class Connection:
    """Gets and puts files.  Every method raises Gone when the place does not answer, now or before; `get` and `blocks` FileNotFoundError.

    patience: seconds until an answer must have come; warn: is told, once, that it does not answer, or takes nothing.
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
        """May something be put there, as far as is known?"""
        return not (self._down or self._read_only or self._closed.is_set())

    def get(self, name: str) -> bytes:
        """Return the content of a small file."""
        with self._asking():
            return self._call(lambda: bytes(obstore.get(self._client, name).bytes()))

    def blocks(self, name: str, size: int) -> Iterator[bytes]:
        """Yield the content of a file of about that size, block by block."""
        with self._asking():
            # The whole answer has to come in time: a server that stops in the middle is as good as gone.
            client = self._place.client(self._patience + size / _SLOWEST)
            blocks = self._call(lambda: iter(obstore.get(client, name).stream(min_chunk_size=1 << 20)))
        while True:
            with self._asking():
                block = self._call(lambda: bytes(next(blocks, b"")))
            if not block:
                return
            yield block

    def size(self, name: str) -> int:
        """Return the size of a file, -1 if it is not there."""
        try:
            with self._asking():
                return int(self._call(lambda: obstore.head(self._client, name))["size"])
        except FileNotFoundError:
            return -1

    def put(self, name: str, content: Union[Path, bytes]) -> None:
        """Put a file there, whole or not at all."""
        if not self.takes:
            raise Gone
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        multipart = None if self._place.name.startswith("s3:") else False
        with self._asking(writing=True):
            client = self._place.client(self._patience + size / _SLOWEST)
            self._call(lambda: obstore.put(client, name, content, use_multipart=multipart))

    def close(self) -> None:
        """Ask nothing more, and wait for no answer."""
        self._closed.set()

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
                raise Gone
        return answer.result()

    @contextmanager
    def _asking(self, writing: bool = False) -> Iterator[None]:
        """Turn what goes wrong into Gone, and say it once; that something is not there is FileNotFoundError."""
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
        # Who is told no may still be given what is there.
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
    """Return why a request failed, in a few words; what obstore says has several lines of details."""
    text = str(error)
    status = re.search(r"status code: (\d{3}[A-Za-z ]*)", text)
    if status:
        return f"HTTP {status[1].strip()}"
    for known, said in _CAUSES:
        if known in text:
            return said
    return text.splitlines()[0][:160] if text else type(error).__name__
