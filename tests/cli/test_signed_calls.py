"""Who signs the requests of the job commands and of curl, and what curl shows."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from api_server import ROLE, ApiServer, deployed, serving
from calls import Calls
from click.testing import Result

Batchctl = Callable[..., Result]

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        }
    ],
}


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with serving() as served:
        yield served


@pytest.fixture
def role(account: None) -> None:
    """The execute role, in the account."""
    boto3.client("iam").create_role(
        RoleName=ROLE.rpartition("/")[2], AssumeRolePolicyDocument=json.dumps(TRUST)
    )


@pytest.fixture
def signed(folder: Path, api: ApiServer, role: None) -> ApiServer:
    """An API that wants signatures, deployed."""
    deployed(folder, api, "iam")
    return api


def test_an_api_for_everyone_is_called_without_signature_and_without_credentials(
    folder: Path, api: ApiServer, batchctl: Batchctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    deployed(folder, api, "none")
    assert batchctl("jobs").exit_code == 0
    assert api.key_id is None


def test_an_api_with_iam_is_called_with_the_callers_own_signature(
    signed: ApiServer, batchctl: Batchctl, calls: Calls
) -> None:
    assert json.loads(batchctl("jobs", "--json").stdout)["jobs"] == []
    assert signed.key_id == os.environ["AWS_ACCESS_KEY_ID"]
    assert calls.made == [], "signing takes no call"


def test_the_signature_is_for_the_region_of_the_api(
    folder: Path, api: ApiServer, role: None, batchctl: Batchctl
) -> None:
    deployed(folder, api, "iam", region="eu-west-1")
    batchctl("jobs")
    assert "/eu-west-1/execute-api/aws4_request" in api.asked[0][2]["authorization"]


@pytest.mark.parametrize("command", [["jobs"], ["curl", "/v1/tasks"]])
def test_the_option_makes_the_execute_role_the_one_who_signs(
    signed: ApiServer, batchctl: Batchctl, calls: Calls, command: list[str]
) -> None:
    assert batchctl(*command, "--assume-api-role").exit_code == 0
    assert str(signed.key_id).startswith("ASIA")
    assert "x-amz-security-token" in signed.asked[0][2]
    assert [(operation, sent["RoleArn"]) for _, operation, sent in calls.made] == [
        ("AssumeRole", ROLE)
    ]


def test_the_setting_makes_the_execute_role_the_one_who_signs(
    folder: Path, signed: ApiServer, batchctl: Batchctl
) -> None:
    settings = "api: {mode: restapi, auth: iam, assume_execute_role: true}\n"
    (folder / "config.yaml").write_text(settings)
    assert batchctl("jobs").exit_code == 0
    assert str(signed.key_id).startswith("ASIA")


def test_there_is_no_role_to_assume_where_the_api_is_for_everyone(
    folder: Path, api: ApiServer, batchctl: Batchctl
) -> None:
    deployed(folder, api, "none")
    refused = batchctl("jobs", "--assume-api-role")
    assert refused.exit_code == 2
    assert "could not assume the API's role: there is none" in refused.stderr
    assert api.asked == []


def test_a_refusal_names_the_caller_and_what_is_missing(
    signed: ApiServer, batchctl: Batchctl
) -> None:
    signed.status, signed.body = 403, b'{"Message": "User: x is not authorized to perform: y"}'
    refused = batchctl("jobs")
    assert refused.exit_code == 1
    assert "as `arn:aws:sts::123456789012:user/moto`: User: x is not authorized" in refused.stderr
    assert "execute-api:Invoke" in refused.stderr


def test_a_refused_role_is_named_as_the_caller(signed: ApiServer, batchctl: Batchctl) -> None:
    signed.status, signed.body = 403, b'{"message": "no"}'
    assert f"as `{ROLE}`: no" in batchctl("jobs", "--assume-api-role").stderr


def test_curl_prints_the_answer_as_it_is_and_nothing_else(
    signed: ApiServer, batchctl: Batchctl
) -> None:
    signed.body = b'{"a":\t1}'
    done = batchctl("curl", "/v1/tasks?next=a b")
    assert (done.exit_code, done.stdout_bytes, done.stderr) == (0, b'{"a":\t1}', "")
    assert signed.asked[0][:2] == ("GET", "/v1/tasks?next=a%20b")


def test_curl_with_a_body_puts_it_as_json(signed: ApiServer, batchctl: Batchctl) -> None:
    batchctl("curl", "/v1/new-task", "-d", '{"job_id": "浦"}')
    method, _, headers, body = signed.asked[0]
    assert (method, headers["content-type"]) == ("PUT", "application/json")
    assert json.loads(body) == {"job_id": "浦"}


def test_curl_sends_the_method_the_headers_and_the_file_that_it_is_given(
    folder: Path, signed: ApiServer, batchctl: Batchctl
) -> None:
    (folder / "body").write_bytes(b"\x00\x01")
    batchctl(
        "curl", "/", "-X", "delete", "-d", "@body", "-H", "Content-Type: a/b", "-H", "X-Amz-A:1"
    )
    method, _, headers, body = signed.asked[0]
    assert (method, headers["content-type"], headers["x-amz-a"], body) == (
        "DELETE", "a/b", "1", b"\x00\x01"
    )  # fmt: skip
    assert "content-type;host;x-amz-a;x-amz-date" in headers["authorization"]


def test_curl_reads_a_body_from_standard_input(signed: ApiServer, batchctl: Batchctl) -> None:
    batchctl("curl", "/v1/new-task", "-d", "@-", input="{}")
    assert signed.asked[0][3] == b"{}"


@pytest.mark.parametrize("option", ["-i", "-v"])
def test_curl_shows_status_and_headers_on_stderr(
    signed: ApiServer, batchctl: Batchctl, option: str
) -> None:
    signed.status = 404
    done = batchctl("curl", "/v1/nothing", option)
    assert done.stderr.startswith("404 Not Found\n")
    assert "content-type: application/json\n" in done.stderr
    assert (done.exit_code, done.stdout) == (0, '{"jobs": []}')


@pytest.mark.parametrize(("status", "code"), [(399, 0), (400, 1), (503, 1)])
def test_curl_fails_on_an_error_when_told_to(
    signed: ApiServer, batchctl: Batchctl, status: int, code: int
) -> None:
    signed.status = status
    done = batchctl("curl", "/v1/tasks", "--fail")
    assert done.exit_code == code
    assert (f"GET /v1/tasks: status {status}" in done.stderr) == bool(code)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["v1/tasks"], "it must begin with `/`"),
        (["/", "-H", "nothing"], "it must be `NAME: VALUE`"),
        (["/", "-d", "@missing"], "could not read `missing`: No such file"),
    ],
)
def test_curl_tells_what_it_cannot_use(
    signed: ApiServer, batchctl: Batchctl, arguments: list[str], shown: str
) -> None:
    done = batchctl("curl", *arguments)
    assert done.exit_code == 2
    assert shown in done.stderr
    assert signed.asked == []


def test_curl_tells_that_nobody_answers(folder: Path, account: None, batchctl: Batchctl) -> None:
    deployed(folder, ApiServer("http://no-such-host.invalid"), "none")
    done = batchctl("curl", "/")
    assert done.exit_code == 1
    assert "could not reach `http://no-such-host.invalid`" in done.stderr
