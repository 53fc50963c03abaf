"""Ends the Batch jobs of a job that was cancelled, whoever comes to know of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.log import logger
from handlers.reasons import CANCELLED
from handlers.record import BatchJob, JobRecord, Status, cut
from handlers.submission import Submission
from handlers.table import JobTable

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient


@dataclass(frozen=True)
class Stopper:
    """Ends Batch jobs."""

    jobs: JobTable
    submission: Submission
    batch: BatchClient

    def stop_if_cancelled(self, job_id: str) -> None:
        """End the Batch jobs of a job if it is CANCELLED; quiet when they have ended."""
        job = self.jobs.read(job_id)
        if job is not None and job.status is Status.CANCELLED:
            self.stop(job)

    def stop(self, job: JobRecord) -> None:
        """End the Batch jobs of a job for good, queued and running children alike.

        A splitter may have submitted one more than it lived to record: that is looked for by name.
        """
        for batch_job in (*job.batch_jobs, *self._unrecorded(job)):
            # Of an array job all children are ended (AWS Batch API reference, TerminateJob), and
            # one that has ended stays as it is.
            self.batch.terminate_job(jobId=batch_job.id, reason=CANCELLED)
            logger.info("terminated", batch_job=batch_job.id)

    def _unrecorded(self, job: JobRecord) -> list[BatchJob]:
        following = cut(job)[len(job.batch_jobs) :][:1]
        found = (self.submission.find(job, part) for part in following)
        return [batch_job for batch_job in found if batch_job is not None]
