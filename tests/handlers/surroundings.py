"""What surrounds the handlers in Lambda: a clock, a context, the names of what they use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from batchctl.contract.job_record import JobRecord
from batchctl.contract.statuses import Status
from batchctl.contract.timestamps import timestamp
from handlers.batch.messages import Messages
from handlers.store.jobs import JobStore
from handlers.tracking.failure_records import FailureRecords
from handlers.tracking.follow_ups import FollowUps
from handlers.tracking.monitor import Monitor

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

TABLE = "batchapp-jobs"
QUEUE_ARN = "arn:aws:batch:us-east-1:123456789012:job-queue/batchapp"


@dataclass
class Clock:
    """Seconds since the epoch that pass only by sleeping."""

    now: float = 1_790_000_000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class _Context:
    """What Lambda tells an invocation, as far as the handlers and powertools ask."""

    aws_request_id: str = "invocation-1"
    function_name: str = "batchapp-TaskReceiver"
    memory_limit_in_mb: int = 1769
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:batchapp"
    remaining_ms: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


def lambda_context(remaining_ms: int = _Context.remaining_ms) -> LambdaContext:
    """Return the context of an invocation with so much time left."""
    context: Any = _Context(remaining_ms=remaining_ms)
    return cast("LambdaContext", context)


def a_store(dynamodb: Any, clock: Clock, **more: Any) -> JobStore:
    """The job table, by that clock."""
    return JobStore(dynamodb, TABLE, clock, clock.sleep, clock, **more)


def a_monitor(dynamodb: Any, batch: Any, clock: Clock, messages: Messages, **more: Any) -> Monitor:
    """The monitor of the table, by that clock; `more` is for the runs that follow by themselves."""
    store = a_store(dynamodb, clock)
    follow_ups = FollowUps(store, messages, **more)
    return Monitor(store, batch, FailureRecords(store, batch), follow_ups)


A_JOB = JobRecord("demo-1", Status.QUEUED, timestamp(Clock.now), 1, 1, "hash")
"""The job `demo-1` as far as its universe is read and written by it: chunks of 250 items."""
