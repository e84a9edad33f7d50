"""A WebDAV server on loopback that keeps what clients PUT, returns it on GET, and fails on demand."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["ObjectServer", "object_server"]


class ObjectServer(ThreadingHTTPServer):
    """files: path -> content; asked: (method, path) of all requests.

    delay: seconds before each answer; status: the answer to everything (0: as it is); read_only: takes nothing; login: what the header
    Authorization has to be ("": anything); dies_after: requests until nothing is answered any more.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.delay = 0.0
        self.status = 0
        self.read_only = False
        self.login = ""
        self.dies_after: float = float("inf")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def named(self, part: str) -> list[str]:
        return sorted(name for name in self.files if part in name)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: ObjectServer
    protocol_version = "HTTP/1.1"

    def _answer(self, status: int, content: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _serve(self) -> None:
        server = self.server
        server.asked.append((self.command, self.path))
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(server.delay)
        if len(server.asked) > server.dies_after:
            self.close_connection = True
        elif server.status:
            self._answer(server.status)
        elif server.login and self.headers.get("Authorization") != server.login:
            self._answer(401)
        elif self.command == "PUT":
            if not server.read_only:
                server.files[self.path] = content
            self._answer(405 if server.read_only else 201)
        elif self.path in server.files:
            self._answer(200, server.files[self.path])
        else:
            self._answer(404)

    do_GET = do_HEAD = do_PUT = _serve  # noqa: N815  (names that http.server calls)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def object_server() -> Iterator[ObjectServer]:
    """Run a server until the end of the block."""
    server = ObjectServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    with object_server() as running:
        print(running.address, flush=True)
        threading.Event().wait()
