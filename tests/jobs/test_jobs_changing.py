"""Cancel and retry, as the tracker is asked and as it answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from job_account import TRACKER, JobAccount, opened

from batchctl.aws.clock import Clock
from batchctl.errors import BatchctlError, UsageError
from batchctl.jobs import Counts, InvalidJob, JobNotFound
from batchctl.jobs.control import Cancelled, JobChanges, Refused, Retried

COUNTS = {"total": 3, "pending": 0, "running": 0, "succeeded": 2, "failed": 1}


@pytest.fixture
def account() -> Iterator[JobAccount]:
    yield from opened(passing_clock())


def passing_clock() -> Clock:
    """Time that passes only by sleeping."""
    slept = [0.0]
    return Clock(now=lambda: sum(slept), sleep=lambda _stop, seconds: slept.append(seconds))


@pytest.fixture
def changes(account: JobAccount) -> JobChanges:
    return JobChanges(account.aws, TRACKER)


def answering(account: JobAccount, **answer: Any) -> None:
    account.answer = lambda _: answer


def test_cancel_asks_the_tracker_and_tells_what_had_become_of_the_tasks(
    account: JobAccount, changes: JobChanges
) -> None:
    answering(account, job_id="demo", status="CANCELLED", tasks=COUNTS)
    assert changes.cancel("demo") == Cancelled("demo", "CANCELLED", Counts(3, 0, 0, 2, 1))
    assert account.asked == [{"action": "cancel", "job_id": "demo"}]


def test_retry_asks_with_its_options_and_tells_the_new_attempt(
    account: JobAccount, changes: JobChanges
) -> None:
    answering(account, job_id="demo", status="QUEUED", attempt=2, items=5, tasks=1)
    assert changes.retry("demo") == Retried("demo", "QUEUED", attempt=2, items=5, tasks=1)
    changes.retry("demo", memory_mib=4096, on_demand=True)
    common = {"action": "retry", "job_id": "demo"}
    assert account.asked == [
        {**common, "memory_mib": None, "on_demand": False},
        {**common, "memory_mib": 4096, "on_demand": True},
    ]


@pytest.mark.parametrize(
    ("code", "kind", "told"),
    [
        (404, JobNotFound, "could not find job `demo`"),
        (409, Refused, "could not retry job `demo`: it is RUNNING"),
        (400, UsageError, "could not retry job `demo`: it is RUNNING"),
    ],
)
def test_a_refusal_says_why(
    account: JobAccount, changes: JobChanges, code: int, kind: type[Exception], told: str
) -> None:
    answering(account, error="it is RUNNING", code=code)
    with pytest.raises(kind, match=told):
        changes.retry("demo")


def test_what_cant_be_a_job_is_not_asked_for(account: JobAccount, changes: JobChanges) -> None:
    with pytest.raises(InvalidJob, match="could not cancel the job"):
        changes.cancel("../demo")
    assert account.asked == []


def test_a_function_that_fails_is_told_with_its_log(
    account: JobAccount, changes: JobChanges
) -> None:
    answering(account, errorMessage="Task timed out", errorType="Sandbox.Timedout")
    with pytest.raises(BatchctlError, match="it failed: Task timed out") as raised:
        changes.cancel("demo")
    assert "/aws/lambda/app-JobTracker" in str(raised.value.hint)


def test_a_function_that_isnt_there_is_told(account: JobAccount, changes: JobChanges) -> None:
    def missing(_: dict[str, Any]) -> dict[str, Any]:
        details: Any = {"Error": {"Code": "ResourceNotFoundException", "Message": "not found"}}
        raise ClientError(details, "Invoke")

    account.answer = missing
    with pytest.raises(BatchctlError, match="there is no such function") as raised:
        changes.cancel("demo")
    assert "batchctl up" in str(raised.value.hint)


def test_a_function_that_works_for_long_is_told_to_work_on(
    account: JobAccount, changes: JobChanges
) -> None:
    def slow(_: dict[str, Any]) -> dict[str, Any]:
        account.aws.clock.sleep(account.aws.clock.stop, 60.0)
        raise ReadTimeoutError(endpoint_url="https://lambda")

    account.answer = slow
    with pytest.raises(BatchctlError, match="it has not answered yet") as raised:
        changes.retry("demo")
    assert "which is safe" in str(raised.value.hint)


def test_delete_asks_again_until_all_is_gone(account: JobAccount, changes: JobChanges) -> None:
    answers = iter([False, False, True])
    account.answer = lambda _: {"job_id": "demo", "deleted": next(answers)}
    waits: list[None] = []
    changes.delete("demo", lambda: waits.append(None))
    assert account.asked == [{"action": "delete", "job_id": "demo"}] * 3
    assert len(waits) == 2
