"""`--debug`: every AWS call of every command in a line, on request all of it, and no secret."""

from __future__ import annotations

import base64
import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.credentials import RefreshableCredentials
from calls import Calls
from click.testing import Result
from terminal_commands import commanding

from batchctl.aws import secrets
from batchctl.aws.session import Aws, Connection
from batchctl.cli.debug import DebugHandler, debug_log, show_traceback
from batchctl.cli.failures import print_error

Batchctl = Callable[..., Result]
LINE = re.compile(
    r"^\d\d:\d\d:\d\d\.\d{3} DEBUG batchctl\.aws\.calls: (?P<service>[\w.-]+)\.(?P<operation>\w+)"
    r" .+: \d{3}[ \w.]*, request \S+, \d+ ms, attempt \d+$"
)


@pytest.fixture(autouse=True)
def no_secret_of_another_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the secrets of the tests before: a mask proves something only when it is ours."""
    known = secrets.Secrets()
    for name in ("aws.secrets", "aws.calls", "aws.login", "cli.debug", "cli.errors"):
        monkeypatch.setattr(f"batchctl.{name}.SECRETS", known)


def logged(result: Result) -> list[str]:
    """The calls that have a line, by operation."""
    found = [LINE.match(line) for line in result.stderr.splitlines()]
    return sorted(each["operation"] for each in found if each)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    "command",
    [("plan",), ("up", "--yes"), ("status",)],
    ids=lambda command: command[0],
)
def test_every_call_of_a_command_has_one_line(
    batchctl: Batchctl, calls: Calls, command: tuple[str, ...]
) -> None:
    shown = batchctl(*command, "--debug")
    assert shown.exit_code == 0, shown.stderr
    assert logged(shown) == sorted(operation for _, operation, _ in calls.made)
    assert len(calls.made) > 10


@pytest.mark.usefixtures("account")
def test_without_it_no_call_has_a_line_and_after_it_none_has(batchctl: Batchctl) -> None:
    assert logged(batchctl("plan")) == []
    assert logged(batchctl("--debug", "plan"))
    assert logged(batchctl("plan")) == []
    assert not [each for each in logging.getLogger().handlers if isinstance(each, DebugHandler)]


@pytest.mark.usefixtures("account")
def test_with_v_it_shows_what_is_sent_as_well(batchctl: Batchctl) -> None:
    assert "CanonicalRequest" not in batchctl("plan", "--debug").stderr
    shown = batchctl("plan", "--debug", "-v").stderr
    for part in ("CanonicalRequest", "Response body:", "<UserId>"):
        assert part in shown
    assert commanding(shown) <= {"\n", "\t"}


# Secrets

KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJHMEUCIQ=="
GIVEN = "given/Secret+Key/0123456789abcdefghijklm"
GIVEN_TOKEN = "FwoGZXIvYXdzEXAMPLEgiven+session/token=="
PASSWORD = "eyJwYXlsb2FkIjoiEXAMPLE-password-of-the-registry"
LOGIN = base64.b64encode(f"AWS:{PASSWORD}".encode()).decode()
ALL = (SECRET, TOKEN, GIVEN, GIVEN_TOKEN, PASSWORD, LOGIN)

CREDENTIALS_XML = (
    f"<Credentials><AccessKeyId>ASIAGIVEN</AccessKeyId><SecretAccessKey>{GIVEN}</SecretAccessKey>"
    f"<SessionToken>{GIVEN_TOKEN}</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration>"
    "</Credentials>"
)
GIVEN_JSON = {"accessKeyId": "ASIA", "secretAccessKey": GIVEN, "sessionToken": GIVEN_TOKEN}
EXPIRES = {"expiration": 1_900_000_000_000}


def sts(operation: str) -> bytes:
    result = f"<{operation}Result>{CREDENTIALS_XML}</{operation}Result>"
    return f"<{operation}Response>{result}</{operation}Response>".encode()


REFUSED = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>"
    f"The canonical string was x-amz-security-token:{TOKEN} for {SECRET}"
    "</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
).encode()

Call = tuple[str, str, dict[str, Any], int, bytes]
SENSITIVE: list[Call] = [
    ("sts", "assume_role", {"RoleArn": "arn:aws:iam::123456789012:role/r", "RoleSessionName": "bb"},
     200, sts("AssumeRole")),
    ("sts", "assume_role_with_web_identity",
     {"RoleArn": "arn:aws:iam::123456789012:role/r", "RoleSessionName": "bb",
      "WebIdentityToken": GIVEN_TOKEN}, 200, sts("AssumeRoleWithWebIdentity")),
    ("sts", "get_session_token", {}, 200, sts("GetSessionToken")),
    ("sts", "get_caller_identity", {}, 403, REFUSED),
    ("ecr", "get_authorization_token", {}, 200,
     json.dumps({"authorizationData": [{"authorizationToken": LOGIN}]}).encode()),
    ("sso", "get_role_credentials",
     {"roleName": "r", "accountId": "123456789012", "accessToken": GIVEN_TOKEN}, 200,
     json.dumps({"roleCredentials": GIVEN_JSON | EXPIRES}).encode()),
    ("iam", "create_access_key", {"UserName": "u"}, 200,
     b"<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><AccessKeyId>AKIA</AccessKeyId>"
     b"<UserName>u</UserName><Status>Active</Status><SecretAccessKey>" + GIVEN.encode()
     + b"</SecretAccessKey></AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>"),
    ("sqs", "list_queues", {}, 200, b"{}"),
]  # fmt: skip


@pytest.fixture
def session() -> boto3.Session:
    return boto3.Session(KEY, SECRET, TOKEN, region_name="us-east-1")


@pytest.fixture
def wire(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """The whole debug log, as it is printed."""
    with debug_log(wire=True):
        yield lambda: capsys.readouterr().err


def answering(session: boto3.Session, status: int, body: bytes) -> None:
    """Let the next calls of a session be answered without a network."""

    class Raw(io.BytesIO):
        def stream(self, **_: object) -> Iterator[bytes]:
            yield body

    def answer(request: Any, **_: object) -> Any:  # the stubs know of no handler that answers
        headers = HTTPHeaders()
        headers["x-amzn-requestid"] = "r-1"
        return AWSResponse(request.url, status, headers, Raw(body))

    session.events.register("before-send", answer, unique_id="answer")


@pytest.mark.parametrize("call", SENSITIVE, ids=lambda call: call[1])
def test_no_secret_is_in_the_log_of_a_call(
    session: boto3.Session, wire: Callable[[], str], capsys: pytest.CaptureFixture[str], call: Call
) -> None:
    service, operation, parameters, status, body = call
    answering(session, status, body)
    client: Any = Connection(session).client(service)
    met = [each for each in ALL if each.encode() in body]
    if LOGIN in met:
        met.append(PASSWORD)
    try:
        getattr(client, operation)(**parameters)
        # What was given is used from here on: by a builder's login, or to sign.
        logging.getLogger("botocore").debug("later: %s %r", met, json.dumps(met).encode())
    except Exception as error:  # noqa: BLE001 - as a command's end takes every error
        show_traceback()
        print_error(error)
    shown = wire()
    assert f"OperationModel(name={client.meta.method_to_api_mapping[operation]})" in shown
    assert ": 200" in shown or "SignatureDoesNotMatch" in shown
    secret = {SECRET, TOKEN, *met, *parameters.values()} & set(ALL)
    assert [each for each in secret if each in shown] == []
    assert re.search(r"Signature=[0-9a-f]", shown) is None
    assert re.search(r"Signature:\n  \| [0-9a-f]", shown) is None


def test_a_presigned_url_loses_its_signature_and_token(
    session: boto3.Session, wire: Callable[[], str]
) -> None:
    client: Any = Connection(session).client("sqs")
    url = client.generate_presigned_url("list_queues")
    logging.getLogger("botocore").debug("GET %s", url)
    shown = wire()
    assert "X-Amz-Signature=***" in shown
    assert "X-Amz-Security-Token=***" in shown
    assert re.search(r"X-Amz-Signature=[0-9a-f]", shown) is None


def test_a_traceback_loses_secrets_in_every_error_of_the_chain(
    session: boto3.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(session, 200, SENSITIVE[4][4])
    aws = Aws(Connection(session), stack="app", tags={})
    aws.ecr.get_authorization_token()
    try:
        _fail_twice()
    except ValueError as error:
        show_traceback()
        print_error(error)
    shown = capsys.readouterr().err
    assert "The above exception was the direct cause" in shown
    assert shown.count("***") >= 4
    assert not [each for each in ALL if each in shown]
    assert commanding(shown) <= {"\n"}
    traced = shown.partition("\nerror: ")[0].split("\n")
    assert traced[0] == "Traceback (most recent call last):"
    assert all(line.startswith("  | ") for line in traced[1:])


def _fail_twice() -> None:
    try:
        _fail(OSError(f"docker login -p {PASSWORD}"))
    except OSError as error:
        raise ValueError(f"first {LOGIN}\nerror: {SECRET}\x1b[2J") from error


def _fail(error: Exception) -> None:
    raise error


def test_an_error_within_a_log_record_is_masked_with_its_traceback(
    wire: Callable[[], str],
) -> None:
    secrets.SECRETS.learn(SECRET)
    try:
        _fail(ValueError(SECRET))
    except ValueError:
        logging.getLogger("botocore").exception("failed with %s", SECRET)
    DebugHandler().handle(logging.LogRecord("botocore", 10, "x.py", 1, "%d", (SECRET,), None))
    shown = wire()
    assert "ValueError: ***" in shown
    assert "could not format a record of `botocore`" in shown
    assert SECRET not in shown


@pytest.mark.usefixtures("account")
def test_a_command_that_assumes_a_role_shows_none_of_its_secrets(
    folder: Path, batchctl: Batchctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []
    create = RefreshableCredentials.create_from_metadata

    def noted(metadata: dict[str, str], **more: Any) -> Any:
        given.extend((metadata["secret_key"], metadata["token"]))
        return create(metadata=metadata, **more)

    monkeypatch.setattr(RefreshableCredentials, "create_from_metadata", noted)
    state = {"mode": "restapi", "auth": "iam"}
    (folder / "config.yaml").write_text(
        f"compute: {{image: 'x:1'}}\napi: {json.dumps(state)}\nregion: us-east-1\n"
    )
    assert batchctl("up", "--yes", "--api-mode", "restapi", "--auth", "iam").exit_code == 0
    shown = batchctl("jobs", "--assume-api-role", "--debug", "-v").stderr
    assert len(given) == 2
    assert "sts.AssumeRole arn:aws:iam::123456789012:role/batchapp-API-Execute-Role" in shown
    assert not [each for each in given if each in shown]
