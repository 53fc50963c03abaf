"""What a network between us and AWS may do: each is waited for, then explained, by one hint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from false_servers import answering, own_certificate

from batchctl.aws.clock import Clock
from batchctl.aws.errors import AmbiguousOutcome, explain
from batchctl.aws.session import Aws, Connection

PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Guest Wi-Fi login</title></head><body>...</body></html>"
)
READS: dict[str, Callable[[Aws], Any]] = {
    "json": lambda aws: aws.dynamodb.describe_table(TableName="jobs"),
    "rest-json": lambda aws: aws.batch.describe_job_queues(),
    "query": lambda aws: aws.iam.get_role(RoleName="x"),
    "ec2": lambda aws: aws.ec2.describe_vpcs(),
    "query as json": lambda aws: aws.sqs.get_queue_url(QueueName="x"),
}


def account(endpoint: str | None = None, waits: list[str] | None = None) -> Aws:
    keys: Any = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    session = boto3.Session(**keys, region_name="us-east-1")
    now = [0.0]
    clock = Clock(now=lambda: now[0], sleep=lambda _s, s: now.__setitem__(0, now[0] + s))
    connection = Connection(session, endpoint_url=endpoint)
    on_wait = (waits if waits is not None else []).append
    return Aws(connection, stack="batchapp", tags={}, clock=clock, on_wait=on_wait)


def failure(call: Callable[[], Any]) -> tuple[str, str]:
    """Return the message and the hint of what the call raises."""
    with pytest.raises(Exception, match=r".") as error:
        call()
    message, hint = explain(error.value)
    return message, str(hint)


@pytest.mark.parametrize("protocol", READS)
@pytest.mark.parametrize("status", [200, 302, 403, 503])
def test_a_page_instead_of_an_answer_is_waited_for_then_named(protocol: str, status: int) -> None:
    with answering(PAGE, status) as (endpoint, requests):
        message, hint = failure(lambda: READS[protocol](account(endpoint)))
    assert f"an HTML page (HTTP {status}, `Guest Wi-Fi login`) came instead" in message
    assert "waited 30 s" in message
    assert "HTTPS_PROXY" in hint
    assert len(requests) > 3


@pytest.mark.parametrize("protocol", READS)
@pytest.mark.parametrize("body", [b'{"Table": {"TableName": "jo', b"<DescribeVpcsResponse><vpcS"])
def test_an_answer_that_is_cut_off_is_waited_for_then_named(protocol: str, body: bytes) -> None:
    with answering(body) as (endpoint, _requests):
        message, hint = failure(lambda: READS[protocol](account(endpoint)))
    assert "something that was cut off, or that nobody can read, came instead" in message
    assert "HTTPS_PROXY" in hint


@pytest.mark.parametrize("protocol", READS)
def test_a_connection_that_ends_within_an_answer_is_waited_for(protocol: str) -> None:
    with answering(b'{"Table": ', promised=5000) as (endpoint, requests):
        message, hint = failure(lambda: READS[protocol](account(endpoint)))
    assert "Connection was closed" in message
    assert "HTTPS_PROXY" in hint
    assert len(requests) > 3


def test_a_write_that_must_not_run_twice_is_not_repeated_after_a_page() -> None:
    with answering(PAGE) as (endpoint, requests), pytest.raises(AmbiguousOutcome):
        account(endpoint).batch.submit_job(jobName="x", jobQueue="x", jobDefinition="x")
    assert len(requests) == 1


def test_a_write_that_may_run_twice_is_repeated_after_a_page() -> None:
    with answering(PAGE) as (endpoint, requests):
        failure(lambda: account(endpoint).sqs.delete_queue(QueueUrl=f"{endpoint}/1/x"))
    assert len(requests) > 3


def test_a_certificate_that_is_not_trusted_is_named_at_once_with_the_setting(
    tmp_path: Path,
) -> None:
    waits: list[str] = []
    with answering(b"{}", certificate=own_certificate(tmp_path)) as (endpoint, _requests):
        message, hint = failure(lambda: account(endpoint, waits).sqs.create_queue(QueueName="x"))
    assert "SSL validation failed" in message
    assert "AWS_CA_BUNDLE" in hint
    assert waits == []


def test_a_bundle_of_certificates_that_is_missing_is_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/etc/ssl/corporate.pem")
    waits: list[str] = []
    with answering(b"{}", certificate=own_certificate(tmp_path)) as (endpoint, _requests):
        message, hint = failure(account(endpoint, waits).ec2.describe_vpcs)
    assert "AWS_CA_BUNDLE" in hint
    assert waits == [], message


@pytest.mark.parametrize("status", [403, 407, 502])
def test_a_proxy_that_refuses_is_waited_for_then_named(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    for name in ("NO_PROXY", "no_proxy", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with answering(PAGE, status) as (proxy, requests):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        # A create, too: no call gets past the proxy, so none took effect.
        message, hint = failure(lambda: account().sqs.create_queue(QueueName="x"))
    assert "Failed to connect to proxy URL" in message
    assert "waited 30 s" in message
    assert "HTTPS_PROXY" in hint
    assert set(requests) == {"CONNECT sqs.us-east-1.amazonaws.com:443"}


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "http://[", "http://proxy:port"])
def test_a_proxy_that_is_not_there_or_misspelled_is_named(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    for name in ("NO_PROXY", "no_proxy", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    _message, hint = failure(lambda: account().sqs.create_queue(QueueName="x"))
    assert "HTTPS_PROXY" in hint


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("https://batch.us-east-1.api.aws/v1", "AWS_USE_DUALSTACK_ENDPOINT"),
        ("https://iam.aws-cn-global.api.amazonwebservices.com.cn/", "AWS_USE_DUALSTACK_ENDPOINT"),
        ("https://batch.us-east-1.amazonaws.com/v1", "HTTPS_PROXY"),
    ],
)
def test_a_dual_stack_endpoint_that_is_not_there_is_named_with_the_setting(
    host: str, named: str
) -> None:
    _message, hint = explain(EndpointConnectionError(endpoint_url=host))
    assert named in str(hint)
