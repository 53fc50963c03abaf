"""Signature Version 4 of a request: read strictly, and verified with the caller's secret.

AWS General Reference and IAM User Guide, "AWS Signature Version 4 for API requests"; Amazon S3 API
Reference, "Authenticating Requests (AWS Signature Version 4)". Nothing here knows whose key it is:
the secret comes from `credentials`.

What the emulator reads of a request later (the first `Credential=` that it finds, say) must be what
was verified here. So a signature has one spelling: whatever is doubled, missing or more is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from urllib.parse import parse_qsl, quote

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
S3_SERVICES = frozenset({"s3", "s3-object-lambda", "s3-outposts", "s3express"})
"""Amazon S3 API Reference: these sign the path as it is sent, and may leave the payload out."""

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()

_FIELDS = ("Credential", "SignedHeaders", "Signature")
_QUERY = ("Algorithm", "Credential", "Date", "SignedHeaders", "Signature")
_OPTIONAL = ("Expires", "Security-Token")
_NAMES = {f"x-amz-{each.lower()}" for each in (*_QUERY, *_OPTIONAL)} | {"awsaccesskeyid"}
_CREDENTIAL = re.compile(
    r"(?P<key>[A-Za-z0-9_-]{1,128})/(?P<date>[0-9]{8})/(?P<region>[a-z0-9-]{1,64})"
    r"/(?P<service>[A-Za-z0-9-]{1,64})/aws4_request"
)
_HEADER_NAMES = re.compile(r"[a-z0-9_.-]+(;[a-z0-9_.-]+)*")
_HEX = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details."
)


class SignatureError(Exception):
    """A request that isn't signed as it must be: AWS's code of the fault, and its message."""

    def __init__(self, code: str, message: str) -> None:
        """Keep both."""
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class Call:
    """A request as it came in: the path as sent, headers in lower case, doubled ones joined."""

    method: str
    raw_path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes = b""

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        """The decoded parameters, in the order in which they came."""
        return parse_qsl(self.query_string, keep_blank_values=True)


@dataclass(frozen=True)
class Signature:
    """What a signature says: whose it is, for what, when, over which headers.

    `expires_s` is a presigned request's; None where the signature is in a header.
    """

    access_key_id: str
    date: str
    region: str
    service: str
    timestamp: str
    headers: tuple[str, ...]
    value: str
    token: str
    is_in_query: bool
    expires_s: int | None = None

    @property
    def scope(self) -> str:
        """The credential scope: what the signing key is good for."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"

    @property
    def is_s3(self) -> bool:
        """Whether S3's rules of path and payload count."""
        return self.service in S3_SERVICES


def claims_an_identity(call: Call) -> bool:
    """Return whether a request carries any form of AWS credentials, good or bad."""
    names = {name.lower() for name, _ in call.query}
    return call.headers.get("authorization", "").lower().startswith("aws") or bool(
        names & {"x-amz-credential", "x-amz-signature", "x-amz-algorithm", "awsaccesskeyid"}
    )


def signature_of(call: Call) -> Signature:
    """Read the signature of a request; SignatureError when it has none, or no whole one."""
    authorization = call.headers.get("authorization", "")
    if not claims_an_identity(call) and not authorization:
        raise SignatureError(
            "MissingAuthenticationToken", "Request is missing Authentication Token"
        )
    parameters = {name for name, _ in call.query if _is_of_a_signature(name)}
    if authorization and parameters:
        raise _incomplete("only one of the Authorization header and the query may sign a request")
    found = _in_header(call, authorization) if authorization else _in_query(call)
    _require_signed_headers(call, found)
    return found


def verify(call: Call, signature: Signature, secret: str, payload_hash: str) -> None:
    """Raise SignatureError unless the signature is what `secret` makes of the request."""
    expected = _signed(
        signing_key(secret, signature), _string_to_sign(call, signature, payload_hash)
    )
    if not hmac.compare_digest(expected, signature.value):
        raise mismatch()


def mismatch() -> SignatureError:
    """Return the error of a signature, or a payload, that doesn't belong to the request."""
    return SignatureError("SignatureDoesNotMatch", _MISMATCH)


def signing_key(secret: str, signature: Signature) -> bytes:
    """Return the key that signs in the signature's scope, computed once for each scope."""
    return _derived(secret, signature.date, signature.region, signature.service)


def _in_header(call: Call, authorization: str) -> Signature:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        raise _unsupported(algorithm)
    pairs = [part.strip().partition("=")[::2] for part in rest.split(",")]
    fields = dict(pairs)
    if len(pairs) != len(_FIELDS) or set(fields) != set(_FIELDS):
        raise _incomplete("the Authorization header needs Credential, SignedHeaders and Signature")
    timestamp = call.headers.get("x-amz-date", "")
    token = call.headers.get("x-amz-security-token", "")
    return _checked(fields, timestamp, token, expires_s=None)


def _in_query(call: Call) -> Signature:
    pairs = [(name, value) for name, value in call.query if _is_of_a_signature(name)]
    fields = {name.removeprefix("X-Amz-"): value for name, value in pairs}
    if not set(_QUERY) <= set(fields) <= {*_QUERY, *_OPTIONAL} or len(pairs) != len(fields):
        raise (
            _unsupported("AWSAccessKeyId")
            if "AWSAccessKeyId" in fields
            else _incomplete(
                f"the query needs each of {', '.join(f'X-Amz-{name}' for name in _QUERY)} once"
            )
        )
    if fields["Algorithm"] != ALGORITHM:
        raise _unsupported(fields["Algorithm"])
    expires = fields.get("Expires", "")
    if not re.fullmatch(r"[0-9]{1,6}", expires) or not 1 <= int(expires) <= 604_800:
        raise _incomplete("X-Amz-Expires must be from 1 to 604800 seconds")
    return _checked(
        fields, fields["Date"], fields.get("Security-Token", ""), expires_s=int(expires)
    )


def _checked(
    fields: Mapping[str, str], timestamp: str, token: str, *, expires_s: int | None
) -> Signature:
    scope = _CREDENTIAL.fullmatch(fields["Credential"])
    names, value = fields["SignedHeaders"], fields["Signature"]
    if scope is None:
        raise _incomplete("Credential must be KEY/DATE/REGION/SERVICE/aws4_request")
    if not _HEADER_NAMES.fullmatch(names) or not _HEX.fullmatch(value):
        raise _incomplete("SignedHeaders or Signature is malformed")
    if not _DATE.fullmatch(timestamp):
        raise _incomplete("X-Amz-Date must be the time in the form 20261130T235959Z")
    if timestamp[:8] != scope["date"]:
        raise _incomplete("the date in Credential is not that of X-Amz-Date")
    return Signature(
        access_key_id=scope["key"],
        date=scope["date"],
        region=scope["region"],
        service=scope["service"],
        timestamp=timestamp,
        headers=tuple(names.split(";")),
        value=value,
        token=token,
        is_in_query=expires_s is not None,
        expires_s=expires_s,
    )


def _require_signed_headers(call: Call, signature: Signature) -> None:
    """IAM User Guide, "Create a signed request": `host` and all `x-amz-…` headers are signed.

    A session's token may be added afterwards, as some clients do; it is compared by itself.
    """
    demanded = {name for name in call.headers if name.startswith("x-amz-")}
    missing = ({"host"} | demanded - {"x-amz-security-token"}) - set(signature.headers)
    if missing:
        raise _incomplete(f"not signed: {', '.join(sorted(missing))}")


def _string_to_sign(call: Call, signature: Signature, payload_hash: str) -> str:
    canonical = "\n".join(
        [
            call.method,
            call.raw_path if signature.is_s3 else _normalized(call.raw_path),
            _canonical_query(call),
            *(f"{name}:{_trimmed(call.headers.get(name, ''))}" for name in signature.headers),
            "",
            ";".join(signature.headers),
            payload_hash,
        ]
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return f"{ALGORITHM}\n{signature.timestamp}\n{signature.scope}\n{digest}"


def _canonical_query(call: Call) -> str:
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in call.query
        if name != "X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def _normalized(raw_path: str) -> str:
    """Return the path without dots and doubled slashes, encoded once more (but not for S3)."""
    kept: list[str] = []
    for segment in raw_path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in {"", "."}:
            kept.append(segment)
    end = "/" if kept and raw_path.endswith("/") else ""
    return quote(f"/{'/'.join(kept)}{end}", safe="/-_.~")


def _trimmed(value: str) -> str:
    return " ".join(value.split())


def _signed(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=1024)
def _derived(secret: str, *scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (*scope, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _is_of_a_signature(name: str) -> bool:
    return name.lower() in _NAMES


def _incomplete(why: str) -> SignatureError:
    return SignatureError("IncompleteSignature", f"The request's signature is incomplete: {why}")


def _unsupported(algorithm: str) -> SignatureError:
    # Amazon S3 User Guide, "Signature Version 2": not for buckets made since June 2020.
    named = algorithm if re.fullmatch(r"[A-Za-z0-9-]{1,40}", algorithm) else "this one"
    return SignatureError(
        "UnsupportedSignature",
        f"The authorization mechanism you have provided is not supported ({named}). "
        f"Please use {ALGORITHM}.",
    )
