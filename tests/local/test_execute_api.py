"""The checks of signed calls that the local cloud makes before its emulator does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from batchctl.local.execute_api import Call, Method, Root, refusal

ACCOUNT, SECRET = "000000000000", "local"
ROOT = Root(ACCOUNT, SECRET)
ARN = f"arn:aws:execute-api:us-east-1:{ACCOUNT}:a1b2c3d4e5/api/PUT/v1/new-task"
METHOD = Method(ARN, asks_for_iam=True)
URL = "http://127.0.0.1:4566/_aws/execute-api/a1b2c3d4e5/api/v1/new-task?b=%31&a=x%20y"


def signed(
    key: str = ACCOUNT,
    secret: str = SECRET,
    region: str = "us-east-1",
    service: str = "execute-api",
    signer: type[SigV4Auth] = SigV4Auth,
) -> Call:
    """Return a call as botocore signs it and the front sees it."""
    request = AWSRequest("PUT", URL.replace("%31", "1"), {"content-type": "a/b"}, b"{}")
    signer(Credentials(key, secret), service, region).add_auth(request)
    parts = urlsplit(str(request.url))
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call("PUT", parts.path, parts.query, {**headers, "host": "127.0.0.1:4566"}, b"{}")


def refused(call: Call, account: str | None = ACCOUNT) -> str:
    """Return what the 403 says, or an empty string where MiniStack decides."""
    answer = refusal(call, METHOD, account, ROOT)
    if answer is None:
        return ""
    status, _, body = answer
    assert status == 403
    return " ".join(json.loads(body).values())


def test_roots_own_signature_passes() -> None:
    assert refused(signed()) == ""


def test_a_parameter_that_is_sent_encoded_is_what_it_says() -> None:
    call = signed()
    encoded = replace(call, query_string="a=x+y&b=%31")
    assert refused(encoded) == ""
    assert "does not match" in refused(replace(call, query_string="a=x&b=1"))


@pytest.mark.parametrize(
    "change",
    [
        {"body": b"{ }"},
        {"method": "GET"},
        {"raw_path": "/_aws/execute-api/a1b2c3d4e5/api/v1/tasks"},
    ],
)
def test_root_signed_something_else(change: dict[str, object]) -> None:
    assert "does not match" in refused(replace(signed(), **change))  # type: ignore[arg-type]


def test_roots_secret_is_asked_for() -> None:
    assert "does not match" in refused(signed(secret="guessed"))


def test_root_cannot_sign_in_the_query_here() -> None:
    assert "does not match" in refused(signed(signer=SigV4QueryAuth))


@pytest.mark.parametrize("signer", [SigV4Auth, SigV4QueryAuth])
def test_a_signature_for_another_region_is_refused(signer: type[SigV4Auth]) -> None:
    told = refused(signed(key="AKIAUSER", region="eu-west-1", signer=signer))
    assert told == "Credential should be scoped to a valid region, not 'eu-west-1'. "


def test_a_signature_for_another_service_is_refused() -> None:
    told = refused(signed(key="AKIAUSER", service="s3"))
    assert told == "Credential should be scoped to correct service: 'execute-api'. "


def test_a_user_of_the_account_is_left_to_the_emulator() -> None:
    assert refused(signed(key="AKIAUSER", secret="any")) == ""


def test_a_user_of_another_account_is_refused_and_not_shown_whose_the_api_is() -> None:
    told = refused(signed(key="AKIAUSER"), account="111111111111")
    assert "111111111111 is not authorized to perform: execute-api:Invoke" in told
    assert ":********0000:a1b2c3d4e5/api/PUT/v1/new-task" in told
    assert ACCOUNT not in told


def test_a_key_that_nobody_has_is_refused() -> None:
    assert "token included in the request is invalid" in refused(signed(key="AKIANONE"), None)


def test_a_body_other_than_the_one_that_the_header_names_is_refused() -> None:
    call = signed(key="AKIAUSER")
    named = {**call.headers, "x-amz-content-sha256": hashlib.sha256(b"{}").hexdigest()}
    assert refused(replace(call, headers=named)) == ""
    assert "does not match" in refused(replace(call, headers=named, body=b"{ }"))


def test_what_carries_no_whole_signature_is_left_to_the_emulator() -> None:
    call = signed()
    for header in ("", "Basic dXNlcg==", "AWS4-HMAC-SHA256 Credential=a/b"):
        assert refused(replace(call, headers={"authorization": header})) == ""


def test_a_method_for_everyone_has_no_checks() -> None:
    call = signed(region="eu-west-1")
    assert refusal(call, Method(ARN, asks_for_iam=False), None, ROOT) is None
