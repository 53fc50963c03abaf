"""Cancels a job: CANCELLED in the record first, then its Batch jobs are ended.

From the record on nobody submits more of the job: a splitter that is at it finds CANCELLED where it
records what it submitted, and ends that itself; one that died is followed by its message, which
comes again and has the rest ended. A cancel that died is repeated: what is CANCELLED already is
ended once more.
"""

from __future__ import annotations

from dataclasses import dataclass

from batchctl.contract.control import RefusedError
from batchctl.contract.job_record import JobRecord
from batchctl.contract.statuses import Status
from handlers.batch.termination import Terminator
from handlers.store.jobs import JobStore
from handlers.tracking.known_job import known_job
from handlers.tracking.monitor import Monitor, Progress

ROUNDS = 5
"""A job moves on from QUEUED to SUBMITTED to its end: it can't change more often meanwhile."""


@dataclass(frozen=True)
class Canceller:
    """Cancels jobs."""

    store: JobStore
    monitor: Monitor
    terminator: Terminator

    def cancel(self, job_id: str, deadline: float) -> Progress:
        """Cancel a job and return how it stands then; a cancelled one is returned as it is.

        Raises RefusedError (404, 409) for a job that there isn't, or that has ended.
        """
        for _ in range(ROUNDS):
            job = known_job(self.store, job_id)
            progress = self._cancel(job, deadline)
            if progress is not None:
                # What was submitted since the record was read is in the record as it is now.
                self.terminator.terminate_if_called_off(job_id)
                return progress
        raise RefusedError(409, f"job `{job_id}` changes too fast: cancel it again")

    def _cancel(self, job: JobRecord, deadline: float) -> Progress | None:
        """Make the record say CANCELLED; `None` when it has changed meanwhile."""
        (progress,) = self.monitor.refresh([job], deadline)
        if progress.status is Status.CANCELLED:
            return progress
        if progress.finished_at is not None:
            raise RefusedError(409, f"job `{job.job_id}` has ended: it is {progress.status}")
        return self.monitor.cancel(job, progress.counts)
