"""The jobs of a queue that have not ended, which stand in the way of deletions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws

if TYPE_CHECKING:
    from mypy_boto3_batch.type_defs import KeyValuesPairTypeDef

# In the order of a job's life: who moves on while they are listed is met again. A parent of an
# array stays PENDING while its children run (AWS Batch User Guide, "Array jobs").
Unfinished = Literal["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"]
UNFINISHED: tuple[Unfinished, ...] = get_args(Unfinished)
RUNNABLE: Unfinished = "RUNNABLE"
# AWS Batch API Reference, ListJobs: with a filter the status is ignored, and a page has up to 100
# jobs. Milliseconds since 1970; AWS Batch is younger than this.
EVER: KeyValuesPairTypeDef = {"name": "AFTER_CREATED_AT", "values": ["1000000000000"]}


def unfinished_summaries(aws: Aws, job_queue: str) -> Iterator[Mapping[str, Any]]:
    """Yield Batch's summary of each unfinished job of a queue (name or ARN), an array job as one.

    A job that moves on meanwhile may come twice. One call where the queue has had no more than 100
    jobs in Batch's memory, finished ones included: a filter has no regard for statuses, and so one
    answer misses no job that moves on. Else one call for each status and 100 jobs, in the order of
    a job's life, never at the same time.
    """
    answer = aws.batch.list_jobs(jobQueue=job_queue, filters=[EVER])
    if not answer.get("nextToken"):
        yield from (job for job in answer["jobSummaryList"] if job["status"] in UNFINISHED)
        return
    # What lost its machine meanwhile went from RUNNING back to RUNNABLE, unseen (AWS Batch User
    # Guide, "Automated job retries").
    for status in (*UNFINISHED, RUNNABLE):
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
    return frozenset(found)
