"""How the items of a job stand: while it runs by the progress of its tasks, then as recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from batch_double import BatchDouble
from endings import attempt, end_array, end_task, event
from jobs_left import Jobs
from surroundings import Clock

from batchctl.contract import progress
from batchctl.contract.progress import Cell, ProgressRecord
from batchctl.contract.reasons import Reason
from batchctl.contract.statuses import Status
from batchctl.contract.table import results_partition
from handlers.batch.split_lease import SplitLeases
from handlers.store.jobs import JobStore
from handlers.tracking.events import Tracker

Get = Callable[..., tuple[int, Any]]
LATER = float("inf")


@pytest.fixture
def leases(table: JobStore) -> SplitLeases:
    """The image has our runner."""
    return SplitLeases(table, has_runner=True)


def record_progress(table: JobStore, task: int, *cells: int, run: int = 1) -> None:
    """Write the progress of a task as its container does."""
    record = ProgressRecord(run, task, bytes(cells))
    table.client.put_item(TableName=table.name, Item=record.as_item("demo-1", None))


def counts(body: Any) -> tuple[int, int, int, int]:
    found = body["item_counts"]
    numbers = (found["pending"], found["running"], found["succeeded"], found["failed"])
    assert sum(numbers) == found["total"] == body["items"]
    return numbers


def test_items_are_counted_while_their_tasks_run(
    get: Get, jobs: Jobs, batch: BatchDouble, table: JobStore
) -> None:
    batch.set_children(jobs.submitted(items=6, items_per_task=2), RUNNING=2)
    record_progress(table, 0, Cell.SUCCEEDED, Cell.RUNNING)
    record_progress(table, 1, progress.failed(Reason.TIMEOUT), progress.failed(Reason.EXCEPTION))
    _, body = get()
    assert counts(body) == (2, 1, 1, 2)
    assert body["failures"] == {"EXCEPTION": 1, "TIMEOUT": 1}
    (listed,) = get("/v1/tasks")[1]["jobs"]
    assert listed["item_counts"] == body["item_counts"]


def test_the_counts_of_an_ended_job_are_recorded(
    get: Get, jobs: Jobs, batch: BatchDouble, table: JobStore
) -> None:
    array = jobs.submitted(items=4, items_per_task=2)
    jobs.result("item-3")
    jobs.result("item-2", "FAILED", reason={"S": "TIMEOUT"})
    jobs.result("item-1", "FAILED", reason={"S": "OF_A_NEWER_VERSION"})
    record_progress(table, 1, Cell.RUNNING, Cell.PENDING)
    end_array(batch, array, SUCCEEDED=0, FAILED=2)
    end_task(batch, f"{array}:1", "FAILED", [attempt(139)])
    _, body = get()
    assert (body["status"], counts(body)) == ("FAILED", (0, 0, 1, 3))
    assert body["failures"] == {"EXIT_CODE": 1, "TIMEOUT": 1, "UNKNOWN": 1}
    job = table.read("demo-1")
    assert job is not None
    assert (job.items_succeeded, job.items_failed) == (
        1,
        {
            Reason.EXIT_CODE: 1,
            Reason.TIMEOUT: 1,
            Reason.UNKNOWN: 1,
        },
    )
    assert get()[1]["failures"] == body["failures"]


def test_what_never_began_says_so_and_what_was_in_hand_has_the_cause(
    get: Get, jobs: Jobs, batch: BatchDouble, table: JobStore, tracker: Tracker
) -> None:
    array = jobs.submitted(items=4, items_per_task=4)
    jobs.result("item-3")
    record_progress(table, 0, Cell.SUCCEEDED, Cell.RUNNING, Cell.PENDING, Cell.PENDING)
    tracker.track(event(end_task(batch, array, "FAILED", [attempt(139)])), LATER)
    results = get()[1]["results"]
    assert {item: result.get("reason") for item, result in results.items()} == {
        "item-3": None,
        "item-2": "EXIT_CODE",
        "item-1": "NOT_RUN",
        "item-0": "NOT_RUN",
    }
    (recorded,) = table.progress.of_tasks(present(table), [0]).values()
    assert progress.count(recorded.cells).reasons == {Reason.EXIT_CODE: 1, Reason.NOT_RUN: 2}


def test_an_image_whose_runner_never_ran_has_no_success(
    get: Get, jobs: Jobs, batch: BatchDouble
) -> None:
    """`ENTRYPOINT sh -c`: an empty Python ends with 0."""
    array = jobs.submitted(items=2)
    for child in (0, 1):
        end_task(batch, f"{array}:{child}", "SUCCEEDED", [attempt(0)])
    batch.end(array, "SUCCEEDED")
    _, body = get()
    assert (body["status"], body["failures"]) == ("FAILED", {"NOT_RUN": 2})


def present(table: JobStore) -> Any:
    job = table.read("demo-1")
    assert job is not None
    return job


def test_a_job_that_fails_too_much_is_ended_with_that_reason(
    get: Get, jobs: Jobs, batch: BatchDouble, table: JobStore, messages_sent: Callable[[], int]
) -> None:
    array = jobs.submitted(items=4, items_per_task=2)
    allow_failures(table, 1)
    batch.set_children(array, RUNNING=2)
    record_progress(table, 0, progress.failed(Reason.EXCEPTION), Cell.RUNNING)
    assert get()[1]["status"] == "RUNNING"
    assert messages_sent() == 0

    record_progress(table, 0, progress.failed(Reason.EXCEPTION), progress.failed(Reason.EXIT_CODE))
    assert get()[1]["status"] == "RUNNING"
    assert (present(table).reason, messages_sent()) == (Reason.MAX_FAILURES, 1)
    jobs.job_splitter.split("demo-1", "invocation-2", 60_000)  # the message
    assert batch.terminated == [array]
    jobs.result("item-3", "FAILED", reason={"S": "EXCEPTION"})
    jobs.result("item-2", "FAILED", reason={"S": "EXIT_CODE"})
    for child in (0, 1):
        end_task(
            batch, f"{array}:{child}", "FAILED", [attempt(143, status_reason="ended by batchctl")]
        )

    _, body = get()
    assert (body["status"], body["reason"]) == ("FAILED", "MAX_FAILURES")
    assert body["failures"] == {"EXCEPTION": 1, "EXIT_CODE": 1, "MAX_FAILURES": 2}
    assert get()[1]["reason"] == "MAX_FAILURES"


def allow_failures(table: JobStore, most: int) -> None:
    table.client.update_item(
        TableName=table.name,
        Key={"job_id": {"S": "demo-1"}, "item": {"S": "JOB"}},
        UpdateExpression="SET max_failures = :most",
        ExpressionAttributeValues={":most": {"N": str(most)}},
    )


def test_a_limit_ends_a_job_before_it_is_submitted(
    get: Get, jobs: Jobs, batch: BatchDouble, table: JobStore
) -> None:
    job = jobs.queued(items=2)
    monitor_ends(table, job)
    jobs.job_splitter.split("demo-1", "invocation-1", 60_000)
    assert batch.names() == []
    _, body = get()
    assert (body["status"], body["failures"]) == ("FAILED", {"BUDGET": 2})


def monitor_ends(table: JobStore, job: Any) -> None:
    table.client.update_item(
        TableName=table.name,
        Key={"job_id": {"S": job.job_id}, "item": {"S": "JOB"}},
        UpdateExpression="SET #reason = :reason",
        ExpressionAttributeNames={"#reason": "reason"},
        ExpressionAttributeValues={":reason": {"S": "BUDGET"}},
    )


def test_a_job_of_layout_1_is_read_where_its_containers_wrote(
    get: Get, jobs: Jobs, batch: BatchDouble, table: JobStore, clock: Clock
) -> None:
    array = jobs.submitted(items=2)
    of_layout_1(table)
    for item in ("item-0", "item-1"):
        table.client.put_item(
            TableName=table.name,
            Item={
                "job_id": {"S": "demo-1"},
                "item": {"S": f"RESULT#{item}"},
                "status": {"S": "SUCCEEDED"},
            },
        )
    batch.end(array, "SUCCEEDED")
    _, body = get()
    assert (body["status"], set(body["results"])) == ("SUCCEEDED", {"item-0", "item-1"})
    assert list(table.results.ends(results_partition("demo-1"))) == []


def of_layout_1(table: JobStore) -> None:
    table.client.update_item(
        TableName=table.name,
        Key={"job_id": {"S": "demo-1"}, "item": {"S": "JOB"}},
        UpdateExpression="REMOVE #layout",
        ExpressionAttributeNames={"#layout": "layout"},
    )


def test_a_job_of_layout_1_that_waits_is_split_as_one_of_now(jobs: Jobs, table: JobStore) -> None:
    jobs.queued(items=2)
    of_layout_1(table)
    assert present(table).layout == 1
    jobs.job_splitter.split("demo-1", "invocation-1", 60_000)
    assert (present(table).layout, present(table).status) == (2, Status.SUBMITTED)
    assert replace(present(table), layout=1).results_partition == "demo-1"
