"""A conditional write whose answer is lost is sent again by botocore, and fails by its own effect.

Our own first try then stands in the table: it must not be taken for somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from batch_double import BatchDouble
from jobs_left import Jobs
from surroundings import QUEUE_ARN, TABLE, Clock, a_monitor

from handlers.batch.split_lease import Lease, LeaseLostError, LeaseTable
from handlers.batch.submission import Submission
from handlers.batch.termination import Stopper
from handlers.commands import RefusedError
from handlers.record import BatchJob, JobRecord, Overrides, Reclaims, Status, Tally, timestamp
from handlers.store.jobs import End, JobTable
from handlers.tracking.cancel import Canceller
from handlers.tracking.retry_lease import ClaimTable

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
def lossy(table: JobTable) -> Any:
    return LosesAnswers(table.client)


@pytest.fixture
def lossy_table(lossy: Any) -> JobTable:
    return JobTable(lossy, TABLE)


@pytest.fixture
def lossy_leases(lossy: Any, clock: Clock) -> LeaseTable:
    return LeaseTable(lossy, TABLE, clock)


@pytest.fixture
def lossy_claims(lossy: Any, clock: Clock) -> ClaimTable:
    return ClaimTable(lossy, TABLE, clock)


def present(table: JobTable) -> JobRecord:
    job = table.read("demo-1")
    assert job is not None
    return job


@pytest.fixture
def ended(queued: Callable[..., JobRecord], table: JobTable) -> JobRecord:
    """A job of 5 items, 2 in a task, that has failed."""
    job = queued(items=5, items_per_task=2)
    assert table.end(job, End(Status.FAILED, "2026-11-23T10:00:00.000001Z", 2, 1))
    return present(table)


def test_a_created_record_is_our_own(lossy_table: JobTable, lossy: Any, clock: Clock) -> None:
    job = JobRecord("demo-1", Status.RECEIVING, timestamp(clock()), 2, 1, "hash")
    assert lossy_table.create(job) == job
    assert present(lossy_table) == job
    assert lossy.lost == 1


def test_an_accepted_job_is_queued_and_listed(lossy_table: JobTable, clock: Clock) -> None:
    lossy_table.create(JobRecord("demo-1", Status.RECEIVING, timestamp(clock()), 2, 1, "hash"))
    lossy_table.accept("demo-1")
    assert present(lossy_table).status is Status.QUEUED
    assert [each.job_id for each in lossy_table.page(10, None)[0]] == ["demo-1"]


def test_an_end_is_recorded_whatever_the_second_try_says(
    lossy_table: JobTable, queued: Callable[..., JobRecord]
) -> None:
    end = End(Status.SUCCEEDED, "2026-11-23T10:00:00.000001Z", 2, 0, Reclaims(3, 1.5))
    lossy_table.end(queued(), end)
    job = present(lossy_table)
    assert (job.status, job.finished_at) == (end.status, end.finished_at)
    assert (job.succeeded, job.failed, job.reclaims) == (2, 0, Reclaims(3, 1.5))


def test_what_was_counted_so_far_and_the_reclaims_are_kept(
    lossy_table: JobTable, queued: Callable[..., JobRecord]
) -> None:
    job = queued()
    tally = Tally(after="item-1", succeeded=1, recorded=2, complete=False)
    lossy_table.keep_tally(job, tally, 7)
    lossy_table.keep_reclaims(job, Reclaims(2, 0.5))
    kept = present(lossy_table)
    assert (kept.tally, kept.explained, kept.reclaims) == (tally, 7, Reclaims(2, 0.5))


def test_a_lease_taken_is_ours_and_its_job_is_split_as_resumed(
    lossy_leases: LeaseTable, queued: Callable[..., JobRecord]
) -> None:
    """What the lost try may have left is looked for: the caution costs a call, no double job."""
    queued()
    lease = lossy_leases.take("demo-1", "invocation-1", 60_000)
    assert lease is not None
    assert (lease.owner, lease.resumed) == ("invocation-1", True)


def test_what_was_submitted_is_recorded_and_the_job_finished_once(
    lossy_leases: LeaseTable, table: JobTable, queued: Callable[..., JobRecord]
) -> None:
    queued()
    lease = lossy_leases.take("demo-1", "invocation-1", 60_000)
    assert lease is not None
    batch_jobs = (BatchJob("id-1", 0, 2),)
    assert lossy_leases.record(lease, batch_jobs) is Status.QUEUED
    lossy_leases.finish(lease)
    assert (present(table).status, present(table).batch_jobs) == (Status.SUBMITTED, batch_jobs)


def test_a_lease_that_another_has_taken_is_lost_all_the_same(
    lossy_leases: LeaseTable, leases: LeaseTable, clock: Clock, queued: Callable[..., JobRecord]
) -> None:
    queued()
    lease = leases.take("demo-1", "invocation-1", 60_000)
    assert lease is not None
    clock.sleep(1000)
    assert isinstance(leases.take("demo-1", "invocation-2", 60_000), Lease)
    with pytest.raises(LeaseLostError):
        lossy_leases.finish(lease)
    with pytest.raises(LeaseLostError):
        lossy_leases.record(lease, ())


def test_a_claim_is_ours_and_starts_one_attempt_with_the_tasks_of_its_items(
    lossy_claims: ClaimTable, table: JobTable, ended: JobRecord
) -> None:
    claimed = lossy_claims.claim(ended, "call-1", 60_000)
    started = lossy_claims.start(claimed, "call-1", 3, Overrides())
    assert started == present(table)
    assert (started.attempt, started.status) == (2, Status.QUEUED)
    # 3 items are left, 2 in a task
    assert (started.items, started.items_to_do, started.tasks) == (5, 3, 2)


@pytest.mark.parametrize(("items", "tasks"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
def test_the_tasks_of_another_attempt_are_those_that_its_items_take(
    table: JobTable, clock: Clock, ended: JobRecord, items: int, tasks: int
) -> None:
    claims = ClaimTable(table.client, TABLE, clock)
    started = claims.start(claims.claim(ended, "call-1", 60_000), "call-1", items, Overrides())
    assert (started.tasks, present(table).tasks) == (tasks, tasks)


def test_a_claim_of_another_call_is_refused_all_the_same(
    lossy_claims: ClaimTable, table: JobTable, clock: Clock, ended: JobRecord
) -> None:
    ClaimTable(table.client, TABLE, clock).claim(ended, "call-2", 60_000)
    with pytest.raises(RefusedError, match="another call"):
        lossy_claims.claim(ended, "call-1", 60_000)
    with pytest.raises(RefusedError, match="taken by another call"):
        lossy_claims.start(ended, "call-1", 3, Overrides())


def test_a_claim_that_is_dropped_lets_the_next_call_in(
    lossy_claims: ClaimTable, table: JobTable, ended: JobRecord
) -> None:
    lossy_claims.drop(lossy_claims.claim(ended, "call-1", 60_000), "call-1")
    assert lossy_claims.claim(present(table), "call-2", 60_000).status is Status.FAILED


def test_a_cancelled_job_is_said_to_be_cancelled(
    lossy: Any, lossy_table: JobTable, jobs: Jobs, batch: BatchDouble, clock: Clock
) -> None:
    jobs.submitted(items=2)
    double: Any = batch
    submission = Submission(double, double, QUEUE_ARN, "batchapp-compute", clock.sleep)
    monitor = replace(a_monitor(lossy, double, clock), jobs=lossy_table)
    stopper = Stopper(lossy_table, submission, double)
    Canceller(lossy_table, monitor, stopper).cancel("demo-1", float("inf"))
    assert present(lossy_table).status is Status.CANCELLED
    assert lossy.lost > 0
