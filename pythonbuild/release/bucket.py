"""A bucket that speaks S3: opened by an address and the variables that other clients of S3 read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from obstore.exceptions import BaseError
from obstore.store import S3Store

from pythonbuild.errors import BadRequest, UploadFailed
from pythonbuild.store.places import has_credentials, s3_client

__all__ = ["Bucket", "asking", "open_bucket"]

# A part of a large file has to be through in so many seconds.
_PATIENCE = 300.0
_RETRIES = 4


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
    if not has_credentials(settings):
        raise BadRequest(
            f"no credentials for {address}: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set",
            "set them, and for temporary ones AWS_SESSION_TOKEN",
        )
    store = s3_client(match[1], match[2].strip("/"), settings, _PATIENCE, _RETRIES)
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
