"""The lease on a job that is being split: one splitter at a time, and what it has submitted so far.

It is never given back: an owner that failed may have submitted a job without recording it, and the
next one must know.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from batchctl.contract.batch_jobs import BatchJob
from batchctl.contract.job_record import JobRecord, batch_jobs_value, from_item
from batchctl.contract.statuses import SPLITTABLE, Status
from batchctl.contract.table import LAYOUT, flag, number, text
from batchctl.contract.timestamps import timestamp
from handlers.store.jobs import ACCEPTED, JobStore
from handlers.store.lease import SPLITTING, Lease
from handlers.store.migration import Migration
from handlers.store.table import Change, Condition
from handlers.store.unpacking import Unpacking

STATUSES = {f":if_{status.lower()}": text(status) for status in SPLITTABLE}
IS_SPLITTABLE = Condition(f"#status IN ({', '.join(STATUSES)})", STATUSES)
IS_QUEUED = Condition("#status = :if_status", {":if_status": text(Status.QUEUED)})


class LeaseHeldError(Exception):
    """Another invocation is splitting the job: the message must come again later."""


class LeaseLostError(Exception):
    """The lease ran out and another invocation took it: this one must stop at once."""


class UnknownJobError(Exception):
    """The table has no such job."""


@dataclass(frozen=True)
class Split:
    """A job that is being split, as it was before; `resumed` when it had a lease before."""

    job: JobRecord
    lease: Lease
    resumed: bool

    @property
    def owner(self) -> str:
        """Who splits it."""
        return self.lease.owner


@dataclass(frozen=True)
class SplitLeases:
    """The leases for splitting in one table; `has_runner`: the image has our runner."""

    store: JobStore
    has_runner: bool = False

    def take(self, job_id: str, owner: str, remaining_ms: int) -> Split | None:
        """Take the lease for an invocation that ends in `remaining_ms`; `None`: nothing to split.

        A message proves that the job's universe is complete, so a job that is still RECEIVING (its
        receiver died, or is about to say QUEUED) becomes QUEUED and listed by this.
        Raises LeaseHeldError and UnknownJobError.
        """
        if self._is_past_splitting(job_id):
            return None
        lease = Lease(self.store, SPLITTING, job_id, owner)
        image = Change({"runner": flag(self.has_runner)})
        before = lease.take(remaining_ms, IS_SPLITTABLE, ACCEPTED + image)
        if before is None:
            if self._is_past_splitting(job_id):
                return None
            raise LeaseHeldError(job_id)
        split = Split(from_item(before), lease, resumed=SPLITTING.owner in before)
        split = self._with_its_universe(split, remaining_ms)
        return split if split.resumed else self._with_its_results(split, remaining_ms)

    def _with_its_universe(self, split: Split, remaining_ms: int) -> Split:
        """Write a universe that came in parts as chunks; raises LeaseHeldError to go on later."""
        deadline = self.store.monotonic() + remaining_ms / 2000
        job = Unpacking(self.store).unpack(split.job, deadline)
        if job is None:
            raise LeaseHeldError(split.job.job_id)
        return replace(split, job=job)

    def _with_its_results(self, split: Split, remaining_ms: int) -> Split:
        """Give a job of an earlier version, of which nothing is submitted, the present layout.

        Its containers will write there. Raises LeaseHeldError when that takes another call.
        """
        if split.job.layout >= LAYOUT:
            return split
        deadline = self.store.monotonic() + remaining_ms / 2000
        if not Migration(self.store).bring_results(split.job, deadline):
            raise LeaseHeldError(split.job.job_id)
        if split.lease.change(Change({"layout": number(LAYOUT)})) is None:
            raise LeaseLostError(split.job.job_id)
        return replace(split, job=replace(split.job, layout=LAYOUT))

    def record(self, split: Split, batch_jobs: tuple[BatchJob, ...]) -> JobRecord:
        """Record what has been submitted so far and return the job as of now.

        Splitting goes on only while the job is QUEUED. Raises LeaseLostError.
        """
        after = split.lease.change(Change({"batch_jobs": batch_jobs_value(batch_jobs)}))
        if after is None:
            raise LeaseLostError(split.job.job_id)
        return from_item(after)

    def finish(self, split: Split) -> None:
        """Make the job SUBMITTED; quiet when it has gone on from there; raises LeaseLostError."""
        submitted = Change(
            {
                "status": text(Status.SUBMITTED),
                "submitted_at": text(timestamp(self.store.clock())),
            }
        )
        if split.lease.change(submitted, IS_QUEUED) is not None:
            return
        # Our own first try may have been the one, when its answer was lost.
        job = self.store.read(split.job.job_id)
        if job is not None and job.status in SPLITTABLE:
            raise LeaseLostError(split.job.job_id)

    def _is_past_splitting(self, job_id: str) -> bool:
        """Read whether a job is past splitting; raises UnknownJobError."""
        job = self.store.read(job_id)
        if job is None:
            raise UnknownJobError(job_id)
        return job.status not in SPLITTABLE
