"""What the session promises: typed clients through the retry table, tags, partitions, endpoints."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from batchctl.aws.clock import Clock
from batchctl.aws.errors import NotReady, explain
from batchctl.aws.partitions import partition_of
from batchctl.aws.session import Aws, Connection
from batchctl.aws.waiting import Pending, Poller
from batchctl.errors import Interrupted, UsageError


def account(**session: Any) -> Aws:
    keys: Any = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return Aws(Connection(boto3.Session(**keys, **session)), stack="batchapp", tags={"team": "q"})


@pytest.mark.parametrize(
    ("region", "partition", "ec2", "architecture"),
    [
        ("us-east-1", "aws", "ec2.amazonaws.com", "arm64"),
        ("cn-north-1", "aws-cn", "ec2.amazonaws.com.cn", "x86_64"),
        ("us-gov-west-1", "aws-us-gov", "ec2.amazonaws.com", "x86_64"),
        # Its endpoints end in amazonaws.eu, its principals don't.
        ("eusc-de-east-1", "aws-eusc", "ec2.amazonaws.com", "x86_64"),
    ],
)
def test_each_partition_has_its_own_principals_policies_and_architecture(
    region: str, partition: str, ec2: str, architecture: str
) -> None:
    found = partition_of(region)
    assert found.id == partition
    assert found.service_principal("ec2") == ec2
    assert found.service_principal("lambda") == "lambda.amazonaws.com"
    assert found.default_function_architecture == architecture
    assert found.managed_policy("X") == f"arn:{partition}:iam::aws:policy/X"


def test_a_region_that_does_not_exist_is_an_error_that_names_it() -> None:
    with pytest.raises(UsageError, match="`atlantis`"):
        partition_of("atlantis")


def test_without_a_region_the_error_says_where_to_set_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(UsageError) as error:
        account().region  # noqa: B018 - the access is what is tried
    assert "--region" in str(error.value.hint)


def test_one_service_can_be_pointed_elsewhere_by_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:2")
    aws = account(region_name="us-east-1")
    assert aws.sqs.meta.endpoint_url == "http://127.0.0.1:2"
    assert aws.iam.meta.endpoint_url == "http://127.0.0.1:1"


def test_the_stack_tag_cannot_be_overridden_by_the_user() -> None:
    aws = account(region_name="us-east-1")
    aws.user_tags["batchctl:stack"] = "other"
    assert aws.tags["batchctl:stack"] == "batchapp"


def test_an_aws_error_is_explained_by_operation_code_and_message() -> None:
    error = ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "CreateRole")
    text, hint = explain(error)
    assert text == "CreateRole: AccessDenied: not you"
    assert hint is not None
    assert "permission" in hint


def test_for_expired_credentials_the_hint_is_to_log_in_again() -> None:
    error = ClientError({"Error": {"Code": "ExpiredToken", "Message": "old"}}, "GetRole")
    assert "log in again" in str(explain(error)[1])


def test_a_wait_polls_soon_then_less_often_and_ends_at_its_deadline() -> None:
    now, pauses = [0.0], []

    def sleep(_stop: object, seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    said: list[str] = []
    poller = Poller(Clock(now=lambda: now[0], sleep=sleep), said.append)
    with pytest.raises(NotReady, match="waited 60 s for the moon"):
        poller.until("the moon", lambda: None, timeout_s=60)
    assert pauses[0] == pytest.approx(0.2)
    assert max(pauses) == pytest.approx(5.0)
    assert set(said) == {"the moon"}


def test_a_wait_says_what_is_there_instead_and_ends_with_what_was_seen_last() -> None:
    now = [0.0]
    clock = Clock(now=lambda: now[0], sleep=lambda _s, s: now.__setitem__(0, now[0] + s))
    said: list[str] = []
    seen = [Pending("CREATING"), Pending("UPDATING")]
    poller = Poller(clock, said.append)
    with pytest.raises(NotReady, match="waited 60 s for the moon: it is still `UPDATING`") as late:
        poller.until("the moon", lambda: seen.pop(0) if seen[1:] else seen[0], timeout_s=60)
    assert said[:2] == ["the moon, now `CREATING`", "the moon, now `UPDATING`"]
    assert "run the command again" in str(late.value.hint)


def test_a_stopped_run_ends_its_waits_at_once() -> None:
    clock = Clock()
    clock.stop.set()
    with pytest.raises(Interrupted):
        Poller(clock, lambda _: None).until("ever", lambda: None, timeout_s=1e9)
