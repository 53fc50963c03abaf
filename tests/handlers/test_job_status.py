"""The API tells the truth about jobs: from AWS Batch while they run, from the record afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from batch_double import BatchDouble
from jobs_left import Jobs, tasks
from surroundings import Clock

from handlers.http import reader
from handlers.store.results import Results

STOPPED_MS = 1_790_000_123_456
STOPPED = "2026-09-21T14:15:23.456000Z"

Get = Callable[..., tuple[int, Any]]


def test_a_queued_job_waits(get: Get, jobs: Jobs, batch: BatchDouble) -> None:
    jobs.queued(items=4)
    assert get() == (
        200,
        {
            "job_id": "demo-1",
            "status": "QUEUED",
            "created_at": "2026-09-21T14:13:20.000000Z",
            "items": 4,
            "tasks": {"total": 4, "pending": 4, "running": 0, "succeeded": 0, "failed": 0},
            "item_counts": {"total": 4, "pending": 4, "running": 0, "succeeded": 0, "failed": 0},
            "results": {},
        },
    )
    assert batch.calls == []


@pytest.mark.parametrize(
    ("children", "status", "counts"),
    [
        ({}, "SUBMITTED", (4, 0, 0, 0)),
        ({"PENDING": 2, "RUNNABLE": 2}, "SUBMITTED", (4, 0, 0, 0)),
        ({"RUNNABLE": 3, "STARTING": 1}, "RUNNING", (3, 1, 0, 0)),
        ({"RUNNABLE": 1, "RUNNING": 2, "SUCCEEDED": 1}, "RUNNING", (1, 2, 1, 0)),
        ({"RUNNABLE": 3, "FAILED": 1}, "RUNNING", (3, 0, 0, 1)),
        ({"SUCCEEDED": 4}, "RUNNING", (0, 0, 4, 0)),  # its parent has not ended yet
        ({"SUCCEEDED": 1}, "RUNNING", (3, 0, 1, 0)),  # a summary that lags
    ],
)
def test_a_submitted_job_stands_where_batch_says(
    *,
    get: Get,
    jobs: Jobs,
    batch: BatchDouble,
    children: dict[str, int],
    status: str,
    counts: tuple[int, ...],
) -> None:
    batch.set_children(jobs.submitted(items=4), **children)
    _, body = get()
    assert (body["status"], tasks(body)) == (status, counts)
    assert "finished_at" not in body


@pytest.mark.parametrize(
    ("state", "status", "counts"),
    [
        ("SUBMITTED", "SUBMITTED", (1, 0, 0, 0)),
        ("RUNNABLE", "SUBMITTED", (1, 0, 0, 0)),
        ("STARTING", "RUNNING", (0, 1, 0, 0)),
        ("RUNNING", "RUNNING", (0, 1, 0, 0)),
    ],
)
def test_a_job_of_one_task_stands_where_its_plain_batch_job_does(
    *,
    get: Get,
    jobs: Jobs,
    batch: BatchDouble,
    state: str,
    status: str,
    counts: tuple[int, ...],
) -> None:
    batch.jobs[jobs.submitted(items=1)]["status"] = state
    _, body = get()
    assert (body["status"], tasks(body)) == (status, counts)


def test_a_job_of_several_batch_jobs_adds_them_up_in_one_call(
    get: Get, jobs: Jobs, batch: BatchDouble
) -> None:
    last = jobs.submitted(items=20_001)
    batch.set_children("batch-1", SUCCEEDED=10_000)
    batch.set_children("batch-2", RUNNING=7, SUCCEEDED=3)
    batch.jobs[last]["status"] = "RUNNING"
    batch.calls.clear()

    _, body = get()

    assert tasks(body) == (9_990, 8, 10_003, 0)
    assert batch.calls == ["DescribeJobs"]


def test_a_job_of_which_every_item_succeeded_has_succeeded_and_the_record_says_so_from_then_on(
    get: Get, jobs: Jobs, batch: BatchDouble
) -> None:
    batch.end(jobs.submitted(), "SUCCEEDED", STOPPED_MS)  # the summary still lags
    jobs.all_succeeded()

    _, body = get()
    assert (body["status"], tasks(body)) == ("SUCCEEDED", (0, 0, 4, 0))
    assert body["finished_at"] == STOPPED

    batch.jobs.clear()
    batch.calls.clear()
    assert get() == (200, body)
    assert batch.calls == []


def test_a_job_with_a_failed_item_has_failed_and_has_the_results_of_the_others(
    get: Get, jobs: Jobs, batch: BatchDouble
) -> None:
    parent = jobs.submitted(items=2)
    batch.set_children(parent, SUCCEEDED=1, FAILED=1)
    batch.end(parent, "FAILED", STOPPED_MS)
    number: Any = {"attempts": {"N": "1"}, "seconds": {"N": "0.125"}}
    jobs.result("item-0", result={"S": '{"var": 0.5}'}, **number)
    jobs.result("item-1", "FAILED", error={"S": "ValueError: no"}, attempts={"N": "3"})

    _, body = get()

    assert (body["status"], tasks(body)) == ("FAILED", (0, 0, 1, 1))
    assert body["results"] == {
        "item-0": {
            "status": "SUCCEEDED",
            "result": {"var": 0.5},
            "attempts": 1,
            "seconds": 0.125,
        },
        "item-1": {"status": "FAILED", "error": "ValueError: no", "attempts": 3},
    }


def test_a_job_with_a_missing_result_has_failed_where_batch_no_longer_knows_the_task(
    get: Get, jobs: Jobs, batch: BatchDouble
) -> None:
    batch.end(jobs.submitted(items=4), "SUCCEEDED")
    jobs.all_succeeded(items=3)
    assert get()[1]["status"] == "FAILED"


def test_an_item_without_a_result_of_a_task_that_succeeded_has_succeeded_with_null(
    get: Get, jobs: Jobs, batch: BatchDouble
) -> None:
    batch.end(jobs.submitted(items=1), "SUCCEEDED")
    body = get()[1]
    assert body["status"] == "SUCCEEDED"
    assert body["results"]["item-0"] == {"status": "SUCCEEDED", "result": None, "attempts": 0}


def test_a_terminated_array_whose_summary_says_too_little_is_counted_by_its_results(
    get: Get, jobs: Jobs, batch: BatchDouble
) -> None:
    parent = jobs.submitted(items=7, items_per_task=2)
    batch.set_children(parent, RUNNING=2, SUCCEEDED=1)
    batch.end(parent, "FAILED")
    for number in (6, 5, 4, 0):  # the first task (6, 5), half of the second, and the last (0)
        jobs.result(f"item-{number}")

    _, body = get()

    assert (body["status"], tasks(body)) == ("FAILED", (0, 0, 2, 2))


def test_a_job_without_a_stop_time_of_batch_ends_when_it_is_seen_to(
    get: Get, jobs: Jobs, batch: BatchDouble
) -> None:
    parent = jobs.submitted()
    batch.jobs[parent]["status"] = "SUCCEEDED"
    jobs.all_succeeded()
    assert get()[1]["finished_at"] == "2026-09-21T14:13:20.000000Z"


@pytest.mark.parametrize(("done", "status"), [(4, "SUCCEEDED"), (3, "FAILED")])
def test_a_job_that_batch_has_forgotten_ends_as_its_results_say(
    *, get: Get, jobs: Jobs, batch: BatchDouble, clock: Clock, done: int, status: str
) -> None:
    jobs.submitted(items=4)
    batch.jobs.clear()
    jobs.all_succeeded(items=done)
    clock.sleep(8 * 86_400)

    _, body = get()

    assert (body["status"], tasks(body)) == (status, (0, 0, done, 4 - done))


def test_a_job_that_batch_does_not_know_yet_still_waits(
    get: Get, jobs: Jobs, batch: BatchDouble, clock: Clock
) -> None:
    jobs.submitted(items=4)
    batch.jobs.clear()
    clock.sleep(200)
    _, body = get()
    assert (body["status"], tasks(body)) == ("SUBMITTED", (4, 0, 0, 0))


def test_a_job_half_forgotten_goes_on_as_the_other_half_says(
    get: Get, jobs: Jobs, batch: BatchDouble, clock: Clock
) -> None:
    last = jobs.submitted(items=10_001)
    del batch.jobs["batch-1"]
    batch.jobs[last]["status"] = "RUNNING"
    jobs.result("item-10000")
    clock.sleep(8 * 86_400)

    _, body = get()

    assert (body["status"], tasks(body)) == ("RUNNING", (0, 1, 1, 9_999))


def test_results_that_take_long_to_count_are_counted_over_several_requests(
    get: Get, jobs: Jobs, batch: BatchDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch.end(jobs.submitted(items=4), "SUCCEEDED")
    jobs.all_succeeded()
    monkeypatch.setattr(Results, "_query", _two_at_a_time(Results._query))
    monkeypatch.setattr(reader, "COUNTING_S", 0.0)

    statuses = [get()[1]["status"] for _ in range(4)]

    assert statuses == ["RUNNING", "SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]


def _two_at_a_time(query: Callable[..., Any]) -> Callable[..., Any]:
    def limited(results: Results, job_id: str, after: str | None, **more: Any) -> Any:
        return query(results, job_id, after, **{**more, "Limit": 2})

    return limited
