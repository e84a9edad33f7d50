"""A real server of S3's protocol (moto's) on loopback, whose bucket everybody may read, for tests of releases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from moto.server import ThreadedMotoServer

__all__ = ["KEYS", "BucketServer", "bucket_server"]

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


@contextmanager
def bucket_server() -> Iterator[BucketServer]:
    """Run the server."""
    server = BucketServer()
    try:
        yield server
    finally:
        requests.post(f"{server.endpoint}/moto-api/reset-auth", data=b"inf", timeout=10)
        server.stop()
