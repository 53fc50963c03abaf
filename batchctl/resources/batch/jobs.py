"""The jobs of a queue that have not ended, which stand in the way of deletions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws

# In the order of a job's life: who moves on while they are listed is met again. A parent of an
# array stays PENDING while its children run (AWS Batch User Guide, "Array jobs").
Unfinished = Literal["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"]


def unfinished_summaries(aws: Aws, job_queue: str) -> Iterator[Mapping[str, Any]]:
    """Yield Batch's summary of each unfinished job of a queue (name or ARN), an array job as one.

    A job that moves on meanwhile may come twice. One call for each status and 100 jobs.
    """
    for status in get_args(Unfinished):
        yield from _summaries(aws, job_queue, status)


def _summaries(aws: Aws, job_queue: str, status: Unfinished) -> Iterator[Mapping[str, Any]]:
    pages = aws.batch.get_paginator("list_jobs")
    for page in pages.paginate(jobQueue=job_queue, jobStatus=status):
        yield from page["jobSummaryList"]


def definitions_at_work(aws: Aws) -> frozenset[str]:
    """Return the ARNs of the job definitions (with revision) that unfinished jobs were made from.

    Of every queue of the account: whoever may submit jobs may submit them anywhere.
    """
    found: set[str] = set()
    for page in aws.batch.get_paginator("describe_job_queues").paginate():
        for queue in page["jobQueues"]:
            # A queue that is gone by now has no jobs any more.
            with ignore_missing():
                jobs = unfinished_summaries(aws, queue["jobQueueArn"])
                found.update(job["jobDefinition"] for job in jobs)
                # What lost its machine meanwhile went from RUNNING back to RUNNABLE, unseen (AWS
                # Batch User Guide, "Automated job retries").
                again = _summaries(aws, queue["jobQueueArn"], "RUNNABLE")
                found.update(job["jobDefinition"] for job in again)
    return frozenset(found)
