"""Messages that failed: shown without taking them, tried again, dropped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from job_account import TRACKER, JobAccount, opened

from batchctl.aws.clock import Clock
from batchctl.errors import BatchctlError
from batchctl.jobs.dead_letters import drop, peek, redrive
from batchctl.jobs.resources import DeadLetters

EVENT = {"source": "aws.batch", "detail": {"jobName": "demo-0", "jobId": "array:7"}}


@pytest.fixture
def account() -> Iterator[JobAccount]:
    yield from opened(Clock(sleep=lambda _stop, _seconds: None))


def queue(account: JobAccount, name: str) -> str:
    return account.aws.sqs.create_queue(QueueName=name)["QueueUrl"]


@pytest.fixture
def jobs(account: JobAccount) -> DeadLetters:
    target, url = queue(account, "app-jobs"), queue(account, "app-dead-letters")
    return DeadLetters("jobs", "arn:aws:sqs:us-east-1:123456789012:app-dead-letters", url, target,
                       is_function=False)  # fmt: skip


@pytest.fixture
def events(account: JobAccount) -> DeadLetters:
    url = queue(account, "app-events-dead-letters")
    return DeadLetters("events", "arn:events", url, TRACKER, is_function=True)


def send(account: JobAccount, url: str, *bodies: str, **attributes: str) -> None:
    for body in bodies:
        account.aws.sqs.send_message(
            QueueUrl=url,
            MessageBody=body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )


def bodies_in(account: JobAccount, url: str) -> list[str]:
    found = account.aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return sorted(message["Body"] for message in found.get("Messages", []))


@pytest.fixture
def unmovable(account: JobAccount) -> None:
    """SQS that moves no messages by itself, as the local cloud's."""
    details: Any = {"Error": {"Code": "InvalidAction", "Message": "no such action"}}

    def refuse(**_: Any) -> None:
        raise ClientError(details, "StartMessageMoveTask")

    events = account.aws.connection.client("sqs").meta.events
    events.register("before-call.sqs.StartMessageMoveTask", refuse)


def test_looking_tells_what_messages_are_about_and_leaves_them(
    account: JobAccount, jobs: DeadLetters
) -> None:
    send(account, jobs.url, '{"job_id": "demo"}', "nonsense", "[1]")
    found = peek(account.aws, jobs, 20)
    assert sorted((each.subject, each.body) for each in found) == [
        ("", "[1]"),
        ("", "nonsense"),
        ("demo", '{"job_id": "demo"}'),
    ]
    assert all(each.sent_at_ms > 1_700_000_000_000 for each in found)
    assert len(bodies_in(account, jobs.url)) == 3


def test_looking_takes_no_more_than_asked_for(account: JobAccount, jobs: DeadLetters) -> None:
    send(account, jobs.url, *(json.dumps({"job_id": f"demo-{n}"}) for n in range(25)))
    assert len(peek(account.aws, jobs, 12)) == 12
    assert len(peek(account.aws, jobs, 100)) == 25


def test_an_event_is_told_with_its_job_and_eventbridges_error(
    account: JobAccount, events: DeadLetters
) -> None:
    send(account, events.url, json.dumps(EVENT), ERROR_CODE="THROTTLING", ERROR_MESSAGE="too many")
    (found,) = peek(account.aws, events, 20)
    assert (found.queue, found.subject, found.error) == ("events", "demo-0", "THROTTLING: too many")


def test_an_event_that_the_function_failed_is_told_and_tried_as_it_was(
    account: JobAccount, events: DeadLetters
) -> None:
    record = {
        "requestContext": {"condition": "RetriesExhausted"},
        "requestPayload": EVENT,
        "responsePayload": {"errorMessage": "no table"},
    }
    send(account, events.url, json.dumps(record))
    (found,) = peek(account.aws, events, 20)
    assert (found.subject, found.error) == ("demo-0", "RetriesExhausted: no table")
    redrive(account.aws, events)
    assert account.asked == [EVENT]


@pytest.mark.usefixtures("unmovable")
def test_jobs_go_back_to_their_queue_one_by_one_where_sqs_moves_none(
    account: JobAccount, jobs: DeadLetters
) -> None:
    bodies = [json.dumps({"job_id": f"demo-{n:02}"}) for n in range(15)]
    send(account, jobs.url, *bodies)
    assert redrive(account.aws, jobs) == 15
    assert bodies_in(account, jobs.url) == []
    back = bodies_in(account, jobs.target) + bodies_in(account, jobs.target)
    assert sorted(back) == bodies


def moving(account: JobAccount, *tasks: dict[str, Any]) -> list[dict[str, Any]]:
    """Let SQS answer as AWS: a task that is started, and how it stands at each look."""
    asked: list[dict[str, Any]] = []
    left = list(tasks)

    def start(params: dict[str, Any], **_: Any) -> Any:
        asked.append(json.loads(params["body"]))
        return SimpleNamespace(status_code=200), {"TaskHandle": "task"}

    def show(**_: Any) -> Any:
        return SimpleNamespace(status_code=200), {"Results": [left.pop(0)]}

    events = account.aws.connection.client("sqs").meta.events
    events.register("before-call.sqs.StartMessageMoveTask", start)
    events.register("before-call.sqs.ListMessageMoveTasks", show)
    return asked


def test_sqs_moves_jobs_itself_where_it_can_and_is_waited_for(
    account: JobAccount, jobs: DeadLetters
) -> None:
    done = {"Status": "COMPLETED", "ApproximateNumberOfMessagesMoved": 3}
    asked = moving(account, {"Status": "RUNNING"}, done)
    assert redrive(account.aws, jobs) == 3
    assert asked == [{"SourceArn": jobs.arn}]


def test_a_move_that_fails_is_told_with_the_reason(account: JobAccount, jobs: DeadLetters) -> None:
    moving(account, {"Status": "FAILED", "FailureReason": "AccessDenied"})
    with pytest.raises(BatchctlError, match="could not move the dead letters of jobs: Access"):
        redrive(account.aws, jobs)


def test_events_are_given_to_the_function_again(account: JobAccount, events: DeadLetters) -> None:
    send(account, events.url, json.dumps(EVENT))
    assert redrive(account.aws, events) == 1
    assert account.asked == [EVENT]
    assert bodies_in(account, events.url) == []


def test_an_event_stays_when_the_function_fails(account: JobAccount, events: DeadLetters) -> None:
    send(account, events.url, json.dumps(EVENT))
    account.answer = lambda _: {"errorMessage": "no table"}
    with pytest.raises(BatchctlError, match="it failed: no table"):
        redrive(account.aws, events)
    attributes = account.aws.sqs.get_queue_attributes(QueueUrl=events.url, AttributeNames=["All"])
    assert attributes["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "1"


def test_dropping_deletes_all(account: JobAccount, jobs: DeadLetters) -> None:
    send(account, jobs.url, *(str(n) for n in range(12)))
    assert drop(account.aws, jobs) == 12
    assert peek(account.aws, jobs, 20) == []
    assert bodies_in(account, jobs.target) == []


def test_an_empty_queue_is_not_waited_for_and_a_filled_one_is_read_whole(
    account: JobAccount, jobs: DeadLetters
) -> None:
    waited: list[int] = []
    events = account.aws.sqs.meta.events
    events.register(
        "provide-client-params.sqs.ReceiveMessage",
        lambda params, **_: waited.append(params["WaitTimeSeconds"]),
    )
    assert peek(account.aws, jobs, 10) == []
    assert waited == [0]
    account.aws.sqs.send_message(QueueUrl=jobs.url, MessageBody="{}")
    assert len(peek(account.aws, jobs, 10)) == 1
    assert set(waited[1:]) == {1}
