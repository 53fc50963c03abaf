"""Submits a Batch job exactly once, though SubmitJob has no idempotency token.

A Batch job's name follows from the job it belongs to. Whenever an earlier try may have got through
(its answer was lost, or another splitter died), the job is looked up by that name first.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFailedError

from handlers import clients
from handlers.log import logger
from handlers.record import BatchJob, JobRecord, Part, seconds

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.type_defs import SubmitJobRequestTypeDef

TRIES = 5
MAX_LOOKUPS = 3
"""A new job may not be listed at once: so often it is looked for after a lost answer."""

STACK_TAG, JOB_TAG = "batchctl:stack", "batchctl:job"
"""The mark of the stack, by which alone its functions may end a Batch job, and whose job it is."""

CLOCK_SKEW_S = 1.0
THROTTLES = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling"})
"""Batch says TooManyRequestsException with HTTP 429 (AWS Batch API reference, "Common Errors")."""


class NotSubmittedError(Exception):
    """Batch didn't take the job; trying again later may help."""


@dataclass(frozen=True)
class Submission:
    """Submits jobs. `once` never repeats a request; `sleep` takes seconds.

    `queue` is the ARN of the job queue, `queue_on_demand` that of the one that never runs on Spot
    (`None` where there is none: then `queue` takes all); `definition` is a job definition's name,
    which stands for its latest active revision. `stack` is the name that jobs are marked with.
    """

    once: BatchClient
    batch: BatchClient
    queue: str
    definition: str
    sleep: Callable[[float], None]
    stack: str
    queue_on_demand: str | None = None

    def submit(self, job: JobRecord, part: Part) -> BatchJob:
        """Submit a part of a job.

        Raises NotSubmittedError, and ClientError for what Batch refuses for good.
        """
        request = self._request(job, part)
        for attempt in range(TRIES):
            try:
                return _as_batch_job(part, self.once.submit_job(**request)["jobId"])
            except (ClientError, HTTPClientError, ConnectionFailedError) as error:
                if _may_have_arrived(error) and (found := self._look(job, part)) is not None:
                    return found
            self.sleep(_pause(attempt))
        raise NotSubmittedError(part.name)

    def find(self, job: JobRecord, part: Part) -> BatchJob | None:
        """Find a part of a job in Batch by its name; `None` when it was never submitted.

        Batch's filter is case-insensitive (AWS Batch API reference, ListJobs), our names aren't.
        Jobs older than ours belong to an earlier life of the stack: Batch lists them for some days.
        """
        since_ms = (seconds(job.created_at) - CLOCK_SKEW_S) * 1000
        pages = self.batch.get_paginator("list_jobs").paginate(
            jobQueue=self._queue(job), filters=[{"name": "JOB_NAME", "values": [part.name]}]
        )
        found = sorted(
            (summary["createdAt"], summary["jobId"])
            for page in pages
            for summary in page["jobSummaryList"]
            if summary["jobName"] == part.name and summary["createdAt"] >= since_ms
        )
        return _as_batch_job(part, found[0][1]) if found else None

    def _look(self, job: JobRecord, part: Part) -> BatchJob | None:
        """Look for a part whose submission got no answer."""
        logger.warning("no answer to SubmitJob", job_name=part.name)
        for attempt in range(MAX_LOOKUPS):
            self.sleep(2.0**attempt)
            if (found := self.find(job, part)) is not None:
                return found
        return None

    def _request(self, job: JobRecord, part: Part) -> SubmitJobRequestTypeDef:
        request: SubmitJobRequestTypeDef = {
            "jobName": part.name,
            "jobQueue": self._queue(job),
            "jobDefinition": self.definition,
            "tags": self.tags(job),
            "containerOverrides": {
                "environment": [
                    {"name": "BATCHCTL_JOB_ID", "value": job.job_id},
                    {"name": "BATCHCTL_ATTEMPT", "value": str(job.attempt)},
                    {"name": "BATCHCTL_FIRST_TASK", "value": str(part.first_task)},
                    {"name": "BATCHCTL_ITEMS_PER_TASK", "value": str(job.items_per_task)},
                ]
            },
        }
        if job.overrides.memory_mib is not None:
            memory = str(job.overrides.memory_mib)
            request["containerOverrides"]["resourceRequirements"] = [
                {"type": "MEMORY", "value": memory}
            ]
        # An array has 2 children at least (AWS Batch API reference, ArrayProperties).
        if part.tasks > 1:
            request["arrayProperties"] = {"size": part.tasks}
        return request

    def tags(self, job: JobRecord) -> dict[str, str]:
        """Give the tags of a job's Batch jobs; the children of an array have none of their own."""
        return {STACK_TAG: self.stack, JOB_TAG: job.job_id}

    def arn(self, batch_job_id: str) -> str:
        """Give the ARN of a Batch job, which is beside the queue."""
        return f"{self.queue.partition(':job-queue/')[0]}:job/{batch_job_id}"

    def _queue(self, job: JobRecord) -> str:
        return self.queue_on_demand or self.queue if job.overrides.on_demand else self.queue


def submission_of(environment: Mapping[str, str]) -> Submission:
    """Give what submits, as the function's environment describes it."""
    return Submission(
        once=clients.batch_once(),
        batch=clients.batch(),
        queue=environment["JOB_QUEUE"],
        definition=environment["JOB_DEFINITION"],
        sleep=time.sleep,
        stack=environment["STACK"],
        queue_on_demand=environment.get("JOB_QUEUE_ON_DEMAND"),
    )


def _as_batch_job(part: Part, batch_job_id: str) -> BatchJob:
    return BatchJob(batch_job_id, part.first_task, part.tasks)


def _may_have_arrived(error: Exception) -> bool:
    """Tell a lost answer from a throttled request; raises the error when it is a refusal."""
    if not isinstance(error, ClientError):
        return True
    if error.response["Error"]["Code"] in THROTTLES:
        return False
    if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
        raise error
    return True


def _pause(attempt: int) -> float:
    # Jitter is no secret: splitters must only not come back all at once.
    return random.uniform(0.5, 1.0) * min(8.0, 2.0**attempt / 2)  # noqa: S311
