"""Finds out how jobs stand, and records the end of those that have ended.

AWS Batch is the truth about a job while it runs; once the end is in the JOB record, the record is.
A job has SUCCEEDED when every item has a result that says so, and FAILED when all its Batch jobs
have ended otherwise; before it is, every item without a result gets one that says why. Batch
forgets a job some days after its end (AWS Batch User Guide, "Job states": at least 7): then the
results in the table say which tasks succeeded.

Readers and the tracker do the same: what an event, lost or late, left undone, the next reader does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from batchctl.contract.batch_jobs import IDS_PER_CALL
from batchctl.contract.job_record import Failures, JobRecord, Tally
from batchctl.contract.progress import ItemCounts
from batchctl.contract.reasons import Reason
from batchctl.contract.statuses import FINAL, Status
from batchctl.contract.table import text
from batchctl.contract.timestamps import seconds, timestamp
from handlers.batch.descriptions import describe
from handlers.store.jobs import JobStore, RunEnd
from handlers.store.table import Change, unchanged
from handlers.tracking.failure_records import FailureRecords
from handlers.tracking.follow_ups import FollowUps
from handlers.tracking.progress import Counts, Observation, observe, status_of, succeeded_tasks
from handlers.tracking.retry_lease import unless_prepared

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.type_defs import JobDetailTypeDef

NEW_JOB_S = 300.0
"""DescribeJobs leaves out what it doesn't know: a job submitted less long ago may be too new."""

GIVEN_UP_S = 15 * 86_400.0
"""A message lives 14 days at most, its days in the dead-letter queue included (SQS API reference,
CreateQueue; Developer Guide, "Dead-letter queues"): nobody will split a job that has waited longer.
"""


@dataclass(frozen=True)
class Progress:
    """How a job stands. `finished_at` is ISO 8601, and `None` while the job has not ended.

    `unfinished_work` says that it has ended, but its results aren't all counted and recorded.
    `items` is `None` where nobody knows how its items stand.
    """

    status: Status
    counts: Counts
    finished_at: str | None = None
    unfinished_work: bool = False
    items: ItemCounts | None = None


@dataclass(frozen=True)
class Monitor:
    """Finds out how jobs stand."""

    store: JobStore
    batch: BatchClient
    failures: FailureRecords
    follow_ups: FollowUps

    def refresh(self, jobs: Sequence[JobRecord], deadline: float) -> list[Progress]:
        """Return how each job stands as of now, and record what has ended.

        Counting the results of a huge job and recording its failures stops at the deadline (by the
        monotonic clock): the job counts as RUNNING until a later call has finished that.
        """
        unfinished = [job for job in jobs if job.status not in FINAL]
        ids = [batch_job.id for job in unfinished for batch_job in job.batch_jobs]
        details = describe(self.batch, ids)
        return [self._progress(job, details, deadline) for job in jobs]

    def _progress(
        self, job: JobRecord, details: Mapping[str, JobDetailTypeDef], deadline: float
    ) -> Progress:
        if job.status in FINAL:
            return _recorded(job)
        seen = self._observe(job, details)
        counts = sum(self._counts(job, seen), _waiting(job))
        if self._is_over(job) and all(one.ended for one in seen):
            return self._ended(job, seen, counts, deadline)
        items = self.item_counts(job, counts)
        if self.is_failing_too_much(job, items):
            self.end_early(job, Reason.MAX_FAILURES)
        return Progress(status_of(job, counts), counts, items=items)

    def item_counts(self, job: JobRecord, counts: Counts) -> ItemCounts | None:
        """Count the items of a job that has not ended.

        A container without our runner says nothing of its items: where each task has one, its end
        is the item's.
        """
        if job.has_runner or not job.batch_jobs:
            return self.store.progress.counts(job)
        return None if job.tasks != job.items_to_do else self._counts_by_tasks(job, counts)

    def is_failing_too_much(self, job: JobRecord, items: ItemCounts | None) -> bool:
        """Whether more items of a job have failed than it may have, and nobody has ended it yet.

        What is to run again by itself has not failed for good.
        """
        if job.max_failures is None or job.reason is not None or items is None:
            return False
        return items.failed - self.follow_ups.items_to_come(job, items.reasons) > job.max_failures

    def end_early(self, job: JobRecord, reason: Reason) -> None:
        """End a job that has not ended by a limit of its own.

        The record says so first: from then on nothing more of it is submitted. JobSplitter, which
        the message reaches, terminates what is; when that has ended, so has the job.
        """
        change = Change({"reason": text(reason)})
        if self.store.change(job.job_id, change, unchanged(job.status, job.run)) is not None:
            self.follow_ups.messages.send(job.job_id)

    def _counts_by_tasks(self, job: JobRecord, counts: Counts) -> ItemCounts:
        known = self.store.progress.counts(job).reasons
        of_run = sum(known.values()) - sum(job.failed_before.values())
        unknown = max(0, counts.failed - of_run)
        return ItemCounts(
            pending=counts.pending,
            running=counts.running,
            succeeded=job.items_succeeded_before + counts.succeeded,
            reasons=dict(Counter(known) + Counter({Reason.UNKNOWN: unknown})),
        )

    def cancel(
        self, job: JobRecord, counts: Counts, tally: ItemCounts | None = None
    ) -> Progress | None:
        """Record that a job is CANCELLED; `None` when it has gone on meanwhile.

        What neither succeeded nor failed before is not failed: it has no end, and counts as
        pending. `tally` is how its items stand, where their results have been counted.
        """
        finished_at = job.finished_at or timestamp(self.store.clock())
        reclaims = self.store.reclaims.total(job.job_id)
        items = tally or self._items_so_far(job, counts)
        end = RunEnd(
            Status.CANCELLED,
            finished_at,
            counts.succeeded,
            counts.failed,
            reclaims,
            items.succeeded,
            items.reasons,
        )
        if not self.store.end(job, end):
            return None
        waiting = job.tasks - counts.succeeded - counts.failed
        shown = replace(counts, pending=waiting, running=0)
        return Progress(end.status, shown, finished_at, items=_ended_items(job, end))

    def settle(self, job: JobRecord, deadline: float) -> bool:
        """Record what of a CANCELLED job succeeded after all, once all of it has ended.

        Returns whether that is done by the deadline (by the monotonic clock).
        """
        seen = self._observe(job, describe(self.batch, [each.id for each in job.batch_jobs]))
        if not all(one.ended for one in seen):
            return True  # the end of another one brings an event, too
        if not self.failures.record_successes(job, deadline):
            return False
        # What a container recorded last its progress may not say.
        tally = self.store.results.tally(job.results_partition, None, deadline)
        if not tally.complete:
            return False
        items = ItemCounts(succeeded=tally.succeeded, reasons=tally.failures)
        counts = sum(self._counts(job, seen), Counts())
        self.cancel(job, replace(counts, failed=job.failed or 0), items)
        return True

    def _items_so_far(self, job: JobRecord, counts: Counts) -> ItemCounts:
        items = self.store.progress.counts(job)
        if job.has_runner:
            return items
        most = max(0, job.items - items.failed)
        return replace(items, succeeded=min(most, _items_of(job, counts.succeeded)))

    def _observe(
        self, job: JobRecord, details: Mapping[str, JobDetailTypeDef]
    ) -> list[Observation]:
        return [
            observe(batch_job, details.get(batch_job.id), forgotten=self._is_old(job))
            for batch_job in job.batch_jobs
        ]

    def _is_over(self, job: JobRecord) -> bool:
        """Whether no more of the job will be submitted."""
        queued_at = seconds(job.queued_at or job.created_at)
        # What a limit has ended isn't submitted any further.
        is_submitted = job.status is Status.SUBMITTED or job.reason is not None
        return is_submitted or self.store.clock() - queued_at > GIVEN_UP_S

    def _is_old(self, job: JobRecord) -> bool:
        """Whether Batch must know the Batch jobs by now, unless it has forgotten them."""
        since = job.submitted_at or job.finished_at or job.queued_at or job.created_at
        return self.store.clock() - seconds(since) > (NEW_JOB_S if job.submitted_at else GIVEN_UP_S)

    def _counts(self, job: JobRecord, seen: Sequence[Observation]) -> list[Counts]:
        """Return the counts of each Batch job; from the results where Batch doesn't say."""
        unsaid = any(one.counts is None for one in seen)
        done = (
            frozenset(self.store.results.succeeded(job.results_partition))
            if unsaid
            else frozenset[str]()
        )
        universe = self.store.universe.whole(job) if unsaid else []
        return [one.counts or _from_results(job, one, universe, done) for one in seen]

    def _ended(
        self, job: JobRecord, seen: Sequence[Observation], counts: Counts, deadline: float
    ) -> Progress:
        """Record the end of a job whose Batch jobs have all ended."""
        if self._is_being_prepared(job):
            return Progress(Status.RUNNING, counts, unfinished_work=True)
        tally, recorded = self._finish(job, deadline)
        if recorded < job.items_to_do:
            self.store.keep_tally(job, tally, recorded)
            return Progress(Status.RUNNING, counts, unfinished_work=True)
        items = ItemCounts(succeeded=tally.succeeded, reasons=_failures(job, tally))
        follow_up = self.follow_ups.after(job, tally.failures)
        if follow_up is not None and self.follow_ups.make(job, follow_up, deadline):
            return Progress(Status.RUNNING, counts, items=items)
        status = Status.SUCCEEDED if tally.succeeded == job.items else Status.FAILED
        stopped = max((one.stopped_at or 0 for one in seen), default=0) / 1000
        finished_at = timestamp(stopped or self.store.clock())
        reclaims = self.store.reclaims.total(job.job_id)
        end = RunEnd(
            status,
            finished_at,
            counts.succeeded,
            counts.failed,
            reclaims,
            items.succeeded,
            items.reasons,
        )
        # Who makes a run that follows deletes failures first: what was counted may be gone.
        if not self.store.end(job, end, unless_prepared(job)):
            return Progress(Status.RUNNING, counts, unfinished_work=True, items=items)
        return Progress(status, counts, finished_at, items=items)

    def _is_being_prepared(self, job: JobRecord) -> bool:
        """Whether a call is making the run that follows, and deletes failures for it."""
        until = job.retry_expires_at
        return until is not None and until > self.store.clock() * 1000

    def _finish(self, job: JobRecord, deadline: float) -> tuple[Tally, int]:
        """Count the results, then record what has none; return how far that has come."""
        tally = self.store.results.tally(job.results_partition, job.tally, deadline)
        if not tally.complete:
            return tally, 0
        if tally.recorded == job.items:
            return tally, job.items_to_do
        if self.store.monotonic() > deadline:
            return tally, job.failures_recorded
        recorded = self.failures.record(job, deadline)
        if recorded < job.items_to_do:
            return tally, recorded
        # Some successes may be known by exit codes alone.
        tally = self.store.results.tally(job.results_partition, None, deadline)
        return tally, recorded if tally.complete else 0


def _recorded(job: JobRecord) -> Progress:
    """Return the end that is recorded; tasks that neither succeeded nor failed never ran."""
    succeeded, failed = job.succeeded or 0, job.failed or 0
    counts = Counts(max(0, job.tasks - succeeded - failed), 0, succeeded, failed)
    return Progress(job.status, counts, job.finished_at, items=_recorded_items(job))


def _items_of(job: JobRecord, tasks: int) -> int:
    """Return how many items of the job have succeeded when so many tasks of the run have."""
    return job.items_succeeded_before + min(job.items_to_do, tasks * job.items_per_task)


def _recorded_items(job: JobRecord) -> ItemCounts | None:
    """Return how the items of an ended job stand; versions before didn't record it."""
    if job.items_succeeded is None:
        return None
    return _items(job, job.items_succeeded, job.items_failed or {})


def _ended_items(job: JobRecord, end: RunEnd) -> ItemCounts:
    return _items(job, end.items_succeeded, end.items_failed)


def _items(job: JobRecord, succeeded: int, failures: Failures) -> ItemCounts:
    left = max(0, job.items - succeeded - sum(failures.values()))
    return ItemCounts(pending=left, succeeded=succeeded, reasons=failures)


def _failures(job: JobRecord, tally: Tally) -> Failures:
    """Count all items that did not succeed; one of which no result can be is UNKNOWN."""
    rest = job.items - tally.succeeded - sum(tally.failures.values())
    if rest <= 0:
        return tally.failures
    return dict(Counter(tally.failures) + Counter({Reason.UNKNOWN: rest}))


def _waiting(job: JobRecord) -> Counts:
    """Count the tasks that aren't submitted yet."""
    return Counts(pending=max(0, job.tasks - sum(each.tasks for each in job.batch_jobs)))


def _from_results(
    job: JobRecord, one: Observation, universe: Sequence[str | None], done: frozenset[str]
) -> Counts:
    succeeded = succeeded_tasks(job, one.batch_job, universe, done)
    return Counts(succeeded=succeeded, failed=one.batch_job.tasks - succeeded)


def limit_ids(jobs: Sequence[JobRecord], ids: int = IDS_PER_CALL) -> list[JobRecord]:
    """Return the first jobs, as many as one DescribeJobs takes; of ended ones it isn't asked."""
    taken: list[JobRecord] = []
    for job in jobs:
        ids -= 0 if job.status in FINAL else len(job.batch_jobs)
        if ids < 0:
            break
        taken.append(job)
    return taken
