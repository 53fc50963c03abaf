"""Another attempt at a job that has ended: what has no success is done again, what has stays.

The call may die anywhere and be repeated. It claims the job, writes the universe of the attempt,
deletes the failures, makes the record QUEUED as that attempt, and sends its message: only the
record makes the attempt, and only once. What came before is done again by the repeated call, the
message is sent again by it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.batch.termination import Stopper
from handlers.commands import Command, RefusedError, known_job
from handlers.keeping import DAY_S, RETRY_DAYS, items_expiry
from handlers.record import MOST_ATTEMPTS, RESULT_PREFIX, JobRecord, Status, key
from handlers.store.batch_write import Writer
from handlers.store.jobs import JobTable
from handlers.store.results import Results
from handlers.store.universe import Universe
from handlers.tracking.monitor import Monitor
from handlers.tracking.retry_lease import ClaimTable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

RETRIABLE = (Status.FAILED, Status.CANCELLED)


@dataclass(frozen=True)
class Call:
    """The call that retries: its id, and the milliseconds that it has at most."""

    id: str
    remaining_ms: int


@dataclass(frozen=True)
class Retrier:
    """Makes attempts."""

    jobs: JobTable
    claims: ClaimTable
    monitor: Monitor
    results: Results
    universe: Universe
    stopper: Stopper
    sqs: SQSClient
    queue_url: str
    has_on_demand: bool

    def retry(self, command: Command, call: Call, deadline: float) -> JobRecord:
        """Make another attempt at a job, or finish making it; gives the record.

        Raises RefusedError: 404 for no such job, 409 for one that hasn't ended or has nothing to
        do again, 400 for what isn't there.
        """
        if command.overrides.on_demand and not self.has_on_demand:
            raise RefusedError(
                400, "there are no machines on demand: set `compute.on_demand_fallback: true`"
            )
        job = known_job(self.jobs, command.job_id)
        self.monitor.look([job], deadline)  # whose end nobody has recorded yet has one now
        job = known_job(self.jobs, command.job_id)
        if not self._is_being_made(job):
            self._check(job)
            job = self._make(job, command, call)
        self.sqs.send_message(
            QueueUrl=self.queue_url, MessageBody=json.dumps({"job_id": job.job_id})
        )
        return job

    def _is_being_made(self, job: JobRecord) -> bool:
        """Tell an attempt of which nothing is submitted: its message may never have been sent."""
        return job.status is Status.QUEUED and job.attempt > 1 and not job.batch_jobs

    def _check(self, job: JobRecord) -> None:
        if job.status not in RETRIABLE:
            what = (
                "every item has succeeded" if job.status is Status.SUCCEEDED else "it hasn't ended"
            )
            raise RefusedError(409, f"job `{job.job_id}` is {job.status}: {what}")
        if job.attempt >= MOST_ATTEMPTS:
            raise RefusedError(409, f"job `{job.job_id}` has had {job.attempt} attempts")
        expires_at = items_expiry(job.expires_at)
        if expires_at is not None and expires_at - self.jobs.clock() < RETRY_DAYS * DAY_S:
            raise RefusedError(
                409,
                f"job `{job.job_id}` is too old: within {RETRY_DAYS} days it will be deleted, as "
                "`job_table.keep_days` says; submit what is left of it as a new job",
            )

    def _make(self, job: JobRecord, command: Command, call: Call) -> JobRecord:
        """Make the next attempt, alone: others are kept out until this call is over."""
        job = self.claims.claim(job, call.id, call.remaining_ms)
        try:
            if job.status is Status.CANCELLED:
                self.stopper.stop(job)
            items = self._prepare(job)
            return self.claims.start(job, call.id, items, command.overrides)
        except Exception:
            self.claims.drop(job, call.id)
            raise

    def _prepare(self, job: JobRecord) -> int:
        """Write the universe of the next attempt and clear the way; gives how many items it has."""
        statuses = dict(self.results.statuses(job.job_id))
        items = [
            item
            for item in self.universe.read(job.job_id)
            if statuses.get(item) != Status.SUCCEEDED
        ]
        if not items:
            raise RefusedError(409, f"every item of job `{job.job_id}` has succeeded")
        self.universe.write(job.job_id, items, job.attempt + 1, items_expiry(job.expires_at))
        # Each once, as BatchWriteItem takes it (DynamoDB API reference).
        failed = dict.fromkeys(item for item in items if item in statuses)
        self._delete_results(job.job_id, list(failed))
        return len(items)

    def _delete_results(self, job_id: str, items: list[str]) -> None:
        """Delete failures: from then on a failure is one of the new attempt."""
        Writer(self.universe.client, self.universe.table, self.universe.sleep).write(
            len(items),
            lambda number: {"DeleteRequest": {"Key": key(job_id, RESULT_PREFIX + items[number])}},
        )
