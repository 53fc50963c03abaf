"""`job_table.keep_days`: what is shown for how long, and when DynamoDB deletes what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from batch_double import BatchDouble
from jobs_left import Jobs
from surroundings import TABLE, Clock

from handlers import receiver
from handlers.api import Reader
from handlers.commands import RefusedError, known_job, parse
from handlers.keeping import DAY_S, FOREVER, JOB_LAST_S, LONGEST_JOB_DAYS, Keeping, keeping_of
from handlers.record import Status
from handlers.store.jobs import JobTable
from handlers.tracking.monitor import Monitor
from handlers.tracking.retry import Call, Retrier

Get = Callable[..., tuple[int, Any]]
DAYS = 7
CREATED = 1_790_000_000
ITEMS_GO = CREATED + (DAYS + LONGEST_JOB_DAYS) * DAY_S


@pytest.fixture
def table(table: JobTable, clock: Clock) -> JobTable:
    """The table, whose jobs are kept for a week after their end."""
    return JobTable(table.client, TABLE, Keeping(DAYS), clock)


@pytest.fixture
def monitor(monitor: Monitor, table: JobTable) -> Monitor:
    return replace(monitor, jobs=table)


@pytest.fixture
def reader(monitor: Monitor, clock: Clock) -> Reader:
    return Reader(monitor.jobs, monitor.results, monitor, clock)


@pytest.fixture
def retrier(retrier: Retrier, monitor: Monitor) -> Retrier:
    return replace(retrier, jobs=monitor.jobs, monitor=monitor, universe=monitor.universe)


def expiries(table: JobTable) -> dict[str, int | None]:
    """When DynamoDB deletes each item, by its sort key."""
    return {
        item["item"]["S"]: int(item["expires_at"]["N"]) if "expires_at" in item else None
        for item in table.client.scan(TableName=table.name)["Items"]
    }


def receive(table: JobTable, jobs: Jobs, queue_url: str, clock: Clock, **more: Any) -> Any:
    from fates import TASK  # noqa: PLC0415 - after the fixtures have set the environment

    from handlers import clients  # noqa: PLC0415 - as above

    task = replace(TASK, universe=["item-0", "item-1"], **more)
    return receiver.Receiver(table, jobs.universe, clients.sqs(), queue_url, 1, clock).receive(task)


def test_a_days_long_setting_is_read_from_the_environment() -> None:
    assert keeping_of({"KEEP_DAYS": "30"}) == Keeping(30)
    assert keeping_of({}) == FOREVER


def test_all_items_of_a_job_go_at_one_time_and_its_record_last(
    table: JobTable,
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
    monitor.reclaims.record(job, 1, detail)
    monitor.explainer.explain_task(job, 0, detail)
    batch.end("batch-1", "FAILED")
    retrier.retry(parse({"action": "retry", "job_id": "demo-1"}), Call("call", 60_000), 1e12)
    monitor.explainer.explain_task(job, 1, detail)

    assert expiries(table) == {
        "JOB": ITEMS_GO + JOB_LAST_S,
        "UNIVERSE#00000000": ITEMS_GO,
        "ATTEMPTS#01#00000001": ITEMS_GO,
        "ATTEMPT#02#UNIVERSE#00000000": ITEMS_GO,
        "RESULT#item-1": ITEMS_GO,
    }


def test_without_days_nothing_ever_goes(jobs: Jobs, queue_url: str, clock: Clock) -> None:
    receive(JobTable(jobs.table.client, TABLE), jobs, queue_url, clock)
    assert set(expiries(jobs.table).values()) == {None}


def ended(jobs: Jobs, batch: BatchDouble, clock: Clock) -> None:
    """Have `demo-1` end at this time, with all its results."""
    batch.end(jobs.submitted(), "SUCCEEDED", int(clock() * 1000))
    jobs.all_succeeded()


def test_a_job_is_shown_until_its_days_after_the_end_are_over(
    get: Get, jobs: Jobs, batch: BatchDouble, table: JobTable, clock: Clock
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
    table: JobTable, jobs: Jobs, batch: BatchDouble, queue_url: str, clock: Clock
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
    with pytest.raises(receiver.RequestError, match="kept no longer") as refused:
        receive(monitored, jobs, queue_url, clock)
    assert (refused.value.status_code, refused.value.field) == (409, "job_id")


def test_a_job_whose_items_go_soon_is_not_retried(
    table: JobTable, jobs: Jobs, monitor: Monitor, retrier: Retrier, queue_url: str, clock: Clock
) -> None:
    receive(table, jobs, queue_url, clock)
    clock.sleep((DAYS + LONGEST_JOB_DAYS - 30) * DAY_S + 1)
    job = table.read("demo-1")
    assert job is not None
    assert monitor.look([job], 1e12)[0].status is Status.FAILED  # nobody splits it any more
    with pytest.raises(RefusedError, match="too old: within 30 days it will be deleted"):
        retrier.retry(parse({"action": "retry", "job_id": "demo-1"}), Call("call", 60_000), 1e12)
