"""Submits each job to AWS Batch, exactly once.

An invocation may die at any moment, and its message come twice. The lease on the JOB record keeps
two invocations apart; what is submitted is recorded at once; and an invocation that finds the lease
of another looks every Batch job up by its name before it submits it.
"""

from __future__ import annotations

from dataclasses import dataclass

from batchctl.contract.batch_jobs import BatchJob
from batchctl.contract.job_record import JobRecord
from batchctl.contract.statuses import Status
from handlers.batch.split_lease import LeaseLostError, Split, SplitLeases
from handlers.batch.submission import Submission
from handlers.batch.termination import Terminator, is_called_off
from handlers.log import logger

RECORDED_AFTER_S = (1.0, 2.0, 4.0)
"""What another splitter has submitted is in the record within so many seconds, one after another.
"""


@dataclass(frozen=True)
class Splitter:
    """Submits jobs under a lease."""

    leases: SplitLeases
    submission: Submission
    terminator: Terminator

    def split(self, job_id: str, owner: str, remaining_ms: int) -> None:
        """Submit what is left of a job, for an invocation `owner` that ends in `remaining_ms`.

        Does nothing when the job is past that (submitted, ended). Of one that was cancelled, or
        that a limit of its own has ended, it ends what was submitted.
        """
        split = self.leases.take(job_id, owner, remaining_ms)
        if split is None:
            logger.info("nothing to split")
            self.terminator.terminate_if_called_off(job_id)
            return
        if is_called_off(split.job):
            self.terminator.terminate(split.job)
            return
        if self._submit_rest(split):
            self.leases.finish(split)
            logger.info("submitted", tasks=split.job.tasks)

    def _submit_rest(self, split: Split) -> bool:
        """Submit the Batch jobs that aren't recorded; `False` when the job was taken back."""
        job, batch_jobs = split.job, split.job.batch_jobs
        for spec in job.batch_job_specs[len(batch_jobs) :]:
            found = self.submission.find(job, spec) if split.resumed else None
            batch_jobs = (*batch_jobs, found or self.submission.submit(job, spec))
            now = self._record(split, batch_jobs)
            if now.status is not Status.QUEUED or is_called_off(now):
                logger.info("taken back while it was split", batch_jobs=len(batch_jobs))
                self.terminator.terminate_if_called_off(job.job_id)
                return False
        return True

    def _record(self, split: Split, batch_jobs: tuple[BatchJob, ...]) -> JobRecord:
        try:
            return self.leases.record(split, batch_jobs)
        except LeaseLostError:
            self._end_if_doubled(split.job, batch_jobs)
            raise

    def _end_if_doubled(self, job: JobRecord, batch_jobs: tuple[BatchJob, ...]) -> None:
        """End the last one submitted if another splitter has submitted that part of the job, too.

        Ours was on its way for longer than our lease, say, and it looked before that was there.
        What it has submitted it records soon.
        """
        ours, place = batch_jobs[-1], len(batch_jobs) - 1
        for pause_s in RECORDED_AFTER_S:
            present = self.leases.store.read(job.job_id)
            if present is None or present.run != job.run:
                return
            if len(present.batch_jobs) > place:
                if present.batch_jobs[place].id != ours.id:
                    self.terminator.terminate_doubled(job, ours)
                return
            self.submission.sleep(pause_s)
