"""Signatures, checked by another implementation of Signature Version 4, written from its rules."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import boto3
import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, NoCredentialsError

from batchctl.aws.session import Aws, Connection
from batchctl.aws.sigv4 import Signer, caller_signer, role_signer
from batchctl.errors import BatchctlError

HOST = "https://a1b2c3d4e5.execute-api.cn-north-1.amazonaws.com.cn"
REGION = "cn-north-1"
ROLE = "arn:aws-cn:iam::123456789012:role/batchapp-API-Execute-Role"


@dataclass(frozen=True)
class Request:
    """A request as the client of jobs makes it."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def expected(request: Request, headers: Mapping[str, str], secret: str) -> str:
    """Compute the signature from the rules (IAM user guide, "Create a signed AWS API request")."""
    sent = {name.lower(): value for name, value in headers.items()}
    parts = urlsplit(request.url)
    sent.setdefault("host", parts.netloc)
    scope, names, _ = pieces(headers)
    pairs = sorted(
        tuple(quote(unquote(side), safe="") for side in pair.partition("=")[::2])
        for pair in parts.query.split("&")
        if pair
    )
    canonical = "\n".join(
        [
            request.method,
            quote(parts.path, safe="/~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{sent[name]}" for name in names.split(";")),
            "",
            names,
            hashlib.sha256(request.body).hexdigest(),
        ]
    )
    date, region, service, end = scope.split("/")[1:]
    text = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            sent["x-amz-date"],
            f"{date}/{region}/{service}/{end}",
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, end):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def pieces(headers: Mapping[str, str]) -> tuple[str, str, str]:
    """Take scope, signed headers and signature out of the authorization header."""
    header = {name.lower(): value for name, value in headers.items()}["authorization"]
    algorithm, _, rest = header.partition(" ")
    assert algorithm == "AWS4-HMAC-SHA256"
    scope, names, signature = (each.partition("=")[2] for each in rest.split(", "))
    return scope, names, signature


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", f"{HOST}/v1/v1/tasks"),
        Request("GET", f"{HOST}/v1/v1/tasks?next=W3siYSI6IjEifQ%3D%3D&limit=5"),
        Request("GET", f"{HOST}/v1/v1/tasks?limit=%31&limit=&flag"),
        Request("GET", f"{HOST}/v1/v1/tasks/a%20job%2Fof%E6%B5%A6"),
        Request("PUT", f"{HOST}/v1/v1/new-task", {"content-type": "application/json"}, b'{"a": 1}'),
        Request("GET", "http://127.0.0.1:4566/_aws/execute-api/a1/v1/v1/tasks", {"accept": "*/*"}),
    ],
    ids=["plain", "query", "repeated and empty values", "path", "body", "port"],
)
def test_a_signature_is_what_the_receiver_computes(request_: Request) -> None:
    headers = Signer(Credentials("AKIDEXAMPLE", "secret"), REGION)(request_)
    scope, _, signature = pieces(headers)
    assert scope.startswith("AKIDEXAMPLE/")
    assert scope.endswith("/cn-north-1/execute-api/aws4_request")
    assert signature == expected(request_, headers, "secret")


def test_a_signature_covers_the_host_the_type_and_the_token_but_not_what_proxies_change() -> None:
    sent = {"accept": "*/*", "user-agent": "batchctl", "content-type": "application/json"}
    headers = Signer(Credentials("A", "s", "token"), REGION)(Request("PUT", HOST, sent, b"{}"))
    assert pieces(headers)[1] == "content-type;host;x-amz-date;x-amz-security-token"
    assert headers["accept"] == "*/*"
    assert headers["X-Amz-Security-Token"] == "token"


class Sts:
    """STS that returns the given credentials, or refuses."""

    def __init__(self, lives_s: float = 3600, refuses: str | None = None) -> None:
        self.lives_s = lives_s
        self.refuses = refuses
        self.asked: list[dict[str, str]] = []

    def assume_role(self, **asked: str) -> dict[str, Any]:
        self.asked.append(asked)
        if self.refuses:
            text = "User: arn:aws-cn:iam::123456789012:user/bob is not authorized to perform: …"
            raise ClientError({"Error": {"Code": self.refuses, "Message": text}}, "AssumeRole")
        expiration = datetime.now(UTC) + timedelta(seconds=self.lives_s)
        number = len(self.asked)
        keys = {"AccessKeyId": f"ASIA{number}", "SecretAccessKey": "s", "SessionToken": "t"}
        return {"Credentials": {**keys, "Expiration": expiration}}


def account(sts: Sts | None = None, **keys: Any) -> Aws:
    aws = Aws(Connection(boto3.Session(region_name=REGION, **keys)), stack="batchapp", tags={})
    aws.__dict__["sts"] = sts
    return aws


def test_the_roles_credentials_sign_once_assumed() -> None:
    sts = Sts()
    sign = role_signer(account(sts), REGION, ROLE)
    for _ in range(3):
        assert pieces(sign(Request("GET", HOST)))[0].startswith("ASIA1/")
    assert sts.asked == [{"RoleArn": ROLE, "RoleSessionName": "batchctl"}]


def test_the_roles_credentials_are_refreshed_before_they_expire() -> None:
    sign = role_signer(account(Sts(lives_s=300)), REGION, ROLE)
    first = pieces(sign(Request("GET", HOST)))[0]
    assert pieces(sign(Request("GET", HOST)))[0] != first


def test_without_permission_to_assume_the_role_the_error_names_what_is_missing() -> None:
    with pytest.raises(BatchctlError, match=f"could not assume the role `{ROLE}`: User: ") as error:
        role_signer(account(Sts(refuses="AccessDenied")), REGION, ROLE)
    assert "`sts:AssumeRole`" in str(error.value.hint)


def test_another_error_of_sts_is_passed_on() -> None:
    with pytest.raises(ClientError, match="ExpiredToken"):
        role_signer(account(Sts(refuses="ExpiredToken")), REGION, ROLE)


def test_the_caller_signs_with_the_credentials_in_use() -> None:
    aws = account(aws_access_key_id="AKIA", aws_secret_access_key="s")
    assert pieces(caller_signer(aws, REGION)(Request("GET", HOST)))[0].startswith("AKIA/")


def test_without_credentials_nothing_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(NoCredentialsError):
        caller_signer(account(), REGION)
