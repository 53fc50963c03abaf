"""Another run of a job that has ended: what has no success is done again, what has stays.

The call may die anywhere and be repeated. It takes the lease on the job, writes the universe of the
run, deletes the failures, makes the record QUEUED as that run, and sends its message: only the
record makes the run, and only once. What came before is done again by the repeated call, the
message is sent again by it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from batchctl.contract.control import RefusedError, Request
from batchctl.contract.job_record import JobRecord
from batchctl.contract.limits import MAX_RUNS
from batchctl.contract.retention import DAY_S, RETRY_DAYS, items_expiry
from batchctl.contract.statuses import RETRIABLE, Status
from batchctl.contract.table import LAYOUT
from handlers.batch.messages import Messages
from handlers.batch.termination import Terminator
from handlers.store.jobs import JobStore
from handlers.store.migration import Migration
from handlers.store.unpacking import Unpacking
from handlers.tracking.known_job import known_job
from handlers.tracking.monitor import Monitor
from handlers.tracking.next_run import NextUniverse, prepare
from handlers.tracking.retry_lease import RetryLeases


@dataclass(frozen=True)
class Invocation:
    """An invocation: its id, and the milliseconds that it has at most."""

    id: str
    remaining_ms: int


@dataclass(frozen=True)
class Retrier:
    """Makes runs."""

    store: JobStore
    monitor: Monitor
    terminator: Terminator
    messages: Messages
    has_on_demand: bool

    def retry(self, request: Request, invocation: Invocation, deadline: float) -> JobRecord:
        """Make another run of a job, or finish making it; return the record.

        Raises RefusedError: 404 for no such job, 409 for one that hasn't ended or has nothing to
        do again, 400 for what isn't there.
        """
        if request.overrides.on_demand and not self.has_on_demand:
            raise RefusedError(
                400, "there are no machines on demand: set `compute.on_demand_fallback: true`"
            )
        job = known_job(self.store, request.job_id)
        self.monitor.refresh([job], deadline)  # whose end nobody has recorded yet has one now
        job = known_job(self.store, request.job_id)
        if not self._is_waiting(job):
            self._check(job)
            job = self._make(job, request, invocation, deadline)
        self.messages.send(job.job_id)
        return job

    def _is_waiting(self, job: JobRecord) -> bool:
        """Whether nothing of a run is submitted: its message may never have been sent, or is lost.

        Of the first run it has been sent; it may be lost after some time alone.
        """
        if job.status is not Status.QUEUED or job.batch_jobs:
            return False
        return job.run > 1 or self.store.may_be_lost(job)

    def _check(self, job: JobRecord) -> None:
        if job.status not in RETRIABLE:
            what = (
                "every item has succeeded" if job.status is Status.SUCCEEDED else "it hasn't ended"
            )
            raise RefusedError(409, f"job `{job.job_id}` is {job.status}: {what}")
        if job.run >= MAX_RUNS:
            raise RefusedError(409, f"job `{job.job_id}` has had {job.run} attempts")
        expires_at = items_expiry(job.expires_at)
        if expires_at is not None and expires_at - self.store.clock() < RETRY_DAYS * DAY_S:
            raise RefusedError(
                409,
                f"job `{job.job_id}` is too old: within {RETRY_DAYS} days it will be deleted, as "
                "`job_table.keep_days` says; submit what is left of it as a new job",
            )

    def _make(
        self, job: JobRecord, request: Request, invocation: Invocation, deadline: float
    ) -> JobRecord:
        """Make the next run, alone: others are kept out until this call is over."""
        leases = RetryLeases(self.store)
        job = leases.take(job, invocation.id, invocation.remaining_ms)
        try:
            if job.status is Status.CANCELLED:
                self.terminator.terminate(job)
            job = self._with_its_results(self._with_its_universe(job, deadline), deadline)
            return leases.start(
                job, invocation.id, self._universe(job, request.items), request.overrides
            )
        except Exception:
            leases.release(job, invocation.id)
            raise

    def _universe(self, job: JobRecord, only: Collection[str]) -> NextUniverse:
        universe = prepare(
            self.store, job, lambda end: end is None or not end.has_succeeded, frozenset(only)
        )
        if not universe.items:
            raise RefusedError(409, f"every item of job `{job.job_id}` has succeeded")
        return universe

    def _with_its_universe(self, job: JobRecord, deadline: float) -> JobRecord:
        """Write the universe of a job that was never split as chunks, where it came in parts."""
        unpacked = Unpacking(self.store).unpack(job, deadline)
        if unpacked is None:
            raise RefusedError(409, f"job `{job.job_id}` is being prepared: ask again")
        return unpacked

    def _with_its_results(self, job: JobRecord, deadline: float) -> JobRecord:
        """Bring the results of a job to where they are read from; those that Batch knows, too."""
        done = Migration(self.store).bring_results(job, deadline)
        job = replace(job, layout=LAYOUT)
        if done and job.status is Status.CANCELLED:
            done = self.monitor.failures.record_successes(job, deadline)
        if not done:
            raise RefusedError(409, f"job `{job.job_id}` is being prepared: ask again")
        return job
