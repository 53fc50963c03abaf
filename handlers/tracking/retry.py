"""Another run of a job that has ended: what has no success is done again, what has stays.

The call may die anywhere and be repeated. It takes the lease on the job, writes the universe of the
run, deletes the failures, makes the record QUEUED as that run, and sends its message: only the
record makes the run, and only once. What came before is done again by the repeated call, the
message is sent again by it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchctl.contract.control import RefusedError, Request
from batchctl.contract.job_record import JobRecord
from batchctl.contract.limits import MAX_RUNS
from batchctl.contract.retention import DAY_S, RETRY_DAYS, items_expiry
from batchctl.contract.statuses import RETRIABLE, ItemStatus, Status
from handlers.batch.termination import Terminator
from handlers.store.jobs import JobStore
from handlers.tracking.known_job import known_job
from handlers.tracking.monitor import Monitor
from handlers.tracking.retry_lease import RetryLeases

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


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
    sqs: SQSClient
    queue_url: str
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
        if not self._is_being_made(job):
            self._check(job)
            job = self._make(job, request, invocation)
        self.sqs.send_message(
            QueueUrl=self.queue_url, MessageBody=json.dumps({"job_id": job.job_id})
        )
        return job

    def _is_being_made(self, job: JobRecord) -> bool:
        """Whether nothing of a run is submitted: its message may never have been sent."""
        return job.status is Status.QUEUED and job.run > 1 and not job.batch_jobs

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

    def _make(self, job: JobRecord, request: Request, invocation: Invocation) -> JobRecord:
        """Make the next run, alone: others are kept out until this call is over."""
        leases = RetryLeases(self.store)
        job = leases.take(job, invocation.id, invocation.remaining_ms)
        try:
            if job.status is Status.CANCELLED:
                self.terminator.terminate(job)
            items = self._prepare(job)
            return leases.start(job, invocation.id, items, request.overrides)
        except Exception:
            leases.release(job, invocation.id)
            raise

    def _prepare(self, job: JobRecord) -> int:
        """Write the universe of the next run and clear the way; return how many items it has."""
        statuses = dict(self.store.results.statuses(job.job_id))
        items = [
            item
            for item in self.store.universe.read(job.job_id)
            if statuses.get(item) is not ItemStatus.SUCCEEDED
        ]
        if not items:
            raise RefusedError(409, f"every item of job `{job.job_id}` has succeeded")
        expires_at = items_expiry(job.expires_at)
        self.store.universe.write(job.job_id, items, job.run + 1, expires_at)
        # Each once, as BatchWriteItem takes it (DynamoDB API reference).
        failed = dict.fromkeys(item for item in items if item in statuses)
        # From then on a failure is one of the new run.
        self.store.results.delete(job.job_id, list(failed))
        return len(items)
