"""Code that the cloud itself runs: a job as a process, and a Lambda function, which want more.

Where the boundary is: without containers a job is a process of the user, as `python compute.py`
would be. What the user's other processes can read it can read too, root's secret among it. But it
isn't handed the secret, and as its role it may do no more than its role may.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from local_cloud import ENDED, allow, create_function, invoke
from victim import INTRUDER, MARKER, Victim

pytestmark = pytest.mark.e2e

SPY = r"""
import glob, http.client, json, os, sys
from urllib.parse import urlsplit
gateway = urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc

def read(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode(errors="replace")
    except OSError:
        return ""

def raw(method, path, headers):
    connection = http.client.HTTPConnection(gateway, timeout=60)
    connection.request(method, path, "{}", headers)
    return connection.getresponse().status

def attempt(call, **keys):
    import boto3
    from botocore.exceptions import ClientError
    service, operation, parameters = call
    client = boto3.client(service, region_name="us-east-1", **keys)
    try:
        getattr(client, operation)(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "ALLOWED"

def spy():
    guessed = [
        {"aws_access_key_id": "000000000000", "aws_secret_access_key": "local-cloud-root"},
        {"aws_access_key_id": "000000000000", "aws_secret_access_key": "test"},
        {"aws_access_key_id": "test", "aws_secret_access_key": "test"},
        {"aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": "test",
         "aws_session_token": os.environ["AWS_SESSION_TOKEN"]},
    ]
    wanted = ("iam", "create_user", {"UserName": "intruder"})
    other = {"RoleArn": "arn:aws:iam::000000000000:role/other", "RoleSessionName": "intruder"}
    more = [wanted, ("sts", "assume_role", other)]
    scope = "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/iam/aws4_request"
    zeros = {"Authorization": scope + ", SignedHeaders=host, Signature=" + "0" * 64}
    return {
        "uid": os.getuid(),
        "given": json.dumps(dict(os.environ)) + " ".join(sys.argv),
        "environments": "".join(read(f"/proc/{pid}/environ") for pid in pids()),
        "command_lines": "".join(read(f"/proc/{pid}/cmdline") for pid in pids()),
        "guessed": [attempt(wanted, **keys) for keys in guessed],
        "more": [attempt(call) for call in more],
        "raw": [raw("POST", path, headers) for headers in ({}, zeros)
                for path in ("/_ministack/reset", "/_batchctl/interrupt", "/_batchctl/status")],
    }

def pids():
    parents, pid = [], os.getpid()
    while pid > 1:
        parents.append(pid)
        pid = int(read(f"/proc/{pid}/stat").rpartition(")")[2].split()[1])
    return parents
"""
AS_FUNCTION = "def handler(event, context):\n    return spy()\n"


@pytest.fixture(scope="module", params=["a job", "a function"])
def seen(request: pytest.FixtureRequest, victim: Victim) -> dict[str, Any]:
    """What came of all attacks."""
    return as_job(victim) if request.param == "a job" else as_function(victim)


def as_job(victim: Victim) -> dict[str, Any]:
    command = ["python", "-c", f"{SPY}\nprint(json.dumps(spy()))"]
    job_id = victim.cloud.submit(command)
    job = victim.cloud.wait(job_id, *ENDED)
    log = victim.cloud.log(job_id)
    assert job["status"] == "SUCCEEDED", log
    found: dict[str, Any] = json.loads("".join(log))
    return found


def as_function(victim: Victim) -> dict[str, Any]:
    role = victim.cloud.role("spy", "lambda.amazonaws.com", allow("logs:*", "*"))
    create_function(victim.cloud, "spy", role, f"{SPY}\n{AS_FUNCTION}")
    found: dict[str, Any] = json.load(invoke(victim.cloud, "spy")["Payload"])
    return found


def test_it_is_not_handed_the_secret(victim: Victim, seen: dict[str, Any]) -> None:
    assert victim.root.secret not in seen["given"]
    assert "AWS_SESSION_TOKEN" in seen["given"]


def test_no_environment_or_command_line_above_it_has_the_secret(
    victim: Victim, seen: dict[str, Any]
) -> None:
    assert "batchctl.local.cloud" in seen["command_lines"]
    assert victim.root.secret not in seen["environments"] + seen["command_lines"]


def test_guessing_keys_gets_it_nowhere(victim: Victim, seen: dict[str, Any]) -> None:
    assert "ALLOWED" not in seen["guessed"]
    assert INTRUDER not in victim.names()


def test_its_role_gets_it_no_further_than_the_role_may(seen: dict[str, Any]) -> None:
    assert seen["more"] == ["AccessDenied", "AccessDenied"]


def test_private_paths_are_closed_to_it(victim: Victim, seen: dict[str, Any]) -> None:
    assert set(seen["raw"]) <= {400, 401, 403, 404}
    assert MARKER in victim.names()


def test_it_runs_as_the_user_and_no_boundary_is_claimed(seen: dict[str, Any]) -> None:
    assert seen["uid"] == os.getuid()
