"""A cancelled job ends for good, and says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from batch_double import BatchDouble
from botocore.exceptions import ClientError
from endings import end_array
from jobs_left import Jobs, tasks
from surroundings import Clock

from batchctl.contract.batch_jobs import CANCELLED
from batchctl.contract.control import RefusedError
from batchctl.contract.statuses import Status
from handlers import clients
from handlers.batch.splitter import Splitter
from handlers.batch.termination import Terminator
from handlers.store.jobs import JobStore
from handlers.tracking.cancel import Canceller

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
    jobs: Jobs, canceller: Canceller, batch: BatchDouble, table: JobStore
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
    split = job_splitter.leases.take("demo-1", "invocation-1", 60_000)
    assert split is not None
    (spec,) = split.job.batch_job_specs
    job_splitter.submission.submit(split.job, spec)

    canceller.cancel("demo-1", LATER)
    assert batch.terminated == []
    job_splitter.split("demo-1", "invocation-2", 60_000)

    assert batch.terminated == ["batch-1"]


def unmark(batch: BatchDouble, *job_ids: str) -> None:
    """Make them jobs that were submitted before there was a mark."""
    for job_id in job_ids:
        batch.jobs[job_id]["tags"] = {}


def test_jobs_that_were_submitted_without_the_mark_are_left_to_the_splitter_which_ends_them(
    jobs: Jobs, canceller: Canceller, job_splitter: Splitter, batch: BatchDouble, queue_url: str
) -> None:
    last = jobs.submitted(items=10_001)
    unmark(batch, "batch-1", last)

    progress = canceller.cancel("demo-1", LATER)

    assert progress.status is Status.CANCELLED
    assert batch.terminated == []
    assert "TagResource" not in batch.calls
    sent = clients.sqs().receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)["Messages"]
    assert {message["Body"] for message in sent} == {'{"job_id": "demo-1"}'}
    job_splitter.split("demo-1", "invocation-2", 60_000)
    assert batch.terminated == ["batch-1", last]
    assert batch.jobs[last]["tags"] == {"batchctl:stack": "batchapp", "batchctl:job": "demo-1"}


def test_a_mark_that_does_not_count_at_once_is_waited_for(
    jobs: Jobs, canceller: Canceller, job_splitter: Splitter, batch: BatchDouble, clock: Clock
) -> None:
    array = jobs.submitted()
    unmark(batch, array)
    canceller.cancel("demo-1", LATER)
    batch.unseen_marks = 3
    job_splitter.split("demo-1", "invocation-2", 60_000)
    assert batch.terminated == [array]
    assert clock.slept == [1.0, 2.0, 4.0]


def test_a_mark_that_never_counts_fails_the_message_which_comes_again(
    jobs: Jobs, canceller: Canceller, job_splitter: Splitter, batch: BatchDouble
) -> None:
    array = jobs.submitted()
    unmark(batch, array)
    canceller.cancel("demo-1", LATER)
    batch.unseen_marks = 99
    with pytest.raises(ClientError, match="AccessDenied"):
        job_splitter.split("demo-1", "invocation-2", 60_000)


def test_what_batch_has_forgotten_needs_no_end(
    jobs: Jobs, terminator: Terminator, batch: BatchDouble, table: JobStore
) -> None:
    array = jobs.submitted()
    unmark(batch, array)
    job = table.read("demo-1")
    assert job is not None
    marker = terminator.unmarked
    del batch.jobs[array]
    marker(job, job.batch_jobs[0])
    assert batch.calls[-1] == "TagResource"
