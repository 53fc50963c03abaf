"""The body of a signed request: whether it is the one that was signed.

Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header" (payload options)
and "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks".
"""

from __future__ import annotations

import hashlib
import hmac
import re

from batchctl.local.front.sigv4 import (
    EMPTY_SHA256,
    UNSIGNED_PAYLOAD,
    Call,
    Signature,
    mismatch,
    signing_key,
)

_CHUNKED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
_UNSIGNED_CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_OPTIONS = frozenset({UNSIGNED_PAYLOAD, _UNSIGNED_CHUNKS, _CHUNKED, f"{_CHUNKED}-TRAILER"})
_HASH = re.compile(r"[0-9a-f]{64}")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8});chunk-signature=([0-9a-f]{64})\r\n")
_TRAILER = re.compile(rb"((?:[^\r\n]+\r?\n)+)x-amz-trailer-signature:([0-9a-f]{64})\r\n(\r\n)?")


def named_hash(call: Call, signature: Signature) -> str | None:
    """Return the payload's hash as the request names it; None when only the body shows it.

    SignatureError for an option that the service hasn't.
    """
    if signature.is_in_query and signature.is_s3:
        return UNSIGNED_PAYLOAD
    named = call.headers.get("x-amz-content-sha256")
    if named is None or _HASH.fullmatch(named) or (signature.is_s3 and named in _OPTIONS):
        return named
    raise mismatch()


def check(call: Call, signature: Signature, secret: str) -> None:
    """Raise SignatureError unless the body is what the request says of it."""
    named = named_hash(call, signature)
    if named in {None, UNSIGNED_PAYLOAD, _UNSIGNED_CHUNKS}:
        return
    if named in _OPTIONS:
        _check_chunks(call, signature, signing_key(secret, signature))
    elif named != hashlib.sha256(call.body).hexdigest():
        raise mismatch()


def _check_chunks(call: Call, signature: Signature, key: bytes) -> None:
    """Check each chunk's signature, which continues that of the one before it."""
    previous, at, size = signature.value, 0, 1
    while size:
        head = _CHUNK.match(call.body, at)
        if head is None:
            raise mismatch()
        size, at = int(head[1], 16), head.end()
        digest = hashlib.sha256(call.body[at : at + size]).hexdigest()
        text = _text("AWS4-HMAC-SHA256-PAYLOAD", signature, previous, EMPTY_SHA256, digest)
        previous = _require(key, text, head[2].decode())
        at += size
        if size and call.body[at : at + 2] != b"\r\n":
            raise mismatch()
        at += 2 if size else 0
    _check_end(call, signature, key, (previous, call.body[at:]))


def _check_end(call: Call, signature: Signature, key: bytes, end: tuple[str, bytes]) -> None:
    previous, rest = end
    if not call.headers["x-amz-content-sha256"].endswith("-TRAILER"):
        if rest != b"\r\n":
            raise mismatch()
        return
    found = _TRAILER.fullmatch(rest)
    if found is None:
        raise mismatch()
    lines = found[1].replace(b"\r\n", b"\n")
    digest = hashlib.sha256(lines).hexdigest()
    _require(key, _text("AWS4-HMAC-SHA256-TRAILER", signature, previous, digest), found[2].decode())


def _text(kind: str, signature: Signature, *rest: str) -> str:
    return "\n".join([kind, signature.timestamp, signature.scope, *rest])


def _require(key: bytes, text: str, given: str) -> str:
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, given):
        raise mismatch()
    return expected
