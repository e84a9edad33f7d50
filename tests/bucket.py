"""A real server of S3's protocol (moto's) on loopback, whose bucket everybody may read, for tests of releases."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import requests
from moto.server import ThreadedMotoServer

__all__ = ["KEYS", "BucketServer", "Cable", "bucket_server"]

# What must not be found in anything that is printed.
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAPLANTEDPLANTED00", "AWS_SECRET_ACCESS_KEY": "planted/secret+access/key"}


class BucketServer:
    """The server; it can be stopped and started again at the same port, and keeps what it has."""

    name = "pythons"

    def __init__(self) -> None:
        self.port = 0
        self.start()
        requests.post(f"{self.endpoint}/moto-api/reset", timeout=10)
        requests.put(f"{self.endpoint}/{self.name}", timeout=10)
        everybody = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{self.name}/*",
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
        requests.put(f"{self.endpoint}/{self.name}?policy", data=policy, timeout=10)

    def start(self) -> None:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._server.start()
        _, self.port = self._server.get_host_and_port()

    def stop(self) -> None:
        self._server.stop()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """Where people read the releases that are sent to `to`."""
        return f"{self.endpoint}/{self.name}/python"

    @property
    def to(self) -> str:
        return f"s3://{self.name}/python"

    @property
    def variables(self) -> dict[str, str]:
        return {**KEYS, "AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": "us-east-1"}

    def get(self, name: str) -> requests.Response:
        """Read a file as everybody can."""
        return requests.get(f"{self.base_url}/{name.replace('+', '%2B')}", timeout=30)

    def refuse(self) -> None:
        """From now on credentials are looked at, and none is known."""
        requests.post(f"{self.endpoint}/moto-api/reset-auth", data=b"0", timeout=10)


class Cable:
    """A way to a server that is cut after so many bytes went there: whoever is connected then loses it, and nobody else gets through."""

    def __init__(self, port: int, length: int) -> None:
        self._server = ("127.0.0.1", port)
        self._left = length
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        # Who is in accept() or recv() is woken by this, and not by closing.
        for end in (self._listener, *self._open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._open += [client, server]
                threading.Thread(target=self._forward, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._forward, args=(server, client, False), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with suppress(OSError), source, target:
            while block := source.recv(1 << 16):
                with self._lock:
                    self._left -= len(block) if counted else 0
                    if self._left < 0:
                        self.cut()
                        return
                target.sendall(block)


@contextmanager
def bucket_server() -> Iterator[BucketServer]:
    """Run the server."""
    server = BucketServer()
    try:
        yield server
    finally:
        requests.post(f"{server.endpoint}/moto-api/reset-auth", data=b"inf", timeout=10)
        server.stop()
