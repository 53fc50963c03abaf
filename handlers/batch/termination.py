"""Ends the Batch jobs of a job that was cancelled, or ended by a limit of its own.

A function may end a Batch job that carries the stack's mark, and no other. Jobs that were submitted
before there was a mark have none: JobSplitter, which submits jobs, may mark them, JobTracker may
not. So the tracker sends the job's message again, and the splitter marks and ends what is left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from batchctl.contract.batch_jobs import CANCELLED, DOUBLED, ENDED, BatchJob
from batchctl.contract.job_record import JobRecord
from batchctl.contract.statuses import FINAL, Status
from handlers.batch.messages import Messages
from handlers.batch.submission import Submission
from handlers.log import logger
from handlers.store.jobs import JobStore

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

DENIED, FORGOTTEN = "AccessDeniedException", "ClientException"
"""AWS Batch API reference, "Common Errors", and TagResource for a job that it keeps no longer."""

TRIES = 6
"""A new tag may not decide at once whether a job may be ended: so often it is tried, in 31 s."""

Unmarked = Callable[[JobRecord, BatchJob], None]
"""What is done about a Batch job that may not be ended."""


@dataclass(frozen=True)
class Terminator:
    """Ends Batch jobs; `unmarked` is for those that it may not end."""

    store: JobStore
    submission: Submission
    batch: BatchClient
    unmarked: Unmarked

    def terminate_if_called_off(self, job_id: str) -> None:
        """End the Batch jobs of a job that is CANCELLED, or over its limit; quiet when they have.

        One that a limit has ended is FAILED as soon as they have ended.
        """
        job = self.store.read(job_id)
        if job is not None and is_called_off(job):
            self.terminate(job)

    def terminate(self, job: JobRecord) -> None:
        """End the Batch jobs of a job for good, queued and running children alike.

        A splitter may have submitted one more than it lived to record: that is looked for by name.
        """
        for batch_job in (*job.batch_jobs, *self._unrecorded(job)):
            if not terminated(self.batch, batch_job, why(job)):
                self.unmarked(job, batch_job)

    def terminate_doubled(self, job: JobRecord, batch_job: BatchJob) -> None:
        """End a Batch job of which the record of its job has another one."""
        if not terminated(self.batch, batch_job, DOUBLED):
            self.unmarked(job, batch_job)

    def _unrecorded(self, job: JobRecord) -> list[BatchJob]:
        following = job.batch_job_specs[len(job.batch_jobs) :][:1]
        found = (self.submission.find(job, spec) for spec in following)
        return [batch_job for batch_job in found if batch_job is not None]


def is_called_off(job: JobRecord) -> bool:
    """Whether nothing more of a job is to run."""
    return job.status is Status.CANCELLED or (job.reason is not None and job.status not in FINAL)


def why(job: JobRecord) -> str:
    """Return the reason given to TerminateJob, which Batch shows as the jobs' status reason."""
    return CANCELLED if job.status is Status.CANCELLED else ENDED


def terminated(batch: BatchClient, batch_job: BatchJob, reason: str) -> bool:
    """End a Batch job; `False` when that isn't allowed, as it isn't (yet) known to be ours.

    Of an array job all children are ended (AWS Batch API reference, TerminateJob), and one that has
    ended stays as it is.
    """
    try:
        batch.terminate_job(jobId=batch_job.id, reason=reason)
    except ClientError as error:
        if error.response["Error"]["Code"] != DENIED:
            raise
        return False
    logger.info("terminated", batch_job=batch_job.id)
    return True


@dataclass(frozen=True)
class Marker:
    """Marks a Batch job of ours that has no mark, and ends it."""

    submission: Submission
    batch: BatchClient

    def __call__(self, job: JobRecord, batch_job: BatchJob) -> None:
        """Mark and end a Batch job; quiet when Batch has forgotten it.

        Raises ClientError when it may not be marked, or not be ended even then.
        """
        try:
            self.batch.tag_resource(
                resourceArn=self.submission.arn(batch_job.id), tags=self.submission.tags(job)
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != FORGOTTEN:
                raise
            logger.info("forgotten by Batch", batch_job=batch_job.id)
            return
        logger.info("marked", batch_job=batch_job.id)
        for tried in range(TRIES - 1):
            if terminated(self.batch, batch_job, why(job)):
                return
            self.submission.sleep(2.0**tried)
        self.batch.terminate_job(jobId=batch_job.id, reason=why(job))


@dataclass(frozen=True)
class HandOver:
    """Leaves a Batch job to JobSplitter, by the job's message."""

    messages: Messages

    def __call__(self, job: JobRecord, batch_job: BatchJob) -> None:
        """Send the message of a cancelled job."""
        logger.info("left to the splitter", batch_job=batch_job.id)
        self.messages.send(job.job_id)
