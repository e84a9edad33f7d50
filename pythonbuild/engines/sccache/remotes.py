"""The hosts that sccache's settings name."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

__all__ = ["Remote", "Unreachable", "remotes"]

_PORTS = {"http": 80, "https": 443, "redis": 6379, "rediss": 6379, "tcp": 11211}
# Settings that contain the URL of a host, or several URLs separated by commas.
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
    """Containers cannot reach the place for objects; the text is the reason."""


@dataclass(frozen=True)
class Remote:
    """A host's name, or a local address of this machine, and a port."""

    host: str
    port: int

    @property
    def is_address(self) -> bool:
        """Is the host an address, not a name?"""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True


def remotes(settings: Mapping[str, str]) -> tuple[Remote, ...]:
    """Return the hosts to which the settings make sccache connect, none if they name no remote cache.

    Raises Unreachable for hosts that are known only while sccache runs, and for addresses instead of names.
    https://github.com/mozilla/sccache/blob/main/docs/Configuration.md
    """
    if any(name.startswith("SCCACHE_GHA_") for name in settings):
        raise Unreachable("the hosts of GitHub's cache are not known in advance")
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
    """Return the host in a connection string: of BlobEndpoint, else made from account and suffix."""
    parts = dict(part.partition("=")[::2] for part in connection.split(";"))
    suffix = parts.get("EndpointSuffix", "core.windows.net")
    scheme = parts.get("DefaultEndpointsProtocol", "https")
    return _remote(
        _split(parts.get("BlobEndpoint") or f"{scheme}://{parts.get('AccountName', '')}.blob.{suffix}"), True
    )


def _checked(remote: Remote) -> Remote:
    if not remote.host.strip(".") or remote.host[0] == ".":
        raise Unreachable("a setting of sccache that should name a host does not")
    if not remote.is_address or ipaddress.ip_address(remote.host) in ipaddress.ip_network("127.0.0.0/8"):
        return remote
    raise Unreachable(f"{remote.host} is an address, and containers find hosts by name")
