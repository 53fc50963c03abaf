"""Submits a Batch job exactly once, though SubmitJob has no idempotency token.

A Batch job's name follows from the job it belongs to, and a tag has the job's token. Whenever an
earlier try may have got through (its answer was lost, or another splitter died), the job is looked
up by that name and token first: no clock says which job is meant.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFailedError

from batchctl.contract.batch_jobs import BatchJob, BatchJobSpec
from batchctl.contract.environment import Container
from batchctl.contract.job_record import JobRecord
from batchctl.contract.slices import attempt_s
from batchctl.contract.timestamps import seconds
from handlers.batch.descriptions import describe
from handlers.log import logger

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient
    from mypy_boto3_batch.type_defs import SubmitJobRequestTypeDef

TRIES = 5
MAX_LOOKUPS = 3
"""A new job may not be listed at once: so often it is looked for after a lost answer."""

STACK_TAG, JOB_TAG = "batchctl:stack", "batchctl:job"
"""The mark of the stack, by which alone its functions may end a Batch job, and whose job it is."""

SUBMISSION_TAG = "batchctl:submission"
"""The job's token: an earlier job with the same job_id had another one."""

DERIVED_SHARES = 400
"""AWS Batch User Guide, "Fair-share scheduling policies": 500 share identifiers may be active. So
many are for jobs that ask for none; two jobs seldom have the same."""

CLOCK_SKEW_S = 1.0
THROTTLES = frozenset({"TooManyRequestsException", "ThrottlingException", "Throttling"})
"""Batch says TooManyRequestsException with HTTP 429 (AWS Batch API reference, "Common Errors")."""


class NotSubmittedError(Exception):
    """Batch didn't take the job; trying again later may help."""


@dataclass(frozen=True)
class TaskSettings:
    """What the tasks are given: seconds for an item, and how many items they work on at once.

    `has_runner`: the image has our runner, which sees to an item's time. `has_shares`: the queue
    has a scheduling policy, and wants a share for each job.
    """

    item_timeout_s: int | None = None
    processes: int = 1
    has_runner: bool = False
    has_shares: bool = False

    def attempt_s(self, items_per_task: int) -> int | None:
        """Return after how many seconds Batch is to end a task; `None`: as its definition says."""
        if self.item_timeout_s is None or not self.has_runner:
            return None
        return attempt_s(items_per_task, self.processes, self.item_timeout_s)


AS_DEFINED = TaskSettings()


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
    tasks: TaskSettings = AS_DEFINED

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
        """Find a Batch job of a job by name and token; `None` when it was never submitted.

        Batch's filter is case-insensitive (AWS Batch API reference, ListJobs), our names aren't.
        Others of that name belong to an earlier life of the stack: Batch lists them for some days.
        """
        pages = self.batch.get_paginator("list_jobs").paginate(
            jobQueue=self._queue(job), filters=[{"name": "JOB_NAME", "values": [spec.name]}]
        )
        named = sorted(
            (summary["createdAt"], summary["jobId"])
            for page in pages
            for summary in page["jobSummaryList"]
            if summary["jobName"] == spec.name
        )
        found = self._marked(job, [batch_job_id for _, batch_job_id in named])
        if job.token is None:  # of a version without tokens: by the time of its submission
            since_ms = (seconds(job.created_at) - CLOCK_SKEW_S) * 1000
            found = [batch_job_id for created, batch_job_id in named if created >= since_ms]
        return spec.submitted_as(found[0]) if found else None

    def _marked(self, job: JobRecord, ids: list[str]) -> list[str]:
        """Return those of the Batch jobs that carry the job's token."""
        if job.token is None:
            return []
        known = describe(self.batch, ids)
        tokens = {each: known[each].get("tags", {}).get(SUBMISSION_TAG) for each in known}
        return [each for each in ids if tokens.get(each) == job.token]

    def _find_late(self, job: JobRecord, spec: BatchJobSpec) -> BatchJob | None:
        """Look for a Batch job whose submission got no answer."""
        logger.warning("no answer to SubmitJob", job_name=spec.name)
        for tried in range(MAX_LOOKUPS):
            self.sleep(2.0**tried)
            if (found := self.find(job, spec)) is not None:
                return found
        return None

    def _request(self, job: JobRecord, spec: BatchJobSpec) -> SubmitJobRequestTypeDef:
        limit_s = self.tasks.attempt_s(spec.items_per_task)
        request: SubmitJobRequestTypeDef = {
            "jobName": spec.name,
            "jobQueue": self._queue(job),
            "jobDefinition": self.definition,
            "tags": self.tags(job),
            "containerOverrides": {
                "environment": [
                    {"name": name, "value": str(value)}
                    for name, value in self._variables(job, spec, limit_s)
                ]
            },
        }
        if limit_s is not None:
            request["timeout"] = {"attemptDurationSeconds": limit_s}
        if self.tasks.has_shares:
            request["shareIdentifier"] = share_identifier(job)
            request["schedulingPriorityOverride"] = job.priority or 0
        if job.overrides.memory_mib is not None:
            memory = str(job.overrides.memory_mib)
            request["containerOverrides"]["resourceRequirements"] = [
                {"type": "MEMORY", "value": memory}
            ]
        # An array has 2 children at least (AWS Batch API reference, ArrayProperties).
        if spec.tasks > 1:
            request["arrayProperties"] = {"size": spec.tasks}
        return request

    def _variables(
        self, job: JobRecord, spec: BatchJobSpec, limit_s: int | None
    ) -> Iterator[tuple[str, str | int]]:
        """Yield the variables of the container that are the Batch job's."""
        yield Container.JOB_ID, job.job_id
        yield Container.RUN, job.run
        yield Container.FIRST_TASK, spec.first_task
        yield Container.FIRST_ITEM, spec.first_item
        yield Container.ITEMS_PER_TASK, spec.items_per_task
        yield Container.ITEMS_PER_CHUNK, job.items_per_chunk_of(job.run)
        if limit_s is not None:
            yield Container.ATTEMPT_S, limit_s

    def tags(self, job: JobRecord) -> dict[str, str]:
        """Return the tags of a job's Batch jobs; the children of arrays have none of their own."""
        token = {} if job.token is None else {SUBMISSION_TAG: job.token}
        return {STACK_TAG: self.stack, JOB_TAG: job.job_id, **token}

    def arn(self, batch_job_id: str) -> str:
        """Return the ARN of a Batch job, which is beside the queue."""
        return f"{self.queue.partition(':job-queue/')[0]}:job/{batch_job_id}"

    def _queue(self, job: JobRecord) -> str:
        return self.queue_on_demand or self.queue if job.overrides.on_demand else self.queue


def share_identifier(job: JobRecord) -> str:
    """Return the share of the queue that a job counts for: as it asks, or one of its own.

    Batch takes letters and digits alone (AWS Batch API reference, SubmitJob).
    """
    asked = re.sub(r"[^A-Za-z0-9]", "", job.share or "")
    if asked:
        return asked
    digest = hashlib.sha256(job.job_id.encode()).digest()
    return f"j{int.from_bytes(digest[:4]) % DERIVED_SHARES:03d}"


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
