"""What somebody without root's secret can send: each forgery changes one call.

The tampered ones begin with a call that root has signed, as if it had been overheard.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from http_by_hand import Request
from service_calls import ACCOUNT, Call
from signing import Key, Scope, presigned, signed

Forgery = Callable[[Call, Key], Request]

ZEROS = "0" * 64
GUESSED = "local-cloud-root"
"""The fixed secret that the cloud once had."""


def _unsigned(call: Call, _root: Key) -> Request:
    return call.request


def _signed_by(key_id: str, secret: str, token: str = "") -> Forgery:
    return lambda call, _root: signed(call.request, Key(key_id, secret, token), Scope(call.service))


def _zeros_in_the_query(key_id: str) -> Forgery:
    return lambda call, _root: presigned(
        call.request, Key(key_id, ""), Scope(call.service), signature=ZEROS
    )


def _with_authorization(value: str) -> Forgery:
    """Put a fixed header there, in which `{scope}` is a right one of today."""

    def forge(call: Call, root: Key) -> Request:
        right = signed(call.request, root, Scope(call.service))
        scope = right.value("authorization").split("Credential=")[1].split(",")[0]
        return right.having(Authorization=value.format(scope=scope))

    return forge


def _aged(age: timedelta) -> Forgery:
    return lambda call, root: signed(call.request, root, Scope(call.service, age=age))


def _presigned_and_aged(age: timedelta) -> Forgery:
    return lambda call, root: presigned(call.request, root, Scope(call.service, age=age))


def _overheard(tamper: Callable[[Request], Request]) -> Forgery:
    return lambda call, root: tamper(signed(call.request, root, Scope(call.service)))


def _other_body(request: Request) -> Request:
    return replace(request, body=request.body + b" ")


def _other_chunked_body(request: Request) -> Request:
    body = request.body + b" "
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    return replace(request, body=chunks).having(Transfer_Encoding="chunked")


def _other_digest(request: Request) -> Request:
    return _other_body(request).having(X_Amz_Content_Sha256="UNSIGNED-PAYLOAD")


def _other_path(request: Request) -> Request:
    return replace(request, target=f"{request.target}x")


def _other_query(request: Request) -> Request:
    return replace(request, target=f"{request.target}?Action=DeleteEverything")


def _other_method(request: Request) -> Request:
    return replace(request, method="PATCH" if request.method == "POST" else "POST")


def _in_scope(old: str, new: str) -> Callable[[Request], Request]:
    """Change the scope that the signature names."""

    def tamper(request: Request) -> Request:
        return request.having(Authorization=request.value("authorization").replace(old, new, 1))

    return tamper


def _later(request: Request) -> Request:
    stamp = request.value("x-amz-date")
    return request.having(X_Amz_Date=f"{stamp[:-2]}{(int(stamp[-2]) + 1) % 10}Z")


def _other_content_type(request: Request) -> Request:
    if not request.value("content-type"):
        return request.having(X_Amz_Content_Sha256=ZEROS)
    return request.having(Content_Type="text/plain")


def _other_host(request: Request) -> Request:
    return request.having(Host=request.value("host").replace("127.0.0.1", "localhost"))


def _for_another_service(call: Call, root: Key) -> Request:
    """Sign rightly for one service, then claim another: the name chooses who answers."""
    other = "sqs" if call.service != "sqs" else "iam"
    request = signed(call.request, root, Scope(other))
    return _in_scope(f"/{other}/aws4_request", f"/{call.service}/aws4_request")(request)


def _unsigned_header_added(request: Request) -> Request:
    """Add a header that chooses the operation, which the signature doesn't cover."""
    return request.adding("X-Amz-Target", "DynamoDB_20120810.DeleteTable")


def _signature_version_2(call: Call, _root: Key) -> Request:
    fields = f"AWSAccessKeyId={ACCOUNT}&SignatureVersion=2&SignatureMethod=HmacSHA256&Signature=AA"
    return replace(call.request, target=f"{call.request.target}?{fields}")


FORGERIES: dict[str, Forgery] = {
    "unsigned": _unsigned,
    "root's key with the secret `test`": _signed_by(ACCOUNT, "test"),
    "root's key with the secret of old": _signed_by(ACCOUNT, GUESSED),
    "root's key with an empty secret": _signed_by(ACCOUNT, ""),
    "root's key with a session token": _signed_by(ACCOUNT, "test", "token"),
    "root of another account": _signed_by("111111111111", "test"),
    "the key `test`": _signed_by("test", "test"),
    "an empty key": _signed_by("", ""),
    "a made-up user's key": _signed_by("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG"),
    "a made-up session's key": _signed_by("ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI", "token"),
    "eleven digits": _signed_by("00000000000", "test"),
    "digits of another script": _with_authorization(
        "AWS4-HMAC-SHA256 Credential=\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2/20260101/"
        "us-east-1/iam/aws4_request, SignedHeaders=host, Signature=" + ZEROS
    ),
    "zeros in the query, root's key": _zeros_in_the_query(ACCOUNT),
    "zeros in the query, the key `test`": _zeros_in_the_query("test"),
    "zeros in the header": _with_authorization(
        f"AWS4-HMAC-SHA256 Credential={{scope}}, SignedHeaders=host, Signature={ZEROS}"
    ),
    "no signature in the header": _with_authorization("AWS4-HMAC-SHA256 Credential={scope}"),
    "an empty signature": _with_authorization(
        "AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature="
    ),
    "no signed headers": _with_authorization(
        f"AWS4-HMAC-SHA256 Credential={{scope}}, SignedHeaders=, Signature={ZEROS}"
    ),
    "an algorithm of ellipses": _with_authorization(
        f"AWS4-ECDSA-P256-SHA256 Credential={{scope}}, SignedHeaders=host, Signature={ZEROS}"
    ),
    "an algorithm in lower case": _with_authorization(
        f"aws4-hmac-sha256 Credential={{scope}}, SignedHeaders=host, Signature={ZEROS}"
    ),
    "only a credential": _with_authorization("Credential={scope}"),
    "signature version 2": _signature_version_2,
    "signature version 2 in the header": _with_authorization(f"AWS {ACCOUNT}:AAAA"),
    "basic": _with_authorization("Basic QVdTOnRlc3Q="),
    "bearer": _with_authorization("Bearer test"),
    "11 minutes old": _aged(timedelta(minutes=11)),
    "a day old": _aged(timedelta(days=1)),
    "of tomorrow": _aged(-timedelta(days=1)),
    "presigned for 15 minutes, 2 hours ago": _presigned_and_aged(timedelta(hours=2)),
    "presigned by root for 15 minutes, 11 minutes ago": _presigned_and_aged(timedelta(minutes=11)),
    "another body": _overheard(_other_body),
    "another body in chunks": _overheard(_other_chunked_body),
    "another body, which nothing vouches for": _overheard(_other_digest),
    "another path": _overheard(_other_path),
    "another query": _overheard(_other_query),
    "another method": _overheard(_other_method),
    "another content type": _overheard(_other_content_type),
    "another name of this machine": _overheard(_other_host),
    "another time": _overheard(_later),
    "another region": _overheard(_in_scope("/us-east-1/", "/eu-west-1/")),
    "another service's signature": _for_another_service,
    "a header more, which is not signed": _overheard(_unsigned_header_added),
}
