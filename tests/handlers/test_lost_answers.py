"""A conditional write whose answer is lost is sent again by botocore, and fails by its own effect.

Our own first try then stands in the table: it must not be taken for somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from batch_double import BatchDouble
from jobs_left import Jobs
from surroundings import QUEUE_ARN, Clock, a_monitor, a_store

from batchctl.contract.batch_jobs import BatchJob
from batchctl.contract.control import Overrides, RefusedError
from batchctl.contract.job_record import JobRecord, Reclaims, Tally
from batchctl.contract.statuses import Status
from batchctl.contract.timestamps import timestamp
from handlers.batch.messages import Messages
from handlers.batch.split_lease import LeaseLostError, Split, SplitLeases
from handlers.batch.submission import Submission
from handlers.batch.termination import Marker, Terminator
from handlers.store.jobs import JobStore, RunEnd
from handlers.tracking.cancel import Canceller
from handlers.tracking.next_run import NextUniverse
from handlers.tracking.retry_lease import RetryLeases

CONDITIONAL = ("put_item", "update_item")


class LosesAnswers:
    """A client of DynamoDB that loses the answer to the first try of each conditional write."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.lost = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name not in CONDITIONAL:
            return found

        def call(**request: Any) -> Any:
            if "ConditionExpression" in request:
                found(**request)
                self.lost += 1
            return found(**request)

        return call


@pytest.fixture
def lossy(table: JobStore) -> Any:
    return LosesAnswers(table.client)


@pytest.fixture
def lossy_table(lossy: Any, clock: Clock) -> JobStore:
    return a_store(lossy, clock)


@pytest.fixture
def lossy_leases(lossy_table: JobStore) -> SplitLeases:
    return SplitLeases(lossy_table)


@pytest.fixture
def lossy_retries(lossy_table: JobStore) -> RetryLeases:
    return RetryLeases(lossy_table)


def present(table: JobStore) -> JobRecord:
    job = table.read("demo-1")
    assert job is not None
    return job


@pytest.fixture
def ended(queued: Callable[..., JobRecord], table: JobStore) -> JobRecord:
    """A job of 5 items, 2 in a task, that has failed."""
    job = queued(items=5, items_per_task=2)
    assert table.end(job, RunEnd(Status.FAILED, "2026-11-23T10:00:00.000001Z", 2, 1))
    return present(table)


def test_a_created_record_is_our_own(lossy_table: JobStore, lossy: Any, clock: Clock) -> None:
    job = JobRecord("demo-1", Status.RECEIVING, timestamp(clock()), 2, 1, "hash")
    assert lossy_table.create(job) == job
    assert present(lossy_table) == job
    assert lossy.lost == 1


def test_an_accepted_job_is_queued_and_listed(lossy_table: JobStore, clock: Clock) -> None:
    lossy_table.create(JobRecord("demo-1", Status.RECEIVING, timestamp(clock()), 2, 1, "hash"))
    lossy_table.accept("demo-1")
    assert present(lossy_table).status is Status.QUEUED
    assert [each.job_id for each in lossy_table.listing.page(10, None)[0]] == ["demo-1"]


def test_an_end_is_recorded_whatever_the_second_try_says(
    lossy_table: JobStore, queued: Callable[..., JobRecord]
) -> None:
    end = RunEnd(Status.SUCCEEDED, "2026-11-23T10:00:00.000001Z", 2, 0, Reclaims(3, 1.5))
    lossy_table.end(queued(), end)
    job = present(lossy_table)
    assert (job.status, job.finished_at) == (end.status, end.finished_at)
    assert (job.succeeded, job.failed, job.reclaims) == (2, 0, Reclaims(3, 1.5))


def test_what_was_counted_so_far_and_the_reclaims_are_kept(
    lossy_table: JobStore, queued: Callable[..., JobRecord]
) -> None:
    job = queued()
    tally = Tally(after="item-1", succeeded=1, recorded=2, complete=False)
    lossy_table.keep_tally(job, tally, 7)
    lossy_table.keep_reclaims(job, Reclaims(2, 0.5))
    kept = present(lossy_table)
    assert (kept.tally, kept.failures_recorded, kept.reclaims) == (tally, 7, Reclaims(2, 0.5))


def test_a_lease_taken_is_ours_and_its_job_is_split_as_resumed(
    lossy_leases: SplitLeases, queued: Callable[..., JobRecord]
) -> None:
    """What the lost try may have left is looked for: the caution costs a call, no double job."""
    queued()
    lease = lossy_leases.take("demo-1", "invocation-1", 60_000)
    assert lease is not None
    assert (lease.owner, lease.resumed) == ("invocation-1", True)


def test_what_was_submitted_is_recorded_and_the_job_finished_once(
    lossy_leases: SplitLeases, table: JobStore, queued: Callable[..., JobRecord]
) -> None:
    queued()
    lease = lossy_leases.take("demo-1", "invocation-1", 60_000)
    assert lease is not None
    batch_jobs = (BatchJob("id-1", 0, 2),)
    assert lossy_leases.record(lease, batch_jobs).status is Status.QUEUED
    lossy_leases.finish(lease)
    assert (present(table).status, present(table).batch_jobs) == (Status.SUBMITTED, batch_jobs)


def test_a_lease_that_another_has_taken_is_lost_all_the_same(
    lossy_leases: SplitLeases, leases: SplitLeases, clock: Clock, queued: Callable[..., JobRecord]
) -> None:
    queued()
    lease = leases.take("demo-1", "invocation-1", 60_000)
    assert lease is not None
    clock.sleep(1000)
    assert isinstance(leases.take("demo-1", "invocation-2", 60_000), Split)
    with pytest.raises(LeaseLostError):
        lossy_leases.finish(lease)
    with pytest.raises(LeaseLostError):
        lossy_leases.record(lease, ())


def test_a_claim_is_ours_and_starts_one_attempt_with_the_tasks_of_its_items(
    lossy_retries: RetryLeases, table: JobStore, ended: JobRecord
) -> None:
    claimed = lossy_retries.take(ended, "call-1", 60_000)
    started = lossy_retries.start(claimed, "call-1", NextUniverse(3, 250, None), Overrides())
    assert started == present(table)
    assert (started.run, started.status) == (2, Status.QUEUED)
    # 3 items are left, 2 in a task
    assert (started.items, started.items_to_do, started.tasks) == (5, 3, 2)


@pytest.mark.parametrize(("items", "tasks"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
def test_the_tasks_of_another_attempt_are_those_that_its_items_take(
    table: JobStore, ended: JobRecord, items: int, tasks: int
) -> None:
    claims = RetryLeases(table)
    started = claims.start(
        claims.take(ended, "call-1", 60_000), "call-1", NextUniverse(items, 250, None), Overrides()
    )
    assert (started.tasks, present(table).tasks) == (tasks, tasks)


def test_a_claim_of_another_call_is_refused_all_the_same(
    lossy_retries: RetryLeases, table: JobStore, ended: JobRecord
) -> None:
    RetryLeases(table).take(ended, "call-2", 60_000)
    with pytest.raises(RefusedError, match="another call"):
        lossy_retries.take(ended, "call-1", 60_000)
    with pytest.raises(RefusedError, match="taken by another call"):
        lossy_retries.start(ended, "call-1", NextUniverse(3, 250, None), Overrides())


def test_a_claim_that_is_dropped_lets_the_next_call_in(
    lossy_retries: RetryLeases, table: JobStore, ended: JobRecord
) -> None:
    lossy_retries.release(lossy_retries.take(ended, "call-1", 60_000), "call-1")
    assert lossy_retries.take(present(table), "call-2", 60_000).status is Status.FAILED


def test_a_cancelled_job_is_said_to_be_cancelled(
    lossy: Any,
    lossy_table: JobStore,
    jobs: Jobs,
    batch: BatchDouble,
    clock: Clock,
    messages: Messages,
) -> None:
    jobs.submitted(items=2)
    double: Any = batch
    submission = Submission(double, double, QUEUE_ARN, "batchapp-compute", clock.sleep, "batchapp")
    monitor = a_monitor(lossy, double, clock, messages)
    terminator = Terminator(lossy_table, submission, double, Marker(submission, double))
    Canceller(lossy_table, monitor, terminator).cancel("demo-1", float("inf"))
    assert present(lossy_table).status is Status.CANCELLED
    assert lossy.lost > 0
