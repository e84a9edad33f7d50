"""Opens a bucket of the S3 protocol, with an address and the variables that other S3 clients read."""

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

# The time limit for one part of a large file, in seconds.
_PATIENCE = 300.0
_RETRIES = 4


@dataclass(frozen=True)
class Bucket:
    """An open bucket, and its address, which contains no secret."""

    address: str
    store: S3Store


def open_bucket(address: str, settings: Mapping[str, str]) -> Bucket:
    """Return the bucket of an address s3://bucket/prefix, without sending a request yet.

    settings: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION (or AWS_DEFAULT_REGION) and AWS_ENDPOINT_URL
    (or AWS_ENDPOINT_URL_S3).  Raises BadRequest if the address has another form, or credentials are missing.
    """
    match = re.fullmatch(r"s3://([a-z0-9][a-z0-9.-]+)((?:/[\w.=+-]+)*)/?", address)
    if not match or "/../" in f"{match[2]}/":
        # The given text may contain a password, so the message does not repeat it.
        raise BadRequest(
            "--to names no bucket", "write s3://bucket/prefix; credentials come from AWS_ACCESS_KEY_ID and others"
        )
    if not has_credentials(settings):
        raise BadRequest(
            f"no credentials for {address}: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set",
            "set both, and AWS_SESSION_TOKEN for temporary credentials",
        )
    store = s3_client(match[1], match[2].strip("/"), settings, _PATIENCE, _RETRIES)
    return Bucket(address.rstrip("/"), store)


@contextmanager
def asking(bucket: Bucket, what: str) -> Iterator[None]:
    """Turn the failure of a request into UploadFailed, with the request and a short reason.

    what: the request, e.g. "sending NAME".  Messages of the client and the server have many lines and may repeat credentials, so they
    are replaced with known reasons.
    """
    try:
        yield
    except FileNotFoundError:
        raise UploadFailed(f"{bucket.address}: the bucket does not exist", "create it, or correct --to") from None
    except (BaseError, OSError, ValueError) as error:
        reason, hint = _reason(str(error), type(error).__name__)
        raise UploadFailed(f"{bucket.address}: {what}: {reason}", hint) from None


_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN must belong to a user who may write to the bucket"
)
_AGAIN = "nothing is lost: the same command sends the missing files"
_UNREACHABLE = f"check AWS_ENDPOINT_URL and the network; {_AGAIN}"
# The answer of a server (a code of S3 or a status of HTTP) or of the client -> the reason, and what helps.
_REASONS = (
    (
        r"<Code>(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken)<",
        "it rejects these credentials",
        _CREDENTIALS,
    ),
    (r"<Code>ExpiredToken<", "the credentials have expired", _CREDENTIALS),
    (r"status code: 40[13]\b", "these credentials do not permit this", _CREDENTIALS),
    (r"status code: 404\b", "the bucket does not exist", "create it, or correct --to"),
    (r"status code: 30\d\b|<Code>AuthorizationHeaderMalformed<", "it is in another region", "set AWS_REGION"),
    (r"status code: (\d{3})\b", "it answers with HTTP {}", _AGAIN),
    (
        r"URL scheme is not allowed",
        "its address is not https",
        "for a server without TLS, write http:// in AWS_ENDPOINT_URL",
    ),
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
