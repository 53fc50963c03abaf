"""Messages that failed for good: look at them, try them again, drop them.

There are two queues: jobs that JobSplitter could not submit, and events of AWS Batch that could not
be delivered to JobTracker. A message that is tried again may be done twice; both functions know.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from botocore.exceptions import ClientError

from batchctl.aws.errors import code_of
from batchctl.aws.session import Aws
from batchctl.errors import BatchctlError
from batchctl.jobs.control import invoke
from batchctl.jobs.resources import DeadLetters

A_CALL = 10
"""Messages of one call (Amazon SQS API Reference, ReceiveMessage)."""
PEEK_S, MOVE_S = 30, 120
"""So long nobody else gets the messages that we peek at, or move."""
MOVED_WITHIN_S = 600.0
# Only the dead letters of SQS queues can be moved by SQS, one task at a time, and not everywhere.
UNSUPPORTED = ("UnsupportedOperation", "InvalidAction", "ResourceNotFoundException")


LONG_POLL_S = 1
COUNTS: Final[
    list[Literal["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]]
] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
]


@dataclass(frozen=True)
class DeadLetter:
    """A message that failed: what it is about, since when it is there, and why if that is known.

    `subject` is a job_id, or the name of the Batch job that an event was about; empty for a
    message that is neither.
    """

    queue: str
    message_id: str
    subject: str
    sent_at_ms: int
    error: str
    body: str


def peek(aws: Aws, queue: DeadLetters, most: int) -> list[DeadLetter]:
    """Return up to `most` messages of a queue, which stay in it."""
    messages: list[Mapping[str, Any]] = []
    try:
        for batch in _received(aws, queue, PEEK_S, wait_s=LONG_POLL_S * _seems_filled(aws, queue)):
            messages += batch
            if len(messages) >= most:
                break
    finally:
        _give_back(aws, queue, messages)
    return [_dead_letter(queue, message) for message in messages[:most]]


def _seems_filled(aws: Aws, queue: DeadLetters) -> bool:
    """Whether SQS counts messages in a queue; also where that may not be asked.

    The count follows within a minute (API Reference, GetQueueAttributes): a queue that it calls
    empty is looked into once more, but not waited for.
    """
    try:
        found = aws.sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=COUNTS)
    except ClientError:
        return True
    return any(int(count) for count in found.get("Attributes", {}).values())


def redrive(aws: Aws, queue: DeadLetters) -> int:
    """Try all messages of a queue again; return about how many there were.

    Those of jobs go back to their queue, events to the function at once. Raises BatchctlError when
    SQS could not move them all, and when the function fails: the rest stays where it is.
    """
    if queue.is_function:
        return _move(aws, queue)
    try:
        aws.sqs.start_message_move_task(SourceArn=queue.arn)
    except ClientError as error:
        if not any(code in code_of(error) for code in UNSUPPORTED):
            raise
        return _move(aws, queue)
    return _wait_until_moved(aws, queue)


def drop(aws: Aws, queue: DeadLetters) -> int:
    """Delete all messages of a queue for good; return how many were deleted."""
    dropped = 0
    for batch in _received(aws, queue, MOVE_S):
        for message in batch:
            _delete(aws, queue, message)
            dropped += 1
    return dropped


def _received(
    aws: Aws, queue: DeadLetters, hidden_s: int, *, wait_s: int = LONG_POLL_S
) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Yield messages until there are no more; each is hidden from others for `hidden_s`."""
    seen: set[str] = set()
    while True:
        answer = aws.sqs.receive_message(
            QueueUrl=queue.url,
            MaxNumberOfMessages=A_CALL,
            VisibilityTimeout=hidden_s,
            # All of SQS's servers are asked then, not some (API Reference, "short polling").
            WaitTimeSeconds=wait_s,
            MessageSystemAttributeNames=["SentTimestamp"],
            MessageAttributeNames=["All"],
        )
        new = [each for each in answer.get("Messages", []) if each["MessageId"] not in seen]
        if not new:
            return
        seen.update(each["MessageId"] for each in new)
        yield new


def _give_back(aws: Aws, queue: DeadLetters, messages: Sequence[Mapping[str, Any]]) -> None:
    for start in range(0, len(messages), A_CALL):
        aws.sqs.change_message_visibility_batch(
            QueueUrl=queue.url,
            Entries=[
                {
                    "Id": str(number),
                    "ReceiptHandle": message["ReceiptHandle"],
                    "VisibilityTimeout": 0,
                }
                for number, message in enumerate(messages[start : start + A_CALL])
            ],
        )


def _move(aws: Aws, queue: DeadLetters) -> int:
    """Hand on each message, then delete it: one that is lost between is there twice, not never."""
    moved = 0
    for batch in _received(aws, queue, MOVE_S):
        for message in batch:
            if queue.is_function:
                invoke(aws, queue.target, _event(message))
            else:
                aws.sqs.send_message(QueueUrl=queue.target, MessageBody=message["Body"])
            _delete(aws, queue, message)
            moved += 1
    return moved


def _delete(aws: Aws, queue: DeadLetters, message: Mapping[str, Any]) -> None:
    aws.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=message["ReceiptHandle"])


def _wait_until_moved(aws: Aws, queue: DeadLetters) -> int:
    def ended() -> Mapping[str, Any] | None:
        found = aws.sqs.list_message_move_tasks(SourceArn=queue.arn, MaxResults=1)["Results"]
        task: Mapping[str, Any] = found[0] if found else {"Status": "COMPLETED"}
        return None if task["Status"] in {"RUNNING", "CANCELLING"} else task

    task = aws.wait_until("SQS to move the messages", ended, timeout_s=MOVED_WITHIN_S)
    if task["Status"] != "COMPLETED":
        why = task.get("FailureReason") or task["Status"]
        raise BatchctlError(
            f"could not move the dead letters of {queue.source}: {why}",
            hint="what was not moved is still there: run the command again",
        )
    return int(task.get("ApproximateNumberOfMessagesMoved", 0))


def _dead_letter(queue: DeadLetters, message: Mapping[str, Any]) -> DeadLetter:
    return DeadLetter(
        queue=queue.source,
        message_id=message["MessageId"],
        subject=_subject(_event(message)),
        sent_at_ms=int(message.get("Attributes", {}).get("SentTimestamp", 0)),
        error=_error(message),
        body=message["Body"],
    )


def _event(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the message was for: its body, or the event in Lambda's record of a failure."""
    body = _object(message)
    event = body.get("requestPayload")
    return event if isinstance(event, dict) else body


def _object(message: Mapping[str, Any]) -> dict[str, Any]:
    """Read the body; an empty object for what is none of ours."""
    try:
        body = json.loads(message["Body"])
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _subject(body: Mapping[str, Any]) -> str:
    detail = body.get("detail")
    about = detail.get("jobName") if isinstance(detail, dict) else body.get("job_id")
    return about if isinstance(about, str) else ""


def _error(message: Mapping[str, Any]) -> str:
    """Return why an event failed; SQS doesn't say it of a message.

    EventBridge puts it in attributes (EventBridge User Guide, "Using dead-letter queues"), Lambda
    into its record (Lambda Developer Guide, "Capturing records of asynchronous invocations").
    """
    attributes, record = message.get("MessageAttributes", {}), _object(message)
    parts = [
        *(attributes.get(name, {}).get("StringValue") for name in ("ERROR_CODE", "ERROR_MESSAGE")),
        _text(record, "requestContext", "condition"),
        _text(record, "responsePayload", "errorMessage"),
    ]
    return ": ".join(each for each in parts if each)


def _text(record: Mapping[str, Any], part: str, name: str) -> str:
    within = record.get(part)
    value = within.get(name) if isinstance(within, dict) else None
    return value if isinstance(value, str) else ""
