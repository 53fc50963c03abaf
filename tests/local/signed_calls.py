"""Calls as botocore signs them and the front sees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest.mock import patch
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from batchctl.local.front.sigv4 import Call

ACCOUNT, SECRET, REGION = "000000000000", "root's own", "us-east-1"
ROOT = Credentials(ACCOUNT, SECRET)
NOW = datetime(2026, 11, 30, 12, 0, 0, tzinfo=UTC)
HOST = "127.0.0.1:4566"
PATH = "/a/b%20c//../d?b=1&a=x%20y"


def signed(
    who: Credentials = ROOT,
    service: str = "lambda",
    region: str = REGION,
    late_s: float = 0,
    **request: str,
) -> Call:
    """Return a call that was signed in its header, `late_s` seconds before NOW."""
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    return _call(signer(who, service, region), late_s, request)


def presigned(
    who: Credentials = ROOT,
    service: str = "lambda",
    region: str = REGION,
    late_s: float = 0,
    expires_s: int = 3600,
    **request: str,
) -> Call:
    """Return a call that was signed in its query, `late_s` seconds before NOW."""
    signer = S3SigV4QueryAuth if service == "s3" else SigV4QueryAuth
    # botocore's form of a presigned request has no body: its parameters go into the query.
    return _call(signer(who, service, region, expires_s), late_s, {"body": "", **request})


def _call(signer: SigV4Auth, late_s: float, given: dict[str, str]) -> Call:
    method, body = given.get("method", "PUT"), given.get("body", "{}").encode()
    url = f"http://{HOST}{given.get('path', PATH)}"
    request = AWSRequest(method, url, {"content-type": "a/b"}, body)
    with patch("botocore.auth.get_current_datetime", lambda: NOW - timedelta(seconds=late_s)):
        signer.add_auth(request)
    parts = urlsplit(str(request.url))
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(method, parts.path, parts.query, {**headers, "host": HOST}, body)
