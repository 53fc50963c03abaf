"""Secrets are masked by their value wherever they stand, and by their names."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchctl.aws.secrets import MASK, SHORTEST, Secrets

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY="


@pytest.mark.parametrize(
    "spelled",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_known_secret_is_masked_however_it_is_spelled(spelled: str) -> None:
    secrets = Secrets()
    secrets.learn(SECRET)
    assert secrets.masked(f"before {spelled} after") == f"before {MASK} after"


def test_what_is_too_short_to_be_one_is_no_secret() -> None:
    secrets = Secrets()
    secrets.learn("test", "", None)
    assert secrets.masked("a test") == "a test"


NAMED = [
    "'X-Amz-Security-Token': b'{}'",
    "x-amz-security-token:{}\nx",
    "https://x/?X-Amz-Security-Token={}&a=b",
    "https://x/?X-Amz-Signature={}",
    "SignedHeaders=host;x-amz-date, Signature={}",
    "Signature:\n{}",
    "<SecretAccessKey>{}</SecretAccessKey>",
    "<SessionToken>{}</SessionToken>",
    'b\'{{"Credentials":{{"SecretAccessKey":"{}","Expiration":1}}}}\'',
    '{{\\"secretAccessKey\\": \\"{}\\"}}',
    '{{"authorizationData": [{{"authorizationToken": "{}"}}]}}',
    "'aws_secret_access_key': '{}'",
    "aws_session_token = {}",
    "'accessToken': '{}', 'expiresIn': 'x'",
    "WebIdentityToken={}&Version=1",
    "'Authorization': b'Bearer {}'",
    "Authorization: Basic {}",
    '"Token" : "{}"',
    "X-aws-ec2-metadata-token: {}",
    "docker login --username AWS --password {}",
    "password={}",
]


@pytest.mark.parametrize("text", NAMED)
def test_what_has_the_name_of_a_secret_is_masked_and_known_from_then_on(text: str) -> None:
    secrets, value = Secrets(), "bcdef0123456789abcdef01"
    assert secrets.masked(text.format(value)) == text.format(MASK)
    assert secrets.masked(f"again: {value}") == f"again: {MASK}"
    assert secrets.masked(secrets.masked(text.format(value))) == text.format(MASK)


@pytest.mark.parametrize(
    "text",
    [
        r'"password": "begin \"\"middle\\\" end"',
        r"'password': 'begin \' middle end'",
        '"password": "begin \' middle end"',
        r"{\"password\": \"begin middle end\"}",
    ],
)
def test_no_quote_within_a_secret_ends_it(text: str) -> None:
    shown = Secrets().masked(text)
    assert MASK in shown
    assert not [part for part in ("begin", "middle", "end") if part in shown]


@pytest.mark.parametrize(
    "text",
    [
        "Credential=AKIAIOSFODNN7EXAMPLE/20261128/us-east-1/sts/aws4_request",
        '"nextToken": "abcdefghijklmnop", "clientToken": "abcdefghijklmnop"',
        "signature_version=v4, SignatureVersion=2",
        "Signature expired: 20261128T000000Z is now earlier than 20261128T001500Z",
        "The security token included in the request is invalid",
        "the request signature we calculated does not match the signature you provided",
        "docker login --password-stdin registry",
        "could not find item `password` of job `secret`",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Secrets().masked(text) == text


def test_the_answers_of_aws_are_searched_for_secrets() -> None:
    secrets = Secrets()
    token = base64.b64encode(b"AWS:the-password-of-ecr").decode()
    secrets.learn_from(
        {
            "Credentials": {"SecretAccessKey": SECRET, "SessionToken": "session-token-1"},
            "authorizationData": [{"authorizationToken": token, "proxyEndpoint": "https://x"}],
            "roleCredentials": {"secretAccessKey": "sso-secret-key"},
        }
    )
    text = f"{SECRET} session-token-1 {token} the-password-of-ecr sso-secret-key https://x"
    assert secrets.masked(text) == " ".join([MASK] * 5 + ["https://x"])


@given(st.text(st.characters(codec="utf-8"), min_size=SHORTEST), st.text(), st.text())
def test_no_text_around_a_known_secret_lets_it_through(
    secret: str, before: str, after: str
) -> None:
    secrets = Secrets()
    secrets.learn(secret)
    text = secrets.masked(f"{before}{secret}{after}")
    assert secret not in text or secret in f"{before}{MASK}{after}" or secret in MASK * len(text)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=20))
def test_a_secret_in_json_is_masked_as_far_as_it_is_spelled_plainly(secret: str) -> None:
    secrets = Secrets()
    secrets.learn_from({"SessionToken": secret})
    shown = secrets.masked(json.dumps({"message": secret}))
    plain = json.dumps(secret) == f'"{secret}"'
    assert not plain or secret not in shown
