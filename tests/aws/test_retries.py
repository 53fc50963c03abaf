"""What the retry table promises: what passes is waited for, what may not run twice does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    UnauthorizedSSOTokenError,
)

from batchctl.aws.clock import Clock
from batchctl.aws.errors import THROTTLE_CODES, AmbiguousOutcome, explain
from batchctl.aws.retries import Retrier
from batchctl.aws.retries.rule import Rule
from batchctl.aws.retries.rules import RULES
from batchctl.errors import LoggedOut


def aws_error(code: str, message: str = "", status: int = 400) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "Operation")


class Calls:
    """A call that fails with the given errors in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.count = 0

    def __call__(self) -> dict[str, Any]:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return {"answer": 42}


@pytest.fixture
def waits() -> list[str]:
    return []


@pytest.fixture
def retrier(waits: list[str]) -> Retrier:
    now = [0.0]
    clock = Clock(now=lambda: now[0], sleep=lambda _s, s: now.__setitem__(0, now[0] + s))
    return Retrier(clock, waits.append, jitter=lambda: 1.0)


@pytest.mark.parametrize("code", sorted(THROTTLE_CODES))
@pytest.mark.parametrize("operation", ["sqs.CreateQueue", "batch.SubmitJob", "iam.GetRole"])
def test_throttling_of_any_operation_is_waited_out(
    retrier: Retrier, operation: str, code: str
) -> None:
    calls = Calls(*[aws_error(code)] * 12)
    assert retrier.call(operation, calls) == {"answer": 42}
    assert calls.count == 13


@pytest.mark.parametrize("rule", RULES, ids=lambda r: f"{r.code}-{r.text or 'any'}")
def test_each_rule_of_the_table_is_waited_for_and_said(
    retrier: Retrier, waits: list[str], rule: Rule
) -> None:
    for operation in rule.operations:
        calls = Calls(aws_error(rule.code, f"Sorry: {rule.text.upper()}."))
        assert retrier.call(operation, calls) == {"answer": 42}
        assert waits.pop() == rule.waits_for


@pytest.mark.parametrize("rule", RULES, ids=lambda r: f"{r.code}-{r.text or 'any'}")
def test_after_its_time_the_rule_gives_aws_own_error(retrier: Retrier, rule: Rule) -> None:
    error = aws_error(rule.code, rule.text)
    with pytest.raises(ClientError) as raised:
        retrier.call(rule.operations[0], Calls(*[error] * 10_000))
    assert raised.value is error
    assert retrier.clock.now() >= rule.for_s


def test_an_error_that_is_in_no_rule_is_raised_at_once(retrier: Retrier) -> None:
    calls = Calls(aws_error("AccessDenied"))
    with pytest.raises(ClientError, match="AccessDenied"):
        retrier.call("iam.CreateRole", calls)
    assert calls.count == 1


LOST: list[Callable[[], Exception]] = [
    lambda: aws_error("InternalFailure", status=500),
    lambda: aws_error("ServiceUnavailable", status=503),
    lambda: ConnectionClosedError(endpoint_url="https://sqs"),
]


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize(
    "operation",
    ["sqs.SetQueueAttributes", "iam.PutRolePolicy", "sqs.DeleteQueue", "sqs.GetQueueUrl"],
)
def test_without_an_answer_what_does_no_harm_twice_is_sent_again(
    retrier: Retrier, operation: str, lost: Callable[[], Exception]
) -> None:
    calls = Calls(lost(), lost())
    assert retrier.call(operation, calls) == {"answer": 42}


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize(
    "operation", ["batch.RegisterJobDefinition", "batch.SubmitJob", "lambda.CreateFunction"]
)
def test_without_an_answer_what_must_not_run_twice_does_not(
    retrier: Retrier, operation: str, lost: Callable[[], Exception]
) -> None:
    calls = Calls(lost())
    with pytest.raises(AmbiguousOutcome):
        retrier.call(operation, calls)
    assert calls.count == 1


def test_a_connection_that_never_came_about_is_tried_again_for_every_operation(
    retrier: Retrier,
) -> None:
    calls = Calls(EndpointConnectionError(endpoint_url="https://batch"))
    assert retrier.call("batch.SubmitJob", calls) == {"answer": 42}


def test_the_waits_grow_and_are_bounded(waits: list[str]) -> None:
    pauses: list[float] = []
    clock = Clock(now=lambda: 0.0, sleep=lambda _s, s: pauses.append(s))
    retrier = Retrier(clock, waits.append, jitter=lambda: 1.0)
    retrier.call("sqs.CreateQueue", Calls(*[aws_error("Throttling")] * 8))
    assert pauses == [0.5, 1, 2, 4, 8, 16, 20, 20]


NO_LONGER_TAKEN = (
    aws_error("ExpiredToken", "The security token included in the request is expired", 403),
    aws_error("ExpiredTokenException", status=403),
    aws_error("RequestExpired"),
    aws_error("InvalidClientTokenId", status=403),
    aws_error("UnrecognizedClientException"),
    aws_error("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z", 403),
    aws_error("AuthFailure", "AWS was not able to validate the provided access credentials", 401),
    UnauthorizedSSOTokenError(),
)


@pytest.mark.parametrize("error", NO_LONGER_TAKEN, ids=str)
def test_credentials_that_are_not_taken_end_the_run_at_once(
    retrier: Retrier, error: Exception
) -> None:
    calls = Calls(aws_error("Throttling"), error)
    with pytest.raises(LoggedOut, match="could not continue") as ended:
        retrier.call("batch.DescribeJobQueues", calls)
    assert calls.count == 2
    assert "log in" in str(ended.value.hint)


def test_what_one_may_not_do_with_good_credentials_ends_nothing_else(retrier: Retrier) -> None:
    error = aws_error("AuthFailure", "Not authorized for images: [ami-1]")
    with pytest.raises(ClientError):
        retrier.call("ec2.RunInstances", Calls(error))


def test_an_error_that_stays_is_raised_with_how_long_it_was_retried(retrier: Retrier) -> None:
    with pytest.raises(ClientError) as ended:
        retrier.call("sqs.ListQueues", Calls(*[aws_error("Throttling", "slow down")] * 1000))
    text, hint = explain(ended.value)
    assert text == (
        "Operation: Throttling: slow down "
        "(waited 600 s for AWS to accept more requests (throttled))"
    )
    assert "run the command again" in str(hint)
