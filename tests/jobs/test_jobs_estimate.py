"""What a job would take, from the items of the last jobs."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_api import Api

from batchctl.jobs import JobsClient
from batchctl.jobs.cost.estimate import Sample, estimate, sample
from batchctl.jobs.cost.ledger import Range

approx: Any = pytest.approx

COUNTS = {"total": 1, "pending": 0, "running": 0, "succeeded": 1, "failed": 0}
TIMES = {"created_at": "2026-11-28T10:00:00+00:00", "finished_at": "2026-11-28T10:10:00+00:00"}


def summary(job_id: str, **more: Any) -> dict[str, Any]:
    return {"job_id": job_id, "status": "SUCCEEDED", "items": 2, "tasks": 1, **TIMES, **more}


def job(job_id: str, *results: dict[str, Any]) -> dict[str, Any]:
    by_item = {str(number): each for number, each in enumerate(results)}
    return {**summary(job_id), "tasks": COUNTS, "results": by_item}


def done(seconds: float, memory: float = 100.0) -> dict[str, Any]:
    return {"status": "SUCCEEDED", "seconds": seconds, "peak_memory_mib": memory}


def test_a_job_of_like_items_is_a_multiple_of_one() -> None:
    """1,000 items of 36 s are 10 h; 100 at a time are 10 rounds, 6 min; at $0.02 an hour $0.20."""
    found = estimate(1000, Sample((36.0,) * 5, (90.0, 120.0), ("a",)), 100, Range(0.02, 0.03))
    assert found is not None
    assert found.task_hours == Range(approx(10), approx(10))
    assert found.minutes == Range(approx(6), approx(6))
    assert found.dollars == Range(approx(0.20), approx(0.30))
    assert (found.sampled, found.peak_memory_mib) == (5, 120.0)


def test_items_that_differ_make_a_range_of_two_standard_errors() -> None:
    """30 and 50 s: mean 40, deviation 14.14, two errors of it 20: from 20 to 60 s."""
    found = estimate(360, Sample((30.0, 50.0), (), ("a",)), 360, None)
    assert found is not None
    assert found.seconds_an_item == Range(approx(20), approx(60))
    assert found.task_hours == Range(approx(2), approx(6))
    assert (found.dollars, found.peak_memory_mib) == (None, None)


def test_a_single_item_says_half_to_double() -> None:
    found = estimate(10, Sample((40.0,), (), ("a",)), 10, None)
    assert found is not None
    assert found.seconds_an_item == Range(20, 80)


def test_without_an_item_there_is_no_estimate() -> None:
    assert estimate(10, Sample((), (), ()), 10, None) is None


def test_the_last_ended_jobs_are_looked_at_and_what_failed_is_left_out(
    api: Api, client: JobsClient
) -> None:
    api.answer(200, {"jobs": [summary("runs", finished_at=None), summary("b"), summary("a")]})
    api.answer(200, job("b", done(2.0), {"status": "FAILED", "seconds": 99.0, "error": "no"}))
    api.answer(200, job("a", done(4.0, 300.0), {"status": "SUCCEEDED"}))
    assert sample(client) == Sample((2.0, 4.0), (100.0, 300.0), ("b", "a"))
    assert [each.target for each in api.asked[1:]] == [
        "/v1/tasks/b?limit=1000",
        "/v1/tasks/a?limit=1000",
    ]


def test_three_jobs_are_enough(api: Api, client: JobsClient) -> None:
    api.answer(200, {"jobs": [summary(str(number)) for number in range(9)]})
    api.answer(200, job("x", done(1.0)))
    assert len(sample(client).jobs) == 3
    assert len(api.asked) == 4
