"""What this run has made is waited for where AWS calls it missing; anything else fails at once."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchctl.aws.clock import Clock
from batchctl.aws.creations import ALLOWED_WITHIN_S, SHOWN_WITHIN_S
from batchctl.aws.retries import Retrier

QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:batchapp-dead-letters"
TABLE_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/batchapp-jobs"
BALANCER = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/batchapp-api/1"
LISTENER = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/batchapp-api/1/2"
Call = tuple[str, dict[str, Any], dict[str, Any]]
CREATED_QUEUE: Call = (
    "sqs.CreateQueue",
    {"QueueName": "batchapp-dead-letters", "tags": {"name": "batchapp-other"}},
    {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/batchapp-dead-letters"},
)
CREATED_TABLE: Call = (
    "dynamodb.CreateTable",
    {"TableName": "batchapp-jobs"},
    {"TableDescription": {"TableArn": TABLE_ARN, "TableName": "batchapp-jobs"}},
)
CREATED_LISTENER: Call = (
    "elasticloadbalancing.CreateListener",
    {"LoadBalancerArn": BALANCER, "Port": 9999},
    {"Listeners": [{"ListenerArn": LISTENER, "LoadBalancerArn": BALANCER}]},
)


def refused(code: str, message: str = "") -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}}
    return ClientError(answer, "Operation")


@pytest.fixture
def clock() -> Clock:
    now = [0.0]
    return Clock(now=lambda: now[0], sleep=lambda _stop, s: now.__setitem__(0, now[0] + s))


def after(clock: Clock, *made: Call) -> Retrier:
    """The retrier of a run that has made these."""
    retrier = Retrier(clock)
    for operation, parameters, answer in made:
        retrier.call(operation, partial(dict, answer), parameters)
    return retrier


def tries(retrier: Retrier, operation: str, parameters: dict[str, Any], error: ClientError) -> int:
    """Return how often a call is made that fails with `error` twice; once when that ends it."""
    left, made = [error, error], [0]

    def once() -> dict[str, Any]:
        made[0] += 1
        if left:
            raise left.pop()
        return {}

    try:
        retrier.call(operation, once, parameters)
    except ClientError:
        assert made[0] == 1
    return made[0]


REDRIVE = {"RedrivePolicy": f'{{"deadLetterTargetArn": "{QUEUE_ARN}", "maxReceiveCount": "5"}}'}
NO_TARGET = refused("InvalidParameterValue", "Reason: Dead letter target does not exist.")
NO_TABLE = refused("TableNotFoundException", "Table not found: batchapp-jobs")
NO_LISTENER = refused("ListenerNotFound", "One or more listeners not found")


@pytest.mark.parametrize(
    ("made", "operation", "parameters", "error"),
    [
        (CREATED_QUEUE, "sqs.CreateQueue", {"Attributes": REDRIVE}, NO_TARGET),
        (CREATED_TABLE, "dynamodb.UpdateContinuousBackups", {"TableName": TABLE_ARN}, NO_TABLE),
        (CREATED_LISTENER, "elasticloadbalancing.CreateRule", {"ListenerArn": LISTENER},
         NO_LISTENER),
    ],
)  # fmt: skip
def test_a_call_about_what_was_just_made_is_repeated_and_about_all_else_it_is_not(
    clock: Clock, made: Call, operation: str, parameters: dict[str, Any], error: ClientError
) -> None:
    assert tries(after(clock, made), operation, parameters, error) == 3
    assert tries(after(clock), operation, parameters, error) == 1


def test_what_a_creation_names_besides_was_there_before(clock: Clock) -> None:
    """The load balancer of a new listener, and the tags of a queue."""
    retrier = after(clock, CREATED_LISTENER, CREATED_QUEUE)
    missing = refused("LoadBalancerNotFound")
    modify = "elasticloadbalancing.ModifyLoadBalancerAttributes"
    assert tries(retrier, modify, {"LoadBalancerArn": BALANCER}, missing) == 1
    absent = refused("QueueDoesNotExist")
    assert tries(retrier, "sqs.SetQueueAttributes", {"QueueUrl": "batchapp-other"}, absent) == 1


def test_a_name_is_of_its_service_alone(clock: Clock) -> None:
    retrier = after(clock, CREATED_TABLE)
    missing = refused("ResourceNotFoundException")
    assert (
        tries(retrier, "logs.PutRetentionPolicy", {"logGroupName": "batchapp-jobs"}, missing) == 1
    )


@pytest.mark.parametrize("operation", ["dynamodb.DescribeTable", "dynamodb.DeleteTable"])
def test_reads_and_deletions_of_what_is_missing_are_answered_at_once(
    clock: Clock, operation: str
) -> None:
    missing = refused("ResourceNotFoundException")
    assert (
        tries(after(clock, CREATED_TABLE), operation, {"TableName": "batchapp-jobs"}, missing) == 1
    )


def test_a_read_refused_right_after_a_tagged_creation_is_repeated(clock: Clock) -> None:
    """IAM knows by the tags who may, and sees those late (terraform-provider-aws issue 44689)."""
    denied = refused("AccessDeniedException", "not authorized to perform: dynamodb:DescribeTable")
    parameters = {"TableName": "batchapp-jobs"}
    assert tries(after(clock, CREATED_TABLE), "dynamodb.DescribeTable", parameters, denied) == 3
    assert tries(after(clock), "dynamodb.DescribeTable", parameters, denied) == 1


@pytest.mark.parametrize(
    ("code", "within_s"),
    [("TableNotFoundException", SHOWN_WITHIN_S), ("AccessDeniedException", ALLOWED_WITHIN_S)],
)
def test_what_never_shows_is_given_up_in_time(clock: Clock, code: str, within_s: float) -> None:
    retrier = after(clock, CREATED_TABLE)

    def once() -> dict[str, Any]:
        raise refused(code)

    with pytest.raises(ClientError) as caught:
        retrier.call("dynamodb.UpdateContinuousBackups", once, {"TableName": "batchapp-jobs"})
    assert within_s <= clock.now() < within_s + 25
    assert any("waited" in note for note in caught.value.__notes__)


def test_what_was_made_long_ago_is_missing(clock: Clock) -> None:
    retrier = after(clock, CREATED_TABLE)
    clock.pause(SHOWN_WITHIN_S)
    parameters = {"TableName": "batchapp-jobs"}
    assert tries(retrier, "dynamodb.UpdateContinuousBackups", parameters, NO_TABLE) == 1
