"""Events of AWS Batch end jobs, explain failures and count reclaims: in any order, any number."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from batch_double import BatchDouble
from endings import HOST_GONE, attempt, end_array, end_task, event
from jobs_left import Jobs, tasks
from surroundings import Clock

from batchctl.contract.job_record import JobRecord, Reclaims
from batchctl.contract.statuses import Status
from batchctl.contract.table import results_partition
from handlers.store.jobs import JobStore
from handlers.tracking.events import ComesAgainError, Tracker
from handlers.tracking.monitor import Monitor

LATER = float("inf")


def record(table: JobStore) -> JobRecord:
    job = table.read("demo-1")
    assert job is not None
    return job


def results(monitor: Monitor) -> dict[str, dict[str, object]]:
    return monitor.store.results.page(results_partition("demo-1"), 1000, None).results


def test_the_end_of_an_array_ends_the_job(
    jobs: Jobs, tracker: Tracker, batch: BatchDouble, table: JobStore
) -> None:
    array = jobs.submitted()
    jobs.all_succeeded()
    tracker.track(event(end_array(batch, array, SUCCEEDED=4)), LATER)
    job = record(table)
    assert (job.status, job.succeeded, job.failed) == (Status.SUCCEEDED, 4, 0)


def test_a_failed_child_has_the_reason_at_once_and_the_job_goes_on(
    jobs: Jobs, tracker: Tracker, batch: BatchDouble, table: JobStore, monitor: Monitor
) -> None:
    array = jobs.submitted(items=5, items_per_task=2)
    jobs.result("item-2")  # the container had done it before it died
    killed = attempt(137, "OutOfMemoryError: Container killed due to memory usage")

    tracker.track(event(end_task(batch, f"{array}:1", "FAILED", [killed])), LATER)

    assert record(table).status is Status.SUBMITTED
    shown = results(monitor)
    assert shown["item-2"] == {"status": "SUCCEEDED"}
    assert shown["item-1"] | {"error": ""} == {
        "status": "FAILED",
        "error": "",
        "reason": "OUT_OF_MEMORY",
        "exit_code": 137,
        "attempts": 1,
        "seconds": 2.0,
    }
    assert set(shown) == {"item-1", "item-2"}


def test_what_the_container_recorded_is_not_replaced(
    jobs: Jobs, tracker: Tracker, batch: BatchDouble, monitor: Monitor
) -> None:
    array = jobs.submitted()
    jobs.result("item-3", "FAILED", error={"S": "ValueError: no price"}, reason={"S": "EXCEPTION"})
    tracker.track(event(end_task(batch, f"{array}:0", "FAILED", [attempt(1)])), LATER)
    assert results(monitor) == {
        "item-3": {"status": "FAILED", "error": "ValueError: no price", "reason": "EXCEPTION"}
    }


def test_a_child_that_succeeded_at_once_costs_no_call(
    jobs: Jobs, tracker: Tracker, batch: BatchDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    detail = end_task(batch, f"{jobs.submitted()}:0", "SUCCEEDED", [attempt(0)])
    batch.calls.clear()
    monkeypatch.setattr(JobStore, "read", None)
    tracker.track(event(detail), LATER)
    assert batch.calls == []


def test_reclaims_are_counted_once_and_told(
    jobs: Jobs,
    tracker: Tracker,
    batch: BatchDouble,
    table: JobStore,
    get: Callable[..., tuple[int, Any]],
) -> None:
    array = jobs.submitted()
    lost = attempt(None, "", HOST_GONE, seconds=30)
    first = end_task(batch, f"{array}:0", "SUCCEEDED", [lost, lost, attempt(0)])
    second = end_task(batch, f"{array}:1", "SUCCEEDED", [lost, attempt(0)])
    for detail in (first, first, second):
        tracker.track(event(detail), LATER)
    assert get()[1]["reclaims"] == {"count": 3, "seconds": 90.0}

    jobs.all_succeeded()
    tracker.track(event(end_array(batch, array, SUCCEEDED=4)), LATER)
    assert record(table).reclaims == Reclaims(3, 90.0)

    tracker.track(event(end_task(batch, f"{array}:2", "SUCCEEDED", [lost, attempt(0)])), LATER)
    assert record(table).reclaims == Reclaims(4, 120.0)
    assert get()[1]["reclaims"] == {"count": 4, "seconds": 120.0}


def test_a_job_without_reclaims_tells_of_none(
    jobs: Jobs, get: Callable[..., tuple[int, Any]]
) -> None:
    jobs.submitted()
    assert "reclaims" not in get()[1]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_events_in_any_order_and_twice_end_alike(
    jobs: Jobs,
    tracker: Tracker,
    batch: BatchDouble,
    table: JobStore,
    monitor: Monitor,
    order: tuple[int, ...],
) -> None:
    array = jobs.submitted(items=3)
    jobs.result("item-2")
    details = [
        end_task(batch, f"{array}:1", "FAILED", [attempt(3)]),
        end_task(batch, f"{array}:2", "FAILED", [attempt(None, "", HOST_GONE)] * 10),
        end_array(batch, array, SUCCEEDED=1, FAILED=2),
    ]
    for number in (*order, *order):
        tracker.track(event(details[number]), LATER)

    job = record(table)
    assert (job.status, job.succeeded, job.failed) == (Status.FAILED, 1, 2)
    shown = {item: result.get("reason") for item, result in results(monitor).items()}
    assert shown == {"item-0": "SPOT_RECLAIM", "item-1": "EXIT_CODE", "item-2": None}
    assert job.reclaims == Reclaims(10, 20.0)


def test_a_plain_job_that_failed_ends_the_job_with_its_reason(
    jobs: Jobs, tracker: Tracker, batch: BatchDouble, table: JobStore, monitor: Monitor
) -> None:
    plain = jobs.submitted(items=1)
    no_image = attempt(None, "CannotPullContainerError: manifest unknown", "Task failed to start")
    tracker.track(event(end_task(batch, plain, "FAILED", [no_image])), LATER)
    assert (record(table).status, record(table).failed) == (Status.FAILED, 1)
    assert results(monitor)["item-0"]["reason"] == "IMAGE"


def test_an_event_of_an_array_that_nobody_recorded_yet_comes_again(
    jobs: Jobs, tracker: Tracker, batch: BatchDouble, monitor: Monitor
) -> None:
    jobs.queued()
    splitter = jobs.job_splitter
    split = splitter.leases.take("demo-1", "invocation-1", 60_000)
    assert split is not None
    array = splitter.submission.submit(split.job, split.job.batch_job_specs[0])
    child = event(end_task(batch, f"{array.id}:0", "FAILED", [attempt(3)]))
    with pytest.raises(ComesAgainError):
        tracker.track(child, LATER)
    splitter.leases.record(split, (array,))
    tracker.track(child, LATER)
    assert results(monitor)["item-3"]["reason"] == "EXIT_CODE"


def test_an_event_of_a_batch_job_that_the_record_does_not_name_changes_nothing(
    jobs: Jobs, tracker: Tracker, batch: BatchDouble, monitor: Monitor
) -> None:
    array = jobs.submitted()
    detail = end_task(batch, f"{array}:0", "FAILED", [attempt(3)])
    # Of an earlier job with this job_id, or a stranger's: it has the same variables.
    tracker.track(event({**detail, "jobId": "batch-of-an-earlier-job:0"}), LATER)
    assert results(monitor) == {}


def test_an_event_without_variables_is_completed_by_its_array(
    jobs: Jobs, tracker: Tracker, batch: BatchDouble, monitor: Monitor
) -> None:
    array = jobs.submitted()
    detail = end_task(batch, f"{array}:0", "FAILED", [attempt(3)])
    del detail["container"]
    tracker.track(event(detail), LATER)
    assert results(monitor)["item-3"]["reason"] == "EXIT_CODE"


def test_events_of_others_of_no_job_and_of_an_earlier_attempt_change_nothing(
    jobs: Jobs, tracker: Tracker, batch: BatchDouble, table: JobStore, monitor: Monitor
) -> None:
    array = jobs.submitted()
    before = record(table)
    ours = end_task(batch, f"{array}:0", "FAILED", [attempt(3)])
    for environment in (
        [{"name": "PATH", "value": "/bin"}],
        [{"name": "BATCHCTL_JOB_ID", "value": "gone"}],
        [
            {"name": "BATCHCTL_JOB_ID", "value": "demo-1"},
            {"name": "BATCHCTL_ATTEMPT", "value": "2"},
        ],
    ):
        container = {"environment": environment}
        batch.jobs[array]["container"] = container
        tracker.track(event({**ours, "container": container}), LATER)
    tracker.track(event({**ours, "status": "RUNNING"}), LATER)
    assert record(table) == before
    assert results(monitor) == {}


def test_an_end_before_the_splitter_said_submitted_comes_again(
    jobs: Jobs, tracker: Tracker, batch: BatchDouble, table: JobStore
) -> None:
    plain = jobs.submitted(items=1)
    jobs.all_succeeded(1)
    table.client.update_item(
        TableName=table.name,
        Key={"job_id": {"S": "demo-1"}, "item": {"S": "JOB"}},
        UpdateExpression="SET #status = :queued",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":queued": {"S": "QUEUED"}},
    )
    told = event(end_task(batch, plain, "SUCCEEDED", [attempt(0)]))
    with pytest.raises(ComesAgainError):
        tracker.track(told, LATER)
    assert record(table).status is Status.QUEUED


def test_an_end_with_more_work_than_time_comes_again_and_goes_on(
    jobs: Jobs, tracker: Tracker, batch: BatchDouble, table: JobStore, clock: Clock
) -> None:
    array = jobs.submitted(items=2_100)
    told = event(end_array(batch, array, FAILED=2_100))
    for explained in (1_000, 2_000):
        with pytest.raises(ComesAgainError):
            tracker.track(told, clock())
        assert record(table).failures_recorded == explained
        assert record(table).status is Status.SUBMITTED
    tracker.track(told, clock())
    assert (record(table).status, record(table).failed) == (Status.FAILED, 2_100)


def test_a_cancelled_job_learns_what_succeeded_after_all(
    jobs: Jobs, tracker: Tracker, batch: BatchDouble, table: JobStore, monitor: Monitor
) -> None:
    array = jobs.submitted()
    job = record(table)
    (progress,) = monitor.refresh([job], LATER)
    assert monitor.cancel(job, replace(progress.counts, succeeded=1)) is not None
    tracker.track(event(end_task(batch, f"{array}:2", "FAILED", [attempt(143)])), LATER)
    tracker.track(event(end_array(batch, array, SUCCEEDED=2, FAILED=2)), LATER)
    job = record(table)
    assert (job.status, job.succeeded, job.failed) == (Status.CANCELLED, 2, 0)
    assert results(monitor) == {}


def test_lost_events_are_made_good_by_the_next_reader(
    jobs: Jobs, batch: BatchDouble, table: JobStore, get: Callable[..., tuple[int, Any]]
) -> None:
    array = jobs.submitted(items=3)
    jobs.result("item-1")
    end_task(batch, f"{array}:0", "FAILED", [attempt(137, "OutOfMemoryError: killed")])
    end_task(batch, f"{array}:1", "SUCCEEDED", [attempt(0)])
    end_task(batch, f"{array}:2", "SUCCEEDED", [attempt(0)])  # and wrote no result
    end_array(batch, array, SUCCEEDED=2, FAILED=1)

    _, body = get()

    assert (body["status"], tasks(body)) == ("FAILED", (0, 0, 2, 1))
    assert {item: result.get("reason") for item, result in body["results"].items()} == {
        "item-0": None,
        "item-1": None,
        "item-2": "OUT_OF_MEMORY",
    }
    assert body["results"]["item-0"]["status"] == "SUCCEEDED"
    assert record(table).status is Status.FAILED


def test_a_job_that_batch_forgot_before_anybody_looked_ends_with_reasons(
    jobs: Jobs, batch: BatchDouble, clock: Clock, get: Callable[..., tuple[int, Any]]
) -> None:
    jobs.submitted(items=2)
    jobs.result("item-1")
    batch.jobs.clear()
    clock.sleep(8 * 86_400)
    _, body = get()
    assert (body["status"], tasks(body)) == ("FAILED", (0, 0, 1, 1))
    assert body["results"]["item-0"]["reason"] == "UNKNOWN"


def test_a_job_that_nobody_will_submit_any_more_ends(
    jobs: Jobs, clock: Clock, get: Callable[..., tuple[int, Any]]
) -> None:
    jobs.queued(items=2)
    clock.sleep(14 * 86_400)
    assert get()[1]["status"] == "QUEUED"
    clock.sleep(2 * 86_400)
    _, body = get()
    assert body["status"] == "FAILED"
    assert {result["error"] for result in body["results"].values()} == {
        "the task was never submitted to AWS Batch"
    }


def test_a_terminated_array_ends_the_job(
    jobs: Jobs, batch: BatchDouble, get: Callable[..., tuple[int, Any]]
) -> None:
    array = jobs.submitted(items=2)
    for number in range(2):
        detail = end_task(batch, f"{array}:{number}", "FAILED", [])
        detail |= {"statusReason": "by hand", "isTerminated": True}
    end_array(batch, array, FAILED=2)
    _, body = get()
    assert (body["status"], tasks(body)) == ("FAILED", (0, 0, 0, 2))
    assert {result["reason"] for result in body["results"].values()} == {"TERMINATED"}
