"""A cancelled job ends for good, and says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from batch_double import BatchDouble
from endings import end_array
from jobs_left import Jobs, tasks

from handlers.cancelling import Canceller
from handlers.commands import RefusedError
from handlers.reasons import CANCELLED
from handlers.record import Status, cut
from handlers.splitter import Splitter
from handlers.table import JobTable

LATER = float("inf")


def test_queued_and_running_children_are_ended(
    jobs: Jobs, canceller: Canceller, batch: BatchDouble, get: Callable[..., tuple[int, Any]]
) -> None:
    first = jobs.submitted(items=10_001)
    batch.set_children("batch-1", SUCCEEDED=3, FAILED=1, RUNNING=2)

    progress = canceller.cancel("demo-1", LATER)

    assert batch.terminated == ["batch-1", first]
    assert {batch.jobs[job]["statusReason"] for job in batch.terminated} == {CANCELLED}
    assert progress.status is Status.CANCELLED
    assert progress.counts.shown() == {
        "total": 10_001,
        "pending": 9_997,
        "running": 0,
        "succeeded": 3,
        "failed": 1,
    }
    _, body = get()
    assert (body["status"], tasks(body)) == ("CANCELLED", (9_997, 0, 3, 1))
    assert body["finished_at"] == progress.finished_at


def test_a_queued_job_is_never_submitted_then(
    jobs: Jobs, canceller: Canceller, job_splitter: Splitter, batch: BatchDouble
) -> None:
    jobs.queued()
    canceller.cancel("demo-1", LATER)
    job_splitter.split("demo-1", "invocation-1", 60_000)
    assert batch.names() == []


def test_cancelling_again_ends_what_was_left_and_answers_the_same(
    jobs: Jobs, canceller: Canceller, batch: BatchDouble
) -> None:
    array = jobs.submitted()
    first = canceller.cancel("demo-1", LATER)
    batch.jobs[array] |= {"status": "PENDING"}  # as if the first call had died before TerminateJob
    assert canceller.cancel("demo-1", LATER) == first
    assert batch.terminated == [array, array]


def test_a_job_that_has_ended_is_not_cancelled(
    jobs: Jobs, canceller: Canceller, batch: BatchDouble, table: JobTable
) -> None:
    array = jobs.submitted()
    jobs.all_succeeded()
    end_array(batch, array, SUCCEEDED=4)  # and nobody has looked yet
    for _ in range(2):
        with pytest.raises(RefusedError, match="it is SUCCEEDED") as refused:
            canceller.cancel("demo-1", LATER)
        assert refused.value.code == 409
    job = table.read("demo-1")
    assert job is not None
    assert job.status is Status.SUCCEEDED


def test_a_job_that_there_is_not_can_not_be_cancelled(canceller: Canceller) -> None:
    with pytest.raises(RefusedError, match="no job `demo-1`") as refused:
        canceller.cancel("demo-1", LATER)
    assert refused.value.code == 404


def test_a_splitter_that_died_over_a_job_has_the_rest_ended_when_its_message_comes_again(
    jobs: Jobs, canceller: Canceller, job_splitter: Splitter, batch: BatchDouble
) -> None:
    jobs.queued()
    batch.unlisted = 1  # Batch doesn't list yet what the dead splitter had submitted
    lease = job_splitter.leases.take("demo-1", "invocation-1", 60_000)
    assert lease is not None
    (part,) = cut(lease.job)
    job_splitter.submission.submit(lease.job, part)

    canceller.cancel("demo-1", LATER)
    assert batch.terminated == []
    job_splitter.split("demo-1", "invocation-2", 60_000)

    assert batch.terminated == ["batch-1"]
