"""`job_table.keep_days`: what is shown for how long, and when DynamoDB deletes what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from batch_double import BatchDouble
from jobs_left import Jobs
from surroundings import TABLE, Clock, a_store

from batchctl.contract.control import RefusedError, parse
from batchctl.contract.retention import (
    DAY_S,
    FOREVER,
    JOB_RECORD_EXTRA_S,
    MAX_JOB_DAYS,
    Retention,
    retention_of,
)
from batchctl.contract.statuses import Status
from handlers.batch.messages import Messages
from handlers.http.front_door import RequestError
from handlers.http.reader import Reader
from handlers.http.receiver import Receiver
from handlers.http.slicing import Slicing
from handlers.store.jobs import JobStore
from handlers.tracking.known_job import known_job
from handlers.tracking.monitor import Monitor
from handlers.tracking.retry import Invocation, Retrier

Get = Callable[..., tuple[int, Any]]
DAYS = 7
CREATED = 1_790_000_000
ITEMS_GO = CREATED + (DAYS + MAX_JOB_DAYS) * DAY_S


@pytest.fixture
def table(table: JobStore, clock: Clock) -> JobStore:
    """The table, whose jobs are kept for a week after their end."""
    return a_store(table.client, clock, retention=Retention(DAYS))


@pytest.fixture
def monitor(monitor: Monitor, table: JobStore) -> Monitor:
    failures = replace(monitor.failures, store=table)
    return replace(monitor, store=table, failures=failures)


@pytest.fixture
def reader(monitor: Monitor, messages: Messages) -> Reader:
    return Reader(monitor.store, monitor, messages)


@pytest.fixture
def retrier(retrier: Retrier, monitor: Monitor) -> Retrier:
    return replace(retrier, store=monitor.store, monitor=monitor)


def expiries(table: JobStore) -> dict[str, int | None]:
    """When DynamoDB deletes each item, by its sort key."""
    return {
        item["item"]["S"]: int(item["expires_at"]["N"]) if "expires_at" in item else None
        for item in table.client.scan(TableName=table.name)["Items"]
    }


def receive(table: JobStore, jobs: Jobs, queue_url: str, clock: Clock, **more: Any) -> Any:
    from fates import TASK  # noqa: PLC0415 - after the fixtures have set the environment

    from handlers import clients  # noqa: PLC0415 - as above

    task = replace(TASK, universe=["item-0", "item-1"], **more)
    return Receiver(table, Messages(clients.sqs(), queue_url), Slicing(1)).receive(task)


def test_a_days_long_setting_is_read_from_the_environment() -> None:
    assert retention_of({"KEEP_DAYS": "30"}) == Retention(30)
    assert retention_of({}) == FOREVER


def test_all_items_of_a_job_go_at_one_time_and_its_record_last(
    table: JobStore,
    jobs: Jobs,
    batch: BatchDouble,
    monitor: Monitor,
    retrier: Retrier,
    queue_url: str,
    clock: Clock,
) -> None:
    receive(table, jobs, queue_url, clock)
    clock.sleep(5 * DAY_S)
    jobs.job_splitter.split("demo-1", "invocation-1", 60_000)
    detail = {
        "status": "FAILED",
        "attempts": [{"statusReason": "Host EC2 (instance i-0) terminated."}],
    }
    job = table.read("demo-1")
    assert job is not None
    monitor.store.reclaims.record(job, 1, detail)
    monitor.failures.record_task(job, 0, detail)
    batch.end("batch-1", "FAILED")
    retrier.retry(parse({"action": "retry", "job_id": "demo-1"}), Invocation("call", 60_000), 1e12)
    monitor.failures.record_task(job, 1, detail)

    assert expiries(table) == {
        "JOB": ITEMS_GO + JOB_RECORD_EXTRA_S,
        "UNIVERSE#00000000": ITEMS_GO,
        "ATTEMPTS#01#00000001": ITEMS_GO,
        "ATTEMPT#02#UNIVERSE#00000000": ITEMS_GO,
        "RESULT#item-1": ITEMS_GO,
        "01#00000000": ITEMS_GO,
        "01#00000001": ITEMS_GO,
    }


def test_without_days_nothing_ever_goes(jobs: Jobs, queue_url: str, clock: Clock) -> None:
    receive(JobStore(jobs.table.client, TABLE), jobs, queue_url, clock)
    assert set(expiries(jobs.table).values()) == {None}


def ended(jobs: Jobs, batch: BatchDouble, clock: Clock) -> None:
    """Have `demo-1` end at this time, with all its results."""
    batch.end(jobs.submitted(), "SUCCEEDED", int(clock() * 1000))
    jobs.all_succeeded()


def test_a_job_is_shown_until_its_days_after_the_end_are_over(
    get: Get, jobs: Jobs, batch: BatchDouble, table: JobStore, clock: Clock
) -> None:
    ended(jobs, batch, clock)
    assert get()[1]["status"] == "SUCCEEDED"
    clock.sleep(DAYS * DAY_S)
    assert get()[0] == 200
    assert [job["job_id"] for job in get("/v1/tasks")[1]["jobs"]] == ["demo-1"]
    clock.sleep(1)
    assert get() == (404, {"error": "no job `demo-1`"})
    assert get("/v1/tasks") == (200, {"jobs": []})
    with pytest.raises(RefusedError, match="no job `demo-1`"):
        known_job(table, "demo-1")


def test_a_job_that_has_not_ended_is_shown_however_old_it_is(
    get: Get, jobs: Jobs, clock: Clock
) -> None:
    jobs.submitted()
    clock.sleep((DAYS + 80) * DAY_S)
    jobs.batch.set_children("batch-1", RUNNING=1)
    assert get()[1]["status"] == "RUNNING"


def test_the_id_of_a_job_that_is_shown_no_more_is_still_taken(
    table: JobStore, jobs: Jobs, batch: BatchDouble, queue_url: str, clock: Clock
) -> None:
    ended(jobs, batch, clock)
    assert table.read("demo-1") is not None
    monitored = replace(table, clock=lambda: CREATED + (DAYS + 1) * DAY_S)
    table.client.update_item(
        TableName=TABLE,
        Key={"job_id": {"S": "demo-1"}, "item": {"S": "JOB"}},
        UpdateExpression="SET finished_at = :then",
        ExpressionAttributeValues={":then": {"S": "2026-09-21T14:13:20.000000Z"}},
    )
    with pytest.raises(RequestError, match="kept no longer") as refused:
        receive(monitored, jobs, queue_url, clock)
    assert (refused.value.status_code, refused.value.field) == (409, "job_id")


def test_a_job_whose_items_go_soon_is_not_retried(
    table: JobStore, jobs: Jobs, monitor: Monitor, retrier: Retrier, queue_url: str, clock: Clock
) -> None:
    receive(table, jobs, queue_url, clock)
    clock.sleep((DAYS + MAX_JOB_DAYS - 30) * DAY_S + 1)
    job = table.read("demo-1")
    assert job is not None
    assert monitor.refresh([job], 1e12)[0].status is Status.FAILED  # nobody splits it any more
    with pytest.raises(RefusedError, match="too old: within 30 days it will be deleted"):
        retrier.retry(
            parse({"action": "retry", "job_id": "demo-1"}), Invocation("call", 60_000), 1e12
        )
