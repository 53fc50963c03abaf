"""The log of AWS calls: a line for each try, whoever makes it, in whatever thread."""

from __future__ import annotations

import logging
import re
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from batchctl.aws.clock import Clock
from batchctl.aws.session import Aws, Connection

LINE = r"^{}: {}, \d+ ms, attempt {}$"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log of calls, from the most detailed on."""
    caplog.set_level(logging.DEBUG, "batchctl.aws.calls")
    return caplog


def opened(endpoint_url: str | None = None) -> Aws:
    session = boto3.Session("AKIA", "secret-access-key", region_name="us-east-1")
    clock = Clock(now=iter(range(0, 1_000_000, 20)).__next__, sleep=lambda *_: None)
    connection = Connection(session, endpoint_url)
    return Aws(connection, stack="app", tags={}, clock=clock)


def matches(line: str, call: str, outcome: str, attempt: int = 1) -> bool:
    return bool(re.match(LINE.format(call, outcome, attempt), line))


def test_a_line_names_call_resource_status_request_and_attempt(
    log: pytest.LogCaptureFixture,
) -> None:
    with mock_aws():
        aws = opened()
        aws.sqs.create_queue(QueueName="app-jobs")
        aws.ec2.describe_subnets(SubnetIds=[])
        with pytest.raises(ClientError):
            aws.iam.get_role(RoleName="nobody")
    create, describe, get = log.messages
    assert matches(create, r"sqs\.CreateQueue app-jobs", r"200, request \w+")
    assert matches(describe, r"ec2\.DescribeSubnets -", r"200, request [\w-]+")
    assert matches(get, r"iam\.GetRole nobody", r"404 NoSuchEntity, request [\w-]+")


def test_each_try_has_a_line_with_its_number(log: pytest.LogCaptureFixture) -> None:
    aws = opened("http://127.0.0.1:1")
    with pytest.raises(EndpointConnectionError):
        aws.sts.get_caller_identity()
    outcome = r"no answer \(EndpointConnectionError\)"
    assert len(log.messages) > 1
    for number, line in enumerate(log.messages, start=1):
        assert matches(line, r"sts\.GetCallerIdentity -", outcome, number)


def test_calls_of_threads_do_not_mix(log: pytest.LogCaptureFixture) -> None:
    with mock_aws():
        sqs = opened().sqs
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: sqs.create_queue(QueueName=f"q{n}"), range(8)))
    names = sorted(line.split()[1].rstrip(":") for line in log.messages)
    assert names == [f"q{number}" for number in range(8)]


def test_a_session_of_many_connections_logs_a_call_once(log: pytest.LogCaptureFixture) -> None:
    with mock_aws():
        session = boto3.Session("AKIA", "secret-access-key", region_name="us-east-1")
        Connection(session)
        Connection(session).client("sqs").list_queues()  # type: ignore[attr-defined]
    assert len(log.messages) == 1
