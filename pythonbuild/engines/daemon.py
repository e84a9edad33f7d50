"""The container daemon (dockerd, or Podman's service): how to reach it, what it reports, and how its failures are handled.

API: https://docs.docker.com/reference/api/engine/ (Podman serves the same).
"""

from __future__ import annotations

import os
import socket
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Optional, Union, cast

import docker
import docker.errors
import requests
import urllib3
from docker.api.client import APIClient

from pythonbuild.errors import EngineLost, EngineUnavailable
from pythonbuild.home import expanded
from pythonbuild.locks import lock

__all__ = ["Daemon", "Lease"]

_TIMEOUT = 120  # seconds for one answer; the output of a running step has no limit
_NAME = "pythonbuild"
_HOST_HINT = "or use --engine host, which isolates a build on this machine without containers"


class Daemon:
    """A daemon that answers.  Each thread has a client of its own, because threads cannot share one."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._local = threading.local()
        self._lock = threading.Lock()
        # Seconds spent waiting for the daemon's answers, over all threads.
        self.seconds = 0.0
        with _reachable(address):
            said = self._client().version()
            info = self._client().info()
        self.version = str(said["Version"])
        self.product = "Podman" if any("Podman" in part["Name"] for part in said.get("Components") or ()) else "Docker"
        options = " ".join(info.get("SecurityOptions") or ())
        # Users inside are other users outside: files of a mounted folder would not belong to the container's user.
        self.maps_users = "name=rootless" in options or "name=userns" in options

    @classmethod
    def connect(cls) -> Daemon:
        """Return the daemon of DOCKER_HOST, or the first that has a socket.  Raises EngineUnavailable if none answers."""
        given = os.environ.get("DOCKER_HOST")
        return cls(given if given else f"unix://{_socket()}")

    def _client(self) -> APIClient:
        if not hasattr(self._local, "client"):
            version = getattr(self, "_api_version", "auto")
            client = docker.DockerClient(
                base_url=self.address,
                version=version,
                timeout=_TIMEOUT,
                tls=_tls(),
                use_ssh_client=True,
            ).api
            self._api_version = client.api_version
            self._local.client = client
        return cast(APIClient, self._local.client)

    @contextmanager
    def calls(self, doing: str) -> Iterator[APIClient]:
        """Yield a client, and count the time.  Raises EngineLost, with what it was `doing`, if the daemon stops answering."""
        started = time.monotonic()
        try:
            with self.lost(doing):
                yield self._client()
        finally:
            with self._lock:
                self.seconds += time.monotonic() - started

    @contextmanager
    def lost(self, doing: str) -> Iterator[None]:
        """Turn a broken connection into EngineLost."""
        try:
            yield
        except docker.errors.APIError as error:
            raise EngineLost(f"{self.product} refused to {doing}: {error.explanation or error}") from error
        except (
            docker.errors.DockerException,
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
        ) as error:
            raise self.gone(doing) from error

    def gone(self, doing: str) -> EngineLost:
        """Return the error for a daemon that went away."""
        return EngineLost(
            f"{self.product} at {self.address} stopped answering when asked to {doing}; what was finished is in the store",
            "start it again and run the same command, " + _HOST_HINT,
        )

    def has_image(self, name: str) -> bool:
        """Return whether the daemon has an image of that name."""
        with self.calls("look for an image") as api:
            try:
                api.inspect_image(name)  # type: ignore[no-untyped-call]
            except docker.errors.ImageNotFound:
                return False
            return True

    def image_has(self, image: str, path: str) -> bool:
        """Return whether an image contains a file or a link at an absolute path.  The container for the question never runs."""
        with self.calls("look into an image") as api:
            container = api.create_container(image, ["true"])["Id"]
            try:
                stream, _ = api.get_archive(container, path)
                stream.close()
            except docker.errors.NotFound:
                return False
            finally:
                api.remove_container(container, force=True, v=True)
            return True

    def remove_leftovers(self, folder: Path) -> int:
        """Remove containers of earlier runs that were killed; return how many.  folder: where leases are."""
        with self.calls("list containers") as api:
            found = api.containers(all=True, filters={"label": [f"{_NAME}.host={socket.gethostname()}"]})
        dead = [item for item in found if not Lease.held(folder, item["Labels"].get(f"{_NAME}.lease", ""))]
        for item in dead:
            with self.calls("remove a container that was left behind") as api:
                try:
                    api.remove_container(item["Id"], force=True, v=True)
                except docker.errors.APIError as error:
                    if error.status_code not in (404, 409):  # gone, or going, already
                        raise
        return len(dead)


class Lease:
    """A lock file held as long as this process lives, so that a later run recognizes containers that were left behind."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{os.getpid()}-{time.time_ns()}.lease"
        self._file: Optional[IO[str]] = open(self._path, "w")  # noqa: SIM115  (open as long as the lease is held)
        lock(self._file)
        # The path includes the folder: another cache on the same host has its own runs.
        self.labels = {
            f"{_NAME}.host": socket.gethostname(),
            f"{_NAME}.lease": str(self._path),
        }

    def close(self) -> None:
        """Release the lock and delete its file."""
        if self._file:
            self._path.unlink(missing_ok=True)
            self._file.close()
            self._file = None

    @staticmethod
    def held(folder: Path, name: str) -> bool:
        """Return whether a living process holds that lease.  A lease in another cache's folder counts as held."""
        path = Path(name)
        if path.parent != folder:
            return True
        try:
            with open(path) as file:
                if not lock(file, wait=False):
                    return True
        except OSError:
            return False
        path.unlink(missing_ok=True)
        return False


def _socket() -> str:
    """Return the first socket that exists of the defaults of Docker and Podman.  Raises EngineUnavailable if none does."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    places = [
        f"{runtime}/docker.sock",
        "/var/run/docker.sock",
        f"{runtime}/podman/podman.sock",
        "/run/podman/podman.sock",
    ]
    for place in places:
        try:
            if stat.S_ISSOCK(os.stat(place).st_mode):
                return place
        except OSError:
            continue
    raise EngineUnavailable(
        "no container daemon found: Docker and Podman have no socket here, and DOCKER_HOST is not set",
        "install and start one (on Debian: apt-get install docker.io; or podman, and systemctl --user start podman.socket),\n"
        "set DOCKER_HOST to another one,\n" + _HOST_HINT,
    )


def _tls() -> Union[docker.tls.TLSConfig, bool]:
    """Return the client's certificates, found as by Docker's own client: DOCKER_TLS_VERIFY, DOCKER_CERT_PATH."""
    if not os.environ.get("DOCKER_TLS_VERIFY"):
        return False
    folder = expanded(os.environ.get("DOCKER_CERT_PATH") or "~/.docker")
    return docker.tls.TLSConfig(
        client_cert=(str(folder / "cert.pem"), str(folder / "key.pem")), ca_cert=str(folder / "ca.pem"), verify=True
    )


@contextmanager
def _reachable(address: str) -> Iterator[None]:
    """Turn the errors of a first connection into EngineUnavailable, with the reason."""
    try:
        yield
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        text = f"{error!r} {error.__cause__!r}"
        if "PermissionError" in text:
            raise EngineUnavailable(
                f"this user may not use the container daemon at {address}",
                f"{_entry(address)},\n{_HOST_HINT}",
            ) from error
        raise EngineUnavailable(
            f"no container daemon answers at {address} ({_reason(text, error)})",
            f"{_start(address)},\n{_HOST_HINT}",
        ) from error


def _entry(address: str) -> str:
    """Return how a user gets access to a daemon's socket."""
    if "podman" in address:
        return "start a daemon of your own, without root: systemctl --user start podman.socket"
    return "let root add you to its group (usermod -aG docker NAME), and log in again"


def _start(address: str) -> str:
    """Return how to get an answer from a daemon."""
    if os.environ.get("DOCKER_HOST"):
        return "DOCKER_HOST names this daemon: start it, correct the address, or unset DOCKER_HOST to use a local one"
    if "podman" in address:
        return f"start it: systemctl {'--user ' if '/user/' in address else ''}start podman.socket"
    return "start it: service docker start (or systemctl start docker; add --user for a daemon without root)"


def _reason(text: str, error: Exception) -> str:
    """Return a short reason; text: the error and its cause, as Python prints them."""
    for known, words in (
        ("FileNotFoundError", "the socket does not exist"),
        ("Connection refused", "connection refused"),
        ("timed out", "timed out"),
        ("Name or service not known", "unknown host"),
        ("name resolution", "unknown host"),
    ):
        if known in text:
            return words
    return str(error)[:200]
