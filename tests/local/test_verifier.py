"""Who is taken for whom: signatures of botocore, good ones and every way of forging one."""

from __future__ import annotations

import hashlib
import hmac
import re
import string
import timeit
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote, urlencode

import pytest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from signed_calls import ACCOUNT, HOST, NOW, ROOT, SECRET, presigned, signed

from batchctl.local.front.sigv4 import Call, SignatureError, signature_of, signing_key
from batchctl.local.front.verifier import Caller, Credential, Verifier

USER = Credentials("AKIAUSER", "user's own")
SESSION = Credentials("ASIASESSION", "session's own", "token-1")
KEYS = {
    "AKIAUSER": Credential(ACCOUNT, "user's own"),
    "ASIASESSION": Credential(ACCOUNT, "session's own", "token-1"),
}
VERIFIER = Verifier(SECRET, KEYS.get, NOW.timestamp)
EVERYONE = [ROOT, USER, SESSION, Credentials("111111111111", SECRET)]
SERVICES = ["lambda", "s3", "sts", "batch", "execute-api"]


def verified(call: Call) -> Caller:
    caller = VERIFIER.caller(replace(call, body=b"not read yet"))
    VERIFIER.check_body(call, caller)
    return caller


def refused(call: Call) -> str:
    with pytest.raises(SignatureError) as caught:
        verified(call)
    return caught.value.code


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("who", EVERYONE, ids=lambda who: who.access_key)
@pytest.mark.parametrize("sign", [signed, presigned])
def test_a_good_signature_passes(sign: Callable[..., Call], who: Credentials, service: str) -> None:
    caller = verified(sign(who, service))
    assert caller.signature.access_key_id == who.access_key
    assert caller.account == (who.access_key if who.access_key.isdigit() else ACCOUNT)


@given(
    st.lists(st.text(string.printable + "é/%+~", min_size=1, max_size=8), max_size=4),
    st.lists(st.tuples(st.text(min_size=1, max_size=6), st.text(max_size=6)), max_size=4),
    st.sampled_from(SERVICES),
    st.text(max_size=50),
)
def test_any_path_query_and_body_that_botocore_signs_passes(
    segments: list[str], query: list[tuple[str, str]], service: str, body: str
) -> None:
    path = "/" + "/".join(quote(segment, safe="") for segment in segments)
    parameters = urlencode(query, quote_via=quote, safe="", errors="replace")
    verified(signed(service=service, path=f"{path}?{parameters}", body=body))


CHANGES: dict[str, Callable[[Call], Call]] = {
    "method": lambda call: replace(call, method="DELETE"),
    "path": lambda call: replace(call, raw_path="/a/other"),
    "query": lambda call: replace(call, query_string=f"{call.query_string}&c=1"),
    "body": lambda call: replace(call, body=b"{ }"),
    "host": lambda call: replace(call, headers={**call.headers, "host": "localhost:4566"}),
    "type": lambda call: replace(call, headers={**call.headers, "content-type": "c/d"}),
}


@pytest.mark.parametrize("who", EVERYONE, ids=lambda who: who.access_key)
@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_after_signing_is_refused(who: Credentials, change: str) -> None:
    assert refused(CHANGES[change](signed(who))) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("sign", [signed, presigned])
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("who", "code"),
    [
        (Credentials(ACCOUNT, "guessed"), "SignatureDoesNotMatch"),
        (Credentials(ACCOUNT, ""), "SignatureDoesNotMatch"),
        (Credentials("111111111111", "guessed"), "SignatureDoesNotMatch"),
        (Credentials("AKIAUSER", SECRET), "SignatureDoesNotMatch"),
        (Credentials("AKIAUSER", "user's own", "token"), "InvalidClientTokenId"),
        (Credentials(ACCOUNT, SECRET, "token"), "InvalidClientTokenId"),
        (Credentials("ASIASESSION", "session's own"), "InvalidClientTokenId"),
        (Credentials("ASIASESSION", "session's own", "token-2"), "InvalidClientTokenId"),
        (Credentials("test", "test"), "InvalidClientTokenId"),
        (Credentials("AKIANOBODY", SECRET), "InvalidClientTokenId"),
        (Credentials("00000000000", SECRET), "InvalidClientTokenId"),
        (Credentials("0000000000000", SECRET), "InvalidClientTokenId"),
        (Credentials("\u0660" * 12, SECRET), "IncompleteSignature"),
        (Credentials("", SECRET), "IncompleteSignature"),
    ],
)
def test_who_does_not_have_the_secret_is_refused(
    sign: Callable[..., Call], service: str, who: Credentials, code: str
) -> None:
    assert refused(sign(who, service)) == code


HEADER = signed()
AUTHORIZATION = HEADER.headers["authorization"]
FORGED_HEADERS = [
    "",
    "AWS4-HMAC-SHA256",
    "AWS4-HMAC-SHA256 Credential=000000000000/20261130/us-east-1/lambda/aws4_request",
    "AWS 000000000000:c2lnbmF0dXJl",
    f"{AUTHORIZATION}, Credential=111111111111/20261130/us-east-1/lambda/aws4_request",
    f"{AUTHORIZATION},{AUTHORIZATION}",
    AUTHORIZATION.replace("Credential", "XCredential=111111111111/x, Credential", 1),
    AUTHORIZATION.replace("Credential", "credential", 1),
    AUTHORIZATION.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", 1),
    AUTHORIZATION.replace("AWS4-HMAC-SHA256", "aws4-hmac-sha256", 1),
    AUTHORIZATION.replace("aws4_request", "aws5_request", 1),
    AUTHORIZATION.replace("20261130", "20261129", 1),
    AUTHORIZATION.replace("host;", "", 1),
    AUTHORIZATION.replace(";x-amz-date", "", 1),
    AUTHORIZATION.replace("Signature=", "Signature=0", 1),
    AUTHORIZATION[:-1],
    AUTHORIZATION[:-64],
    AUTHORIZATION[:-64] + "0" * 64,
    AUTHORIZATION[:-64] + AUTHORIZATION[-64:].upper(),
]


@pytest.mark.parametrize("authorization", FORGED_HEADERS)
def test_a_header_that_is_not_spelled_as_botocore_does_is_refused(authorization: str) -> None:
    call = replace(HEADER, headers={**HEADER.headers, "authorization": authorization})
    assert refused(call) in {
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnsupportedSignature",
    }


QUERY = presigned()


@pytest.mark.parametrize(
    "query",
    [
        "",
        "AWSAccessKeyId=000000000000&Signature=x&Expires=9999999999",
        f"{QUERY.query_string}&X-Amz-Credential=111111111111%2Fx",
        f"{QUERY.query_string}&x-amz-credential=111111111111%2Fx",
        f"{QUERY.query_string}&AWSAccessKeyId=111111111111",
        QUERY.query_string.replace("X-Amz-Credential", "x-amz-credential"),
        QUERY.query_string.replace("X-Amz-Expires=3600", "X-Amz-Expires=604801"),
        QUERY.query_string.replace("X-Amz-Expires=3600", "X-Amz-Expires=-1"),
        QUERY.query_string.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200"),
        QUERY.query_string.replace("&X-Amz-Expires=3600", ""),
        QUERY.query_string.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        QUERY.query_string[:-64] + "0" * 64,
    ],
)
def test_a_query_that_is_not_spelled_as_botocore_does_is_refused(query: str) -> None:
    assert refused(replace(QUERY, query_string=query)) in {
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnsupportedSignature",
    }


def test_only_one_signature_is_taken() -> None:
    both = replace(HEADER, query_string=QUERY.query_string)
    assert refused(both) == "IncompleteSignature"
    hidden = replace(HEADER, query_string=f"{HEADER.query_string}&X-Amz-Security-Token=x")
    assert refused(hidden) == "IncompleteSignature"


def test_a_header_of_aws_that_was_not_signed_is_refused() -> None:
    call = replace(HEADER, headers={**HEADER.headers, "x-amz-target": "Lambda.Delete"})
    assert refused(call) == "IncompleteSignature"


def test_a_parameter_that_is_sent_encoded_is_what_it_says() -> None:
    verified(replace(HEADER, query_string="a=x+y&b=%31"))
    assert refused(replace(HEADER, query_string="a=x&b=1")) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("sign_of_time", [1, -1])
@pytest.mark.parametrize(
    ("who", "service", "longest_s"),
    [
        (USER, "lambda", 300),
        (USER, "s3", 900),
        (USER, "sts", 900),
        (SESSION, "batch", 300),
        (ROOT, "lambda", 300),
        (ROOT, "sts", 600),
        (ROOT, "s3", 600),
    ],
)
def test_a_signature_is_good_as_long_as_aws_has_it_and_roots_ten_minutes(
    who: Credentials, service: str, longest_s: int, sign_of_time: int
) -> None:
    verified(signed(who, service, late_s=sign_of_time * longest_s))
    late = signed(who, service, late_s=sign_of_time * (longest_s + 1))
    assert refused(late) == "RequestTimeTooSkewed"


@pytest.mark.parametrize(
    ("who", "longest_s"),
    [(ROOT, 600), (USER, 7200), (SESSION, 7200)],
    ids=["root", "user", "session"],
)
@pytest.mark.parametrize("service", ["s3", "sts"])
def test_a_presigned_request_is_good_until_it_expires_and_roots_ten_minutes(
    who: Credentials, service: str, longest_s: int
) -> None:
    verified(presigned(who, service, late_s=longest_s, expires_s=7200))
    late = presigned(who, service, late_s=longest_s + 1, expires_s=7200)
    assert refused(late) == "RequestExpired"
    assert refused(presigned(who, service, late_s=-901)) == "RequestTimeTooSkewed"


def test_s3_may_leave_its_body_unsigned_and_others_may_not() -> None:
    unsigned = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    call = signed(USER, "lambda")
    assert refused(replace(call, headers={**call.headers, **unsigned})) == "IncompleteSignature"
    assert verified(replace(presigned(USER, "s3"), body=b"other")).account == ACCOUNT
    assert refused(replace(presigned(USER, "sts"), body=b"other")) == "SignatureDoesNotMatch"


def test_a_signature_over_a_named_hash_is_verified_before_the_body_is_read() -> None:
    call = signed(USER, "s3")
    assert VERIFIER.caller(replace(call, body=b"")).is_verified
    forged = signed(Credentials("AKIAUSER", "guessed"), "s3")
    with pytest.raises(SignatureError, match="does not match"):
        VERIFIER.caller(replace(forged, body=b""))


def chunked(*chunks: bytes) -> Call:
    """Return an upload to S3 in signed chunks, as AWS documents it."""
    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    call = _resigned(replace(signed(USER, "s3"), query_string=""), kind)
    signature = signature_of(call)
    key, previous, body = signing_key("user's own", signature), signature.value, b""
    for chunk in (*chunks, b""):
        hashes = [hashlib.sha256(each).hexdigest() for each in (b"", chunk)]
        lines = [f"{kind[10:]}", signature.timestamp, signature.scope, previous, *hashes]
        previous = hmac.new(key, "\n".join(lines).encode(), hashlib.sha256).hexdigest()
        body += b"%x;chunk-signature=%s\r\n%s\r\n" % (len(chunk), previous.encode(), chunk)
    return replace(call, body=body)


def _resigned(call: Call, payload_hash: str) -> Call:
    signature = signature_of(call)
    headers = {**call.headers, "x-amz-content-sha256": payload_hash}
    canonical = "\n".join(
        [
            call.method,
            call.raw_path,
            call.query_string,
            *(f"{name}:{headers[name]}" for name in signature.headers),
            "",
            ";".join(signature.headers),
            payload_hash,
        ]
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{signature.timestamp}\n{signature.scope}\n{digest}"
    key = signing_key("user's own", signature)
    value = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    authorization = f"{call.headers['authorization'][:-64]}{value}"
    return replace(call, headers={**headers, "authorization": authorization})


def test_an_upload_in_signed_chunks_passes_and_a_changed_chunk_does_not() -> None:
    call = chunked(b"a" * 1000, b"b" * 10)
    verified(call)
    for changed in (
        call.body.replace(b"bbb", b"bbc"),
        call.body[:-2],
        call.body + b"more",
        call.body[:500],
        b"",
        b"0;chunk-signature=" + b"0" * 64 + b"\r\n\r\n",
    ):
        assert refused(replace(call, body=changed)) == "SignatureDoesNotMatch"


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_changed_byte_of_a_signature_passes(position: int, difference: int) -> None:
    text = bytearray(AUTHORIZATION.encode())
    text[position % len(text)] ^= difference
    if text.decode("latin-1") != AUTHORIZATION:
        authorization = text.decode("latin-1")
        call = replace(HEADER, headers={**HEADER.headers, "authorization": authorization})
        try:
            verified(call)
        except SignatureError:
            return
        # Neither is a space between the fields, and root's secret is that of each account's root.
        assert _root_of_any_account(authorization) == _root_of_any_account(AUTHORIZATION)


def _root_of_any_account(authorization: str) -> list[str]:
    return re.sub(r"Credential=[0-9]{12}/", "Credential=ROOT/", authorization).split()


def test_a_host_is_always_signed() -> None:
    assert HOST in HEADER.headers["host"]
    no_host = {name: value for name, value in HEADER.headers.items() if name != "host"}
    assert refused(replace(HEADER, headers=no_host)) == "SignatureDoesNotMatch"


def test_a_verification_takes_less_than_a_millisecond() -> None:
    verified(HEADER)
    assert min(timeit.repeat(lambda: verified(HEADER), number=100, repeat=5)) / 100 < 0.001
