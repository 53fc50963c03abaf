"""Submits each job to AWS Batch, exactly once.

An invocation may die at any moment, and its message come twice. The lease on the JOB record keeps
two invocations apart; what is submitted is recorded at once; and an invocation that finds the lease
of another looks every Batch job up by its name before it submits it.
"""

from __future__ import annotations

from dataclasses import dataclass

from batchctl.contract.statuses import Status
from handlers.batch.split_lease import Split, SplitLeases
from handlers.batch.submission import Submission
from handlers.batch.termination import Terminator, is_called_off
from handlers.log import logger


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
            now = self.leases.record(split, batch_jobs)
            if now.status is not Status.QUEUED or is_called_off(now):
                logger.info("taken back while it was split", batch_jobs=len(batch_jobs))
                self.terminator.terminate_if_called_off(job.job_id)
                return False
        return True
