"""Nobody gets into a really started local cloud who doesn't belong: boto3 and HTTP as witness."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from local_cloud import (
    Cloud,
    allow,
    create_function,
    free_ports,
    invoke,
    send,
)

from batchctl.errors import BatchctlError
from batchctl.local.control import process
from batchctl.local.control.record import ACCESS_KEY_ID, command_line

pytestmark = pytest.mark.e2e

CALLS = [
    ("sts", "get_caller_identity"),
    ("sqs", "list_queues"),
    ("lambda", "list_functions"),
    ("s3", "list_buckets"),
    ("ec2", "describe_vpcs"),
    ("dynamodb", "list_tables"),
    ("iam", "list_users"),
    ("batch", "describe_job_queues"),
    ("logs", "describe_log_groups"),
    ("ecr", "describe_repositories"),
    ("elbv2", "describe_load_balancers"),
    ("apigateway", "get_rest_apis"),
    ("cloudformation", "list_stacks"),
    ("events", "list_rules"),
    ("cloudwatch", "list_metrics"),
]
REFUSED: dict[str, tuple[dict[str, Any], set[str]]] = {
    "nobody": (
        {"config": Config(signature_version=UNSIGNED)},
        {"MissingAuthenticationToken", "MissingAuthenticationTokenException", "AccessDenied"},
    ),
    "guesser": (
        {"aws_secret_access_key": "guessed"},
        {"SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure"},
    ),
    "test": (
        {"aws_access_key_id": "test", "aws_secret_access_key": "test"},
        {
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "InvalidAccessKeyId",
            "AuthFailure",
        },
    ),
}


def as_root(cloud: Cloud, service: str, **changes: Any) -> Any:
    key_id, secret = cloud.running.root
    arguments: dict[str, Any] = {
        "region_name": cloud.running.region,
        "endpoint_url": cloud.running.endpoint_url,
        "aws_access_key_id": key_id,
        "aws_secret_access_key": secret,
        **changes,
    }
    make: Callable[..., Any] = boto3.client  # the stubs want each service by its name
    return make(service, **arguments)


@pytest.mark.parametrize(("service", "operation"), CALLS)
@pytest.mark.parametrize("who", REFUSED)
def test_each_service_refuses_in_a_form_that_boto3_understands(
    cloud: Cloud, who: str, service: str, operation: str
) -> None:
    changes, codes = REFUSED[who]
    with pytest.raises(ClientError) as caught:
        getattr(as_root(cloud, service, **changes), operation)()
    assert caught.value.response["Error"]["Code"].split(",")[0] in codes
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    getattr(as_root(cloud, service), operation)()


def test_the_secret_makes_one_the_root_of_any_account(cloud: Cloud) -> None:
    other = as_root(cloud, "sts", aws_access_key_id="111111111111")
    assert other.get_caller_identity()["Arn"] == "arn:aws:iam::111111111111:root"


def test_operations_that_aws_serves_unsigned_are_refused(cloud: Cloud) -> None:
    sts = as_root(cloud, "sts", config=Config(signature_version=UNSIGNED))
    with pytest.raises(ClientError, match="MissingAuthenticationToken"):
        sts.assume_role_with_web_identity(
            RoleArn=f"arn:aws:iam::{ACCESS_KEY_ID}:role/job",
            RoleSessionName="someone",
            WebIdentityToken="a-web-identity-token",
        )
    pools = as_root(cloud, "cognito-idp", config=Config(signature_version=UNSIGNED))
    with pytest.raises(ClientError, match="MissingAuthenticationToken"):
        pools.sign_up(ClientId="client", Username="user", Password="password")


@pytest.mark.parametrize(
    "path",
    [
        "/_ministack/reset",
        "/_ministack/health",
        "/_ministack/config",
        "/_%6dinistack/reset",
        "/_localstack/health",
        "/_aws/lambda-url/abc/",
        "/_alb/front/",
        "/health",
        "/oauth2/token",
        "/latest/meta-data/iam/security-credentials/",
        "/v2/credentials/x",
        "/us-east-1_pool/.well-known/jwks.json",
        "/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_nothing_is_served_without_a_signature(cloud: Cloud, method: str, path: str) -> None:
    assert send(cloud.running.gateway_port, method, path)[0] == 403
    assert cloud.sqs.list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:4566"},
        {"Origin": "http://evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Referer": "http://evil.example/"},
        {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
        | {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_a_page_reaches_neither_port(cloud: Cloud, headers: dict[str, str]) -> None:
    for port in (cloud.running.gateway_port, cloud.running.load_balancer_port):
        for method in ("GET", "POST", "OPTIONS"):
            if headers.get("Upgrade") and method != "GET":
                continue
            assert send(port, method, "/", **headers)[0] == 403


def test_our_own_paths_ask_for_the_secret(cloud: Cloud) -> None:
    port = cloud.running.gateway_port
    assert send(port, "GET", "/_batchctl/status")[0] == 403
    assert send(port, "GET", "/_batchctl/status", Authorization="Bearer guessed")[0] == 403
    good = f"Bearer {cloud.running.root[1]}"
    status, body = send(port, "GET", "/_batchctl/status", Authorization=good)
    assert (status, json.loads(body)["pid"]) == (200, cloud.running.pid)


def test_the_registry_takes_passwords_that_ecr_gave_out_and_no_others(cloud: Cloud) -> None:
    port = cloud.running.gateway_port
    forged = base64.b64encode(b"AWS:ministack-auth-token").decode()
    given = cloud.ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    for path in ("/v2/", "/v2/_catalog"):
        assert send(port, "GET", path)[0] == 401
        assert send(port, "GET", path, Authorization=f"Basic {forged}")[0] == 401
        assert send(port, "GET", path, Authorization=f"Basic {given}")[0] == 200
    assert send(port, "POST", "/", Authorization=f"Basic {given}")[0] == 403


def test_s3_takes_presigned_addresses_of_root_and_of_users(cloud: Cloud) -> None:
    cloud.s3.create_bucket(Bucket="files")
    cloud.s3.put_object(Bucket="files", Key="a b/../c+d", Body=b"content")
    for style in ("path", "virtual"):
        config = Config(signature_version="s3v4", s3={"addressing_style": style})
        s3 = as_root(cloud, "s3", config=config, endpoint_url=_by_name(cloud))
        target = {"Bucket": "files", "Key": "a b/../c+d"}
        url = s3.generate_presigned_url("get_object", Params=target, ExpiresIn=60)
        host, path = url.removeprefix("http://").split("/", 1)
        assert send(cloud.running.gateway_port, "GET", f"/{path}", Host=host) == (200, b"content")
        forged = f"{path[:-1]}{'0' if path[-1] != '0' else '1'}"
        assert send(cloud.running.gateway_port, "GET", f"/{forged}", Host=host)[0] == 403


def _by_name(cloud: Cloud) -> str:
    return f"http://localhost:{cloud.running.gateway_port}"


REVEALER = """
    import os
    def handler(event, context):
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return {"session": [os.environ[name] for name in names], "all": sorted(os.environ.values())}
"""


def test_a_functions_credentials_cannot_be_computed_and_hold_no_root_secret(cloud: Cloud) -> None:
    role = cloud.role("revealer", "lambda.amazonaws.com", allow("sqs:ListQueues", "*"))
    arn = create_function(cloud, "revealer", role, REVEALER)
    found = json.load(invoke(cloud, "revealer")["Payload"])
    key_id, secret, token = found["session"]
    session = {"aws_access_key_id": key_id, "aws_session_token": token}

    called = cloud.client("sts", **session, aws_secret_access_key=secret).get_caller_identity()
    assert called["Arn"].endswith("assumed-role/revealer/revealer")
    digest = sha256(f"{arn}:{role}".encode()).hexdigest()
    assert secret != sha256(f"secret:{digest}".encode()).hexdigest()
    assert token != sha256(f"token:{digest}".encode()).hexdigest()
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        cloud.client(
            "sts", aws_access_key_id=key_id, aws_secret_access_key=secret
        ).get_caller_identity()
    assert cloud.running.root[1] not in " ".join(found["all"])


def test_a_jobs_environment_holds_no_root_secret(cloud: Cloud) -> None:
    job_id = cloud.submit(["sh", "-c", "env; cat /proc/$PPID/environ /proc/$PPID/cmdline"])
    cloud.wait(job_id, "SUCCEEDED", "FAILED")
    text = " ".join(cloud.log(job_id))
    assert "AWS_ENDPOINT_URL" in text
    assert cloud.running.root[1] not in text


def test_the_secret_is_in_its_file_and_nowhere_else(cloud: Cloud) -> None:
    directory = Path(cloud.running.directory)
    secret = cloud.running.root[1]
    assert len(secret) >= 40
    assert directory.stat().st_mode & 0o777 == 0o700
    holders = [
        path
        for path in directory.rglob("*")
        if path.is_file() and secret.encode() in path.read_bytes()
    ]
    assert holders == [directory / "root-secret"]
    assert holders[0].stat().st_mode & 0o777 == 0o600
    assert secret not in command_line(cloud.running.pid)
    assert secret.encode() not in Path(f"/proc/{cloud.running.pid}/environ").read_bytes()


def test_only_two_ports_are_open_and_only_on_this_machine(cloud: Cloud) -> None:
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{cloud.running.pid}/net/{table}").read_text().splitlines()[1:]
    ]
    own = {
        str(path.readlink())[8:-1]
        for path in Path(f"/proc/{cloud.running.pid}/fd").iterdir()
        if os.path.lexists(path) and str(path.readlink()).startswith("socket:[")
    }
    listening = {row[1] for row in rows if row[3] == "0A" and row[9] in own}
    ports = (cloud.running.gateway_port, cloud.running.load_balancer_port)
    assert listening == {f"0100007F:{port:04X}" for port in ports}


def test_where_something_else_answers_start_says_so(tmp_path: Path, cloud: Cloud) -> None:
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    (other / "root-secret").write_text("of another cloud")
    claimed = vars(cloud.running) | {"directory": str(other)}
    with pytest.raises(BatchctlError, match="something else answers on port") as caught:
        process._answers(type(cloud.running)(**claimed))
    assert "local.gateway_port" in str(caught.value.hint)


def test_env_makes_other_tools_root_whatever_was_set_before(tmp_path: Path) -> None:
    gateway, balancer = free_ports(2)
    text = f"api: {{port: {balancer}}}\nlocal: {{gateway_port: {gateway}}}\n"
    (tmp_path / "config.yaml").write_text(text)
    batchctl = f"{sys.executable} -c 'from batchctl.cli import main; main()'"
    script = f"""
        set -e
        {batchctl} local env >/dev/null && exit 9
        {batchctl} local env --json >refused.json && exit 9
        eval "$({batchctl} local env)" && exit 9
        {batchctl} local start >/dev/null
        eval "$({batchctl} local env)"
        {sys.executable} -c 'import boto3; print(boto3.client("sts").get_caller_identity()["Arn"])'
        {batchctl} --local local env --json
        {batchctl} local stop
    """
    misleading = {
        "AWS_SESSION_TOKEN": "old",
        "AWS_PROFILE": "someone",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=tmp_path,
        env={**os.environ, **misleading},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "could not print the local cloud's environment: the local cloud is not running" in (
        done.stderr
    )
    refused = json.loads((tmp_path / "refused.json").read_text())
    assert "the local cloud is not running" in refused["error"]["message"]
    arn, _, document = done.stdout.partition("\n")
    assert arn == f"arn:aws:iam::{ACCESS_KEY_ID}:root"
    assert json.loads(document)["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{gateway}"
    assert json.loads(document)["AWS_SECRET_ACCESS_KEY"] not in done.stderr


DISGUISES = {
    "another machine's address as the target": (
        b"POST http://evil.example/_ministack/reset HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    ),
    "a whole address as the target": (
        b"POST http://127.0.0.1/_ministack/reset HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    ),
    "two hosts": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
    "no host, as in HTTP/1.0": b"GET / HTTP/1.0\r\n\r\n",
    "two lengths": (
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "a host with a user": b"GET / HTTP/1.1\r\nHost: 127.0.0.1@evil.example\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: evil.example\r\n 127.0.0.1\r\n\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a tunnel": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n",
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_request_in_disguise_reaches_neither_port(cloud: Cloud, disguise: str) -> None:
    for port in (cloud.running.gateway_port, cloud.running.load_balancer_port):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(DISGUISES[disguise])
            status = connection.recv(65_536).split(b"\r\n")[0]
        assert status.split()[1] in {b"400", b"403"}, status


def test_http_2_reaches_neither_port(cloud: Cloud) -> None:
    for port in (cloud.running.gateway_port, cloud.running.load_balancer_port):
        for flag in ("--http2", "--http2-prior-knowledge"):
            done = subprocess.run(
                ["curl", "--silent", flag, f"http://127.0.0.1:{port}/v1/tasks"],
                capture_output=True,
                text=True,
                check=True,
                timeout=30,
            )
            assert "speaks HTTP/1.1 only" in done.stdout


def test_a_bucket_that_is_open_to_all_pages_is_not_open_here(cloud: Cloud) -> None:
    cloud.s3.create_bucket(Bucket="pages")
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    cloud.s3.put_bucket_cors(Bucket="pages", CORSConfiguration={"CORSRules": [rule]})
    cloud.s3.delete_public_access_block(Bucket="pages")
    cloud.s3.put_bucket_policy(
        Bucket="pages",
        Policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": "*",
                        "Action": "s3:GetObject",
                        "Resource": "arn:aws:s3:::pages/*",
                    }
                ],
            }
        ),
    )
    cloud.s3.put_object(Bucket="pages", Key="a", Body=b"content")
    port = cloud.running.gateway_port
    assert send(port, "GET", "/pages/a", Origin="http://evil.example")[0] == 403
    assert send(port, "GET", "/pages/a")[0] == 403
