"""A bucket that speaks S3: opened by an address and the variables that other clients of S3 read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import S3Store

from pythonbuild.errors import BadRequest, UploadFailed

__all__ = ["Bucket", "asking", "open_bucket"]

# What gives credentials elsewhere than in the variables: a role that a container or a CI job has.
_ROLES = (
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
# A part of a large file has to be through in that time.
_PATIENCE = timedelta(minutes=5)


@dataclass(frozen=True)
class Bucket:
    """An open bucket, and the address that people may see."""

    address: str
    store: S3Store


def open_bucket(address: str, settings: Mapping[str, str]) -> Bucket:
    """Return the bucket of s3://bucket/prefix; nothing is asked of it yet.

    settings: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION (or AWS_DEFAULT_REGION) and AWS_ENDPOINT_URL
    (or AWS_ENDPOINT_URL_S3).  Raises BadRequest if that is no such address, or there are no credentials.
    """
    match = re.fullmatch(r"s3://([a-z0-9][a-z0-9.-]+)((?:/[\w.=+-]+)*)/?", address)
    if not match or "/../" in f"{match[2]}/":
        # What was given may hold a password: it is not repeated.
        raise BadRequest(
            "--to names no bucket", "write s3://bucket/prefix; credentials come from AWS_ACCESS_KEY_ID and others"
        )
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    missing = [name for name in names if not settings.get(name)]
    if missing and not any(settings.get(name) for name in _ROLES):
        raise BadRequest(
            f"no credentials for {address}: {' and '.join(missing)} not set",
            "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, for temporary ones AWS_SESSION_TOKEN",
        )
    endpoint = settings.get("AWS_ENDPOINT_URL_S3") or settings.get("AWS_ENDPOINT_URL", "")
    if endpoint and urlsplit(endpoint).scheme not in ("http", "https"):
        raise BadRequest(
            "AWS_ENDPOINT_URL is no address", "write https://host, or http://host for a server without TLS"
        )
    given = {
        "access_key_id": settings.get("AWS_ACCESS_KEY_ID", ""),
        "secret_access_key": settings.get("AWS_SECRET_ACCESS_KEY", ""),
        "token": settings.get("AWS_SESSION_TOKEN", ""),
        "region": settings.get("AWS_REGION") or settings.get("AWS_DEFAULT_REGION") or "us-east-1",
        "endpoint": endpoint,
    }
    config: Any = {name: value for name, value in given.items() if value}
    options: Any = {
        "timeout": _PATIENCE,
        "connect_timeout": timedelta(seconds=10),
        "allow_http": endpoint.startswith("http:"),
    }
    retry: Any = {"max_retries": 4, "retry_timeout": _PATIENCE}
    prefix = match[2].strip("/") or None
    store = S3Store(match[1], prefix=prefix, config=config, client_options=options, retry_config=retry)
    return Bucket(address.rstrip("/"), store)


@contextmanager
def asking(bucket: Bucket, what: str) -> Iterator[None]:
    """Turn what goes wrong with a request into UploadFailed: which request, and why, in a few words.

    What the client and the server say has many lines, and may repeat credentials: only what is known of it is passed on.
    """
    try:
        yield
    except FileNotFoundError:
        raise UploadFailed(f"{bucket.address}: there is no such bucket", "make it, or correct --to") from None
    except (BaseError, OSError, ValueError) as error:
        reason, hint = _reason(str(error), type(error).__name__)
        raise UploadFailed(f"{bucket.address}: {what}: {reason}", hint) from None


_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN have to be those of someone who may write there"
)
_AGAIN = "nothing is lost: the same command sends what is missing"
_UNREACHABLE = f"check AWS_ENDPOINT_URL and the network; {_AGAIN}"
# What a server says, as a code of S3's or a status of HTTP's, or the client -> what that means, and what helps.
_REASONS = (
    (
        r"<Code>(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken)<",
        "it does not take these credentials",
        _CREDENTIALS,
    ),
    (r"<Code>ExpiredToken<", "the credentials have expired", _CREDENTIALS),
    (r"status code: 40[13]\b", "it does not allow that with these credentials", _CREDENTIALS),
    (r"status code: 404\b", "there is no such bucket", "make it, or correct --to"),
    (r"status code: 30\d\b|<Code>AuthorizationHeaderMalformed<", "it is in another region", "set AWS_REGION"),
    (r"status code: (\d{3})\b", "it answers with HTTP {}", _AGAIN),
    (r"URL scheme is not allowed", "its address is not https", "AWS_ENDPOINT_URL says http:// where that is meant"),
    (r"operation timed out", "it does not answer in time", _AGAIN),
    (r"HTTP error: ", "it cannot be reached", _UNREACHABLE),
)


def _reason(text: str, kind: str) -> tuple[str, str]:
    """Return why a request failed, and what helps."""
    for pattern, reason, hint in _REASONS:
        match = re.search(pattern, text)
        if match:
            return reason.format(*match.groups()), hint
    return f"it fails ({kind})", _AGAIN
