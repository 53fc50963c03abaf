"""Submits a Batch job exactly once, though SubmitJob has no idempotency token.

A Batch job's name follows from the job it belongs to. Whenever an earlier try may have got through
(its answer was lost, or another splitter died), the job is looked up by that name first.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFailedError

from batchctl.contract.batch_jobs import BatchJob, BatchJobSpec
from batchctl.contract.environment import Container
from batchctl.contract.job_record import JobRecord
from batchctl.contract.timestamps import seconds
from handlers.log import logger

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

    def submit(self, job: JobRecord, spec: BatchJobSpec) -> BatchJob:
        """Submit a Batch job of a job.

        Raises NotSubmittedError, and ClientError for what Batch refuses for good.
        """
        request = self._request(job, spec)
        for tried in range(TRIES):
            try:
                return spec.submitted_as(self.once.submit_job(**request)["jobId"])
            except (ClientError, HTTPClientError, ConnectionFailedError) as error:
                if _may_have_arrived(error) and (found := self._find_late(job, spec)) is not None:
                    return found
            self.sleep(_pause(tried))
        raise NotSubmittedError(spec.name)

    def find(self, job: JobRecord, spec: BatchJobSpec) -> BatchJob | None:
        """Find a Batch job of a job by its name; `None` when it was never submitted.

        Batch's filter is case-insensitive (AWS Batch API reference, ListJobs), our names aren't.
        Jobs older than ours belong to an earlier life of the stack: Batch lists them for some days.
        """
        since_ms = (seconds(job.created_at) - CLOCK_SKEW_S) * 1000
        pages = self.batch.get_paginator("list_jobs").paginate(
            jobQueue=self._queue(job), filters=[{"name": "JOB_NAME", "values": [spec.name]}]
        )
        found = sorted(
            (summary["createdAt"], summary["jobId"])
            for page in pages
            for summary in page["jobSummaryList"]
            if summary["jobName"] == spec.name and summary["createdAt"] >= since_ms
        )
        return spec.submitted_as(found[0][1]) if found else None

    def _find_late(self, job: JobRecord, spec: BatchJobSpec) -> BatchJob | None:
        """Look for a Batch job whose submission got no answer."""
        logger.warning("no answer to SubmitJob", job_name=spec.name)
        for tried in range(MAX_LOOKUPS):
            self.sleep(2.0**tried)
            if (found := self.find(job, spec)) is not None:
                return found
        return None

    def _request(self, job: JobRecord, spec: BatchJobSpec) -> SubmitJobRequestTypeDef:
        request: SubmitJobRequestTypeDef = {
            "jobName": spec.name,
            "jobQueue": self._queue(job),
            "jobDefinition": self.definition,
            "tags": self.tags(job),
            "containerOverrides": {
                "environment": [
                    {"name": Container.JOB_ID, "value": job.job_id},
                    {"name": Container.RUN, "value": str(job.run)},
                    {"name": Container.FIRST_TASK, "value": str(spec.first_task)},
                    {"name": Container.ITEMS_PER_TASK, "value": str(job.items_per_task)},
                ]
            },
        }
        if job.overrides.memory_mib is not None:
            memory = str(job.overrides.memory_mib)
            request["containerOverrides"]["resourceRequirements"] = [
                {"type": "MEMORY", "value": memory}
            ]
        # An array has 2 children at least (AWS Batch API reference, ArrayProperties).
        if spec.tasks > 1:
            request["arrayProperties"] = {"size": spec.tasks}
        return request

    def tags(self, job: JobRecord) -> dict[str, str]:
        """Return the tags of a job's Batch jobs; the children of arrays have none of their own."""
        return {STACK_TAG: self.stack, JOB_TAG: job.job_id}

    def arn(self, batch_job_id: str) -> str:
        """Return the ARN of a Batch job, which is beside the queue."""
        return f"{self.queue.partition(':job-queue/')[0]}:job/{batch_job_id}"

    def _queue(self, job: JobRecord) -> str:
        return self.queue_on_demand or self.queue if job.overrides.on_demand else self.queue


def _may_have_arrived(error: Exception) -> bool:
    """Whether the answer was lost, not the request throttled; raises a refusal."""
    if not isinstance(error, ClientError):
        return True
    if error.response["Error"]["Code"] in THROTTLES:
        return False
    if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
        raise error
    return True


def _pause(tried: int) -> float:
    # Jitter is no secret: splitters must only not come back all at once.
    return random.uniform(0.5, 1.0) * min(8.0, 2.0**tried / 2)  # noqa: S311
