"""The checks of signed calls to a REST API that the local cloud makes before its emulator does."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from signed_calls import ACCOUNT, presigned, signed

from batchctl.local.front.execute_api import (
    Method,
    account_refusal,
    scope_refusal,
    signature_refusal,
)
from batchctl.local.front.sigv4 import Call, SignatureError, signature_of

ARN = f"arn:aws:execute-api:us-east-1:{ACCOUNT}:a1b2c3d4e5/api/PUT/v1/new-task"
METHOD = Method(ARN, "AWS_IAM")


def text_of(answer: tuple[int, dict[str, str], bytes] | None) -> str:
    """Return what a 403 says, or an empty string where there is none."""
    if answer is None:
        return ""
    status, _, body = answer
    assert status == 403
    return " ".join(json.loads(body).values())


def refused(call: Call) -> str:
    return text_of(scope_refusal(signature_of(call), METHOD))


@pytest.mark.parametrize("sign", [signed, presigned])
def test_a_signature_for_the_apis_region_and_service_passes(sign: type) -> None:
    assert refused(sign(service="execute-api")) == ""


@pytest.mark.parametrize("sign", [signed, presigned])
def test_a_signature_for_another_region_is_refused(sign: type) -> None:
    found = refused(sign(service="execute-api", region="eu-west-1"))
    assert found == "Credential should be scoped to a valid region, not 'eu-west-1'. "


def test_a_signature_for_another_service_is_refused() -> None:
    found = refused(signed(service="s3"))
    assert found == "Credential should be scoped to correct service: 'execute-api'. "


def test_a_caller_of_the_apis_account_is_left_to_the_emulator() -> None:
    assert account_refusal(ACCOUNT, METHOD) is None


def test_a_user_of_another_account_is_refused_and_not_shown_whose_the_api_is() -> None:
    found = text_of(account_refusal("111111111111", METHOD))
    assert "111111111111 is not authorized to perform: execute-api:Invoke" in found
    assert ":********0000:a1b2c3d4e5/api/PUT/v1/new-task" in found
    assert ACCOUNT not in found


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("InvalidClientTokenId", "UnrecognizedClientException"),
        ("SignatureDoesNotMatch", "InvalidSignatureException"),
        ("RequestTimeTooSkewed", "InvalidSignatureException"),
        ("IncompleteSignature", "IncompleteSignatureException"),
        ("ExpiredTokenException", "ExpiredTokenException"),
    ],
)
def test_a_bad_signature_has_api_gateways_names(code: str, kind: str) -> None:
    status, headers, body = signature_refusal(SignatureError(code, "why"))
    assert (status, headers["x-amzn-ErrorType"]) == (403, kind)
    assert json.loads(body) == {"message": "why"}


@pytest.mark.parametrize(
    ("authorization", "asks_for_iam"),
    [("NONE", False), ("AWS_IAM", True), ("", False), ("CUSTOM", False)],
)
def test_iam_is_asked_for_where_the_method_says_so(
    authorization: str, *, asks_for_iam: bool
) -> None:
    assert replace(METHOD, authorization=authorization).asks_for_iam == asks_for_iam
