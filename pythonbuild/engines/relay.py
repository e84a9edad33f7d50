"""The only ways out of a container without a network: to the hosts that sccache's settings name, each through a socket in a mounted folder.

The container knows the hosts by their names, as local addresses; a relay in it (docker/relay.py) passes what comes there to the socket,
and here a connection to the real host carries it on.  What is encrypted stays so from end to end.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Optional
from urllib.parse import SplitResult, urlsplit

__all__ = ["Relay", "Remote", "Unreachable", "remotes"]

_CONNECT = 20.0  # seconds
_PORTS = {"http": 80, "https": 443, "redis": 6379, "rediss": 6379, "tcp": 11211}
# Settings that hold the URL of a host, or several with commas between.
_URLS = (
    "SCCACHE_ENDPOINT",
    "SCCACHE_REDIS",
    "SCCACHE_REDIS_ENDPOINT",
    "SCCACHE_REDIS_CLUSTER_ENDPOINTS",
    "SCCACHE_MEMCACHED",
    "SCCACHE_MEMCACHED_ENDPOINT",
    "SCCACHE_GCS_CREDENTIALS_URL",
    "SCCACHE_GCS_OAUTH_URL",
    "SCCACHE_WEBDAV_ENDPOINT",
)


class Unreachable(Exception):
    """Where objects are kept cannot be reached from a container; the text says why."""


@dataclass(frozen=True)
class Remote:
    """A host's name, or a local address of this machine, and a port."""

    host: str
    port: int


def remotes(settings: Mapping[str, str]) -> tuple[Remote, ...]:
    """Return the hosts that the settings make sccache connect to, none for a local folder.

    Raises Unreachable for those that are known only while it runs, and for addresses in place of names.
    https://github.com/mozilla/sccache/blob/main/docs/Configuration.md
    """
    if any(name.startswith("SCCACHE_GHA_") for name in settings):
        raise Unreachable("GitHub's cache names its hosts only when it is asked")
    if "SCCACHE_GCS_KEY_PATH" in settings:
        raise Unreachable("the file of SCCACHE_GCS_KEY_PATH is not in a container")
    found = [_split(text) for name in _URLS for text in settings.get(name, "").split(",") if text.strip()]
    secure = settings.get("SCCACHE_S3_USE_SSL") == "true"
    wanted = [_remote(url, secure) for url in found]
    bucket = settings.get("SCCACHE_BUCKET", "")
    if bucket and "SCCACHE_ENDPOINT" not in settings:
        region = settings.get("SCCACHE_REGION", "us-east-1")
        wanted += [Remote(f"{part}s3.{region}.amazonaws.com", 443) for part in ("", f"{bucket}.")]
    elif settings.get("SCCACHE_S3_ENABLE_VIRTUAL_HOST_STYLE") == "true" and bucket:
        endpoint = _remote(_split(settings["SCCACHE_ENDPOINT"]), secure)
        wanted.append(Remote(f"{bucket}.{endpoint.host}", endpoint.port))
    if "SCCACHE_GCS_BUCKET" in settings:
        wanted += [Remote(f"{name}.googleapis.com", 443) for name in ("storage", "oauth2")]
    if "SCCACHE_AZURE_CONNECTION_STRING" in settings:
        wanted.append(_azure(settings["SCCACHE_AZURE_CONNECTION_STRING"]))
    return tuple(dict.fromkeys(map(_checked, wanted)))


def _split(text: str) -> SplitResult:
    return urlsplit(text.strip() if "://" in text else f"//{text.strip()}")


def _remote(url: SplitResult, secure: bool) -> Remote:
    try:
        port = url.port
    except ValueError:
        port = None
    return Remote(url.hostname or "", port or _PORTS.get(url.scheme or ("https" if secure else "http"), 443))


def _azure(connection: str) -> Remote:
    """Return the host of a connection string: that of its blobs, or what account and suffix make."""
    parts = dict(part.partition("=")[::2] for part in connection.split(";"))
    suffix = parts.get("EndpointSuffix", "core.windows.net")
    scheme = parts.get("DefaultEndpointsProtocol", "https")
    return _remote(
        _split(parts.get("BlobEndpoint") or f"{scheme}://{parts.get('AccountName', '')}.blob.{suffix}"), True
    )


def _checked(remote: Remote) -> Remote:
    if not remote.host.strip(".") or remote.host[0] == ".":
        raise Unreachable("a setting of sccache's that should be a host's address is none")
    if not _is_address(remote.host) or ipaddress.ip_address(remote.host) in ipaddress.ip_network("127.0.0.0/8"):
        return remote
    raise Unreachable(f"{remote.host} is an address, and containers know hosts by their names")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Relay:
    """The outer half: listens on a socket for each host, in a folder of its own, until `close`."""

    def __init__(self, hosts: tuple[Remote, ...], owner: Optional[tuple[int, int]]) -> None:
        """Open the sockets; owner: user and group of containers, if they are not those of this process."""
        self.hosts = hosts
        self.folder = Path(tempfile.mkdtemp(prefix="sccache-"))
        self._listeners = []
        for number, host in enumerate(hosts):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self.folder / str(number)))
            listener.listen(64)
            self._listeners.append(listener)
            if owner:
                os.chown(self.folder / str(number), *owner)
            threading.Thread(target=_serve, args=(listener, host), daemon=True).start()
        if owner:
            os.chown(self.folder, *owner)

    def addresses(self) -> dict[Remote, str]:
        """Return each host's address in a container: one a name, as two hosts may have the same port."""
        names = self.names()
        names["localhost"] = "127.0.0.1"
        return {host: names.get(host.host, host.host) for host in self.hosts}

    def names(self) -> dict[str, str]:
        """Return the names that containers have to be told, with their addresses there."""
        unknown = dict.fromkeys(
            host.host for host in self.hosts if host.host != "localhost" and not _is_address(host.host)
        )
        return {name: f"127.0.1.{number}" for number, name in enumerate(unknown, 1)}

    def close(self) -> None:
        """Let no more connections come."""
        for listener in self._listeners:
            listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _serve(listener: socket.socket, host: Remote) -> None:
    while True:
        try:
            inside, _ = listener.accept()
        except OSError:  # closed
            return
        threading.Thread(target=_carry, args=(inside, host), daemon=True).start()


def _carry(inside: socket.socket, host: Remote) -> None:
    try:
        outside = socket.create_connection((host.host, host.port), _CONNECT)
    except OSError:
        inside.close()
        return
    outside.settimeout(None)
    back = threading.Thread(target=_pump, args=(outside, inside), daemon=True)
    back.start()
    _pump(inside, outside)
    back.join()
    inside.close()
    outside.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Carry bytes one way; the end of them is handed on, so that the other way may go on."""
    try:
        while block := source.recv(65536):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
