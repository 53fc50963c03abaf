"""The lease on an ended job that is to have another run: one call at a time makes it."""

from __future__ import annotations

from dataclasses import dataclass

from batchctl.contract.control import Overrides, RefusedError
from batchctl.contract.job_record import (
    MAX_EARLIER_BATCH_JOBS,
    JobRecord,
    batch_jobs_value,
    failures_value,
    from_item,
    overrides_value,
)
from batchctl.contract.slices import Slices
from batchctl.contract.statuses import Status
from batchctl.contract.table import LAYOUT, flag, number, text
from batchctl.contract.timestamps import timestamp
from handlers.store.jobs import NO_TALLY, JobStore
from handlers.store.lease import RETRYING, SPLITTING, Lease
from handlers.store.table import Change, Condition, unchanged
from handlers.tracking.next_run import NextUniverse

OF_THE_LAST_RUN = (
    SPLITTING.owner,
    SPLITTING.expires_at,
    "submitted_at",
    "finished_at",
    "succeeded",
    "failed",
    "reclaims",
    "reclaim_seconds",
    "items_succeeded",
    "items_failed",
    "reason",
    "requeued_at",
    *NO_TALLY,
)
"""Nothing of the last run's submission, end and counting is the new one's."""


def unless_prepared(job: JobRecord) -> Condition:
    """Return the condition that nobody has begun to prepare another run since `job` was read."""
    owner = RETRYING.owner
    if job.retry_owner is None:
        return Condition(f"attribute_not_exists(#{owner})", {})
    return Condition(f"#{owner} = :if_{owner}", {f":if_{owner}": text(job.retry_owner)})


@dataclass(frozen=True)
class RetryLeases:
    """The leases for retrying in one table."""

    store: JobStore

    def take(self, job: JobRecord, owner: str, remaining_ms: int) -> JobRecord:
        """Take the lease on an ended job for a call that ends in `remaining_ms`.

        Returns the record as it is now. Raises RefusedError (409) when another call has the lease,
        or the job isn't as `job` says any more.
        """
        lease = Lease(self.store, RETRYING, job.job_id, owner)
        # What was counted before is not what there is when the failures are deleted.
        found = lease.take(remaining_ms, unchanged(job.status, job.run), Change({}, NO_TALLY))
        if found is None:
            raise RefusedError(
                409, f"job `{job.job_id}` is being retried by another call: look at it again later"
            )
        return from_item(found)

    def start(
        self,
        job: JobRecord,
        owner: str,
        universe: NextUniverse,
        overrides: Overrides,
        *,
        is_follow_up: bool = False,
    ) -> JobRecord:
        """Make the next run of a job under a lease: QUEUED, on that universe; return the record.

        Raises RefusedError (409) when the lease was lost.
        """
        lease = Lease(self.store, RETRYING, job.job_id, owner)
        change = self._next_run(job, universe, overrides) + lease.end
        change += Change({"follow_up": flag(is_follow_up)})
        condition = unchanged(job.status, job.run)
        if is_follow_up:  # a limit of its own may have ended the job meanwhile
            condition &= Condition("attribute_not_exists(#reason)", {})
        started = lease.change(change, condition)
        if started is not None:
            return from_item(started)
        present = self.store.read(job.job_id)
        # Our own first try may have been the one, its answer lost.
        if present is not None and present.run == job.run + 1:
            return present
        raise RefusedError(409, f"job `{job.job_id}` was taken by another call: try again")

    def release(self, job: JobRecord, owner: str) -> None:
        """Give a lease back after a failure, so that the call can be repeated at once."""
        Lease(self.store, RETRYING, job.job_id, owner).release()

    def _next_run(self, job: JobRecord, universe: NextUniverse, overrides: Overrides) -> Change:
        earlier = (*job.earlier_batch_jobs, *job.batch_jobs)[-MAX_EARLIER_BATCH_JOBS:]
        slices = Slices(universe.items, job.items_per_task, universe.solo_from)
        solo = {} if universe.solo_from is None else {"solo_from": number(universe.solo_from)}
        sets = {
            "status": text(Status.QUEUED),
            "attempt": number(job.run + 1),
            "attempt_items": number(universe.items),
            "attempt_items_per_chunk": number(universe.items_per_chunk),
            "tasks": number(slices.tasks),
            "layout": number(LAYOUT),
            "batch_jobs": batch_jobs_value(()),
            "earlier_batch_jobs": batch_jobs_value(earlier),
            "overrides": overrides_value(overrides),
            "failed_before": failures_value(universe.failures),
            "queued_at": text(timestamp(self.store.clock())),
            **solo,
        }
        return Change(sets, OF_THE_LAST_RUN + (() if solo else ("solo_from",)))
