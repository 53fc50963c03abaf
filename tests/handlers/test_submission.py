"""Submitting is exactly once though SubmitJob is not: lost answers, throttling, refusals."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from batch_double import BatchDouble, batch_error
from botocore.exceptions import ClientError, ReadTimeoutError
from surroundings import QUEUE_ARN, Clock

from batchctl.contract.batch_jobs import BatchJob
from batchctl.contract.job_record import JobRecord
from handlers.batch.splitter import Splitter
from handlers.batch.submission import NotSubmittedError, Submission
from handlers.store.jobs import JobStore

LOST = ReadTimeoutError(endpoint_url="https://batch.us-east-1.amazonaws.com")


def split(job_splitter: Splitter, job_id: str = "demo-1", owner: str = "invocation-1") -> None:
    job_splitter.split(job_id, owner, 60_000)


def record(table: JobStore, job_id: str = "demo-1") -> JobRecord:
    job = table.read(job_id)
    assert job is not None
    return job


@pytest.mark.parametrize("made", [True, False])
@pytest.mark.parametrize("fault", [LOST, batch_error("ServerException", 500)])
def test_a_lost_answer_leaves_one_batch_job(
    *,
    job_splitter: Splitter,
    batch: BatchDouble,
    table: JobStore,
    queued: Callable[..., JobRecord],
    fault: Exception,
    made: bool,
) -> None:
    queued()
    batch.faults = [(fault, made)]
    batch.unlisted = 1  # a new job is listed a moment later

    split(job_splitter)

    assert batch.names() == ["demo-1-0"]
    assert record(table).batch_jobs == (BatchJob("batch-1", 0, 2),)


def test_throttling_is_waited_out_without_looking(
    job_splitter: Splitter, batch: BatchDouble, clock: Clock, queued: Callable[..., JobRecord]
) -> None:
    queued()
    batch.faults = [(batch_error("TooManyRequestsException", 429), False)] * 3
    split(job_splitter)
    assert batch.calls == ["SubmitJob"] * 4
    assert len(clock.slept) == 3


def test_endless_throttling_fails_the_message(
    job_splitter: Splitter, batch: BatchDouble, clock: Clock, queued: Callable[..., JobRecord]
) -> None:
    queued()
    batch.faults = [(batch_error("TooManyRequestsException", 429), False)] * 9
    with pytest.raises(NotSubmittedError):
        split(job_splitter)
    assert sum(clock.slept) < 30


def test_what_batch_refuses_is_not_tried_again(
    job_splitter: Splitter, batch: BatchDouble, queued: Callable[..., JobRecord]
) -> None:
    queued()
    batch.faults = [(batch_error("ClientException"), False)]
    with pytest.raises(ClientError):
        split(job_splitter)
    assert batch.calls == ["SubmitJob"]


def test_a_job_is_found_by_its_exact_name_and_not_in_an_earlier_life_of_the_stack(
    submission: Submission, batch: BatchDouble, clock: Clock, queued: Callable[..., JobRecord]
) -> None:
    for job_name in ("demo-1-0", "DEMO-1-0"):
        batch.submit_job(jobName=job_name, jobQueue=QUEUE_ARN, jobDefinition="batchapp-compute")
        clock.sleep(60)
    job = queued()
    (spec,) = job.batch_job_specs
    assert submission.find(job, spec) is None

    submitted = submission.submit(job, spec)
    assert submission.find(job, spec) == submitted
