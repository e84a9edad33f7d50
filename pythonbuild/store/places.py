"""Locations of a shared store: an S3 bucket or an HTTP server, with an obstore client for each."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Union
from urllib.parse import SplitResult, unquote, urlsplit

from obstore.exceptions import BaseError
from obstore.store import HTTPStore, S3Store

from pythonbuild.errors import BadRequest

__all__ = ["Client", "Place", "has_credentials", "place_of", "s3_client"]

Client = Union[HTTPStore, S3Store]
# Variables that name a source of credentials: the role of a container or a CI job.
_ROLES = (
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
_RETRIES = 2


@dataclass(frozen=True)
class Place:
    """The location of a shared store.

    name: its address without user and password, for messages; client: returns a client, takes the time limit of a request in seconds.
    """

    name: str
    client: Callable[[float], Client]


def place_of(text: str, settings: Mapping[str, str]) -> Place:
    """Return the location that `text` names: s3://bucket/prefix, https://host/path or http://host/path.

    settings: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION (or AWS_DEFAULT_REGION) and AWS_ENDPOINT_URL, as
    other S3 clients use them; PYTHONBUILD_STORE_TOKEN for a server that requires a bearer token.  Raises BadRequest if the text names
    no location, or a setting is invalid.
    """
    try:
        parts = urlsplit(text)
        wrong = parts.scheme not in ("s3", "http", "https") or not parts.hostname or bool(parts.query or parts.fragment)
    except ValueError:
        wrong = True
    if wrong:
        # The message does not repeat the text, which may contain a password.
        raise BadRequest(
            "PYTHONBUILD_STORE is neither s3://bucket/prefix nor https://host/path",
            "correct it, or unset it to use the local store only",
        )
    place = _bucket(parts, settings) if parts.scheme == "s3" else _server(parts, settings)
    try:
        place.client(1.0)
    except (BaseError, ValueError) as error:
        # The first line names the broken rule.  The others repeat the value, which may be secret.
        reason = str(error).partition("\n")[0]
        raise BadRequest(
            f"the shared store at {place.name} has an invalid setting: {reason}",
            "correct PYTHONBUILD_STORE, or the variables with its credentials",
        ) from None
    return place


def has_credentials(settings: Mapping[str, str]) -> bool:
    """Return whether the settings contain credentials for buckets, or name a role that provides them."""
    pair = settings.get("AWS_ACCESS_KEY_ID") and settings.get("AWS_SECRET_ACCESS_KEY")
    return bool(pair) or any(settings.get(name) for name in _ROLES)


def s3_client(bucket: str, prefix: str, settings: Mapping[str, str], seconds: float, retries: int) -> S3Store:
    """Return a client for a bucket and a prefix ("" for the whole bucket).  It sends no request yet.

    settings: see `place_of`; seconds: the time limit of one request, and of all its retries together.  Raises BadRequest if the
    endpoint in the settings is not an address.
    """
    endpoint = settings.get("AWS_ENDPOINT_URL_S3") or settings.get("AWS_ENDPOINT_URL", "")
    if endpoint and urlsplit(endpoint).scheme not in ("http", "https"):
        raise BadRequest(
            "AWS_ENDPOINT_URL is not an address", "write https://host, or http://host for a server without TLS"
        )
    given = {
        "access_key_id": settings.get("AWS_ACCESS_KEY_ID", ""),
        "secret_access_key": settings.get("AWS_SECRET_ACCESS_KEY", ""),
        "token": settings.get("AWS_SESSION_TOKEN", ""),
        "region": settings.get("AWS_REGION") or settings.get("AWS_DEFAULT_REGION") or "us-east-1",
        "endpoint": endpoint,
    }
    config: Any = {name: value for name, value in given.items() if value}
    if not has_credentials(settings):
        # A public bucket can be read without credentials.
        config["skip_signature"] = True
    options = _options(seconds, endpoint.startswith("http://"))
    return S3Store(
        bucket, prefix=prefix or None, config=config, client_options=options, retry_config=_retry(seconds, retries)
    )


def _bucket(parts: SplitResult, settings: Mapping[str, str]) -> Place:
    prefix = parts.path.strip("/")

    def client(seconds: float) -> Client:
        return s3_client(parts.netloc, prefix, settings, seconds, _RETRIES)

    return Place(f"s3://{parts.netloc}{'/' + prefix if prefix else ''}", client)


def _server(parts: SplitResult, settings: Mapping[str, str]) -> Place:
    host = parts.netloc.rpartition("@")[2]
    address = f"{parts.scheme}://{host}{parts.path.rstrip('/')}"
    token = settings.get("PYTHONBUILD_STORE_TOKEN", "")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if parts.username:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}

    def client(seconds: float) -> Client:
        options = _options(seconds, parts.scheme == "http")
        options["default_headers"] = headers
        return HTTPStore(address, client_options=options, retry_config=_retry(seconds, _RETRIES))

    return Place(address, client)


def _options(seconds: float, plain: bool) -> Any:
    limit = timedelta(seconds=seconds)
    return {"timeout": limit, "connect_timeout": min(limit, timedelta(seconds=5)), "allow_http": plain}


def _retry(seconds: float, retries: int) -> Any:
    return {"max_retries": retries, "retry_timeout": timedelta(seconds=seconds)}
