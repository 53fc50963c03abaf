"""Batch: the job queue, beside the compute environments and job definitions of the other files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from batchctl.aws.batched_reads import BatchedRead
from batchctl.aws.errors import NotReady, ignore_missing
from batchctl.aws.session import Aws
from batchctl.aws.waiting import Pending
from batchctl.resource import Actual, Deployed, Outputs, Properties, Resource, require_owned
from batchctl.resources.batch.definitions import JobDefinition
from batchctl.resources.batch.environments import ComputeEnvironment
from batchctl.resources.batch.jobs import unfinished_summaries
from batchctl.resources.batch.lifecycle import (
    USABLE_WITHIN_S,
    Description,
    only,
    reason_of,
    wait_until_gone,
    wait_until_settled,
    wait_until_valid,
)

__all__ = ["ComputeEnvironment", "JobDefinition", "JobQueue", "unfinished_jobs"]

# Containers have 30 s after SIGTERM; a container that is being started has to start first.
JOBS_END_WITHIN_S = 900.0


@dataclass(frozen=True, kw_only=True)
class JobQueue(Resource[Outputs]):
    """A first-in, first-out queue that tries its compute environments in the order given.

    The order is one of placement: a job that lost its Spot machine is placed from the first
    environment on again (AWS Batch User Guide, "Job queue parameters").
    """

    compute_environments: tuple[ComputeEnvironment, ...]

    kind: ClassVar[str] = "job_queue"
    identity: ClassVar[tuple[str, ...]] = ("jobQueueName",)
    vital: ClassVar[tuple[str, ...]] = ("state", "status")
    batched_reads: ClassVar[tuple[BatchedRead, ...]] = (
        BatchedRead("batch.DescribeJobQueues", "jobQueues", "jobQueues", "jobQueueName"),
    )
    cost: ClassVar[str] = "costs nothing itself; jobs that run are billed as their instances"

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of CreateJobQueue, and the status that it should have."""
        return {
            "jobQueueName": self.physical_name,
            "state": "ENABLED",
            "status": "VALID",
            "priority": 1,
            "computeEnvironmentOrder": [
                {"order": order, "computeEnvironment": deployed[environment].arn}
                for order, environment in enumerate(self.compute_environments, start=1)
            ],
        }

    def foreseen(self, deployed: Deployed) -> Outputs:
        """Return name and ARN, which follows from it (IAM's reference for AWS Batch)."""
        arn = deployed.aws.arn("batch", f"job-queue/{self.physical_name}")
        return Outputs(id=self.physical_name, arn=arn)

    @classmethod
    def read(
        cls, aws: Aws, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Find the queue by name, once Batch is not changing it; None when there is none."""
        name = recorded.id if recorded else str(desired["jobQueueName"])
        found = wait_until_settled(aws, _what(name), partial(_describe, aws, name))
        if found is None:
            return None
        tags = found.get("tags", {})
        require_owned(aws, _what(name), tags)
        notes = (f"INVALID: {reason_of(found)}",) if found["status"] == "INVALID" else ()
        order = sorted(found["computeEnvironmentOrder"], key=lambda each: int(each["order"]))
        return Actual(_outputs(found), {**found, "computeEnvironmentOrder": order}, tags, notes)

    def create(self, aws: Aws, desired: Properties) -> Outputs:
        """Make the queue and wait until it is VALID."""
        parameters = {key: value for key, value in desired.items() if key != "status"}
        aws.batch.create_job_queue(**parameters, tags=aws.tags)
        return _wait_until_valid(aws, str(desired["jobQueueName"]))

    def update(
        self,
        aws: Aws,
        actual: Actual[Outputs],
        desired: Properties,
        changed: Properties,
    ) -> Outputs:
        """Change what differs; an INVALID queue gets its compute environments again."""
        parameters: dict[str, Any] = {key: changed[key] for key in changed if key != "status"}
        if "status" in changed:
            parameters["computeEnvironmentOrder"] = desired["computeEnvironmentOrder"]
        aws.batch.update_job_queue(jobQueue=actual.outputs.arn, **parameters)
        return _wait_until_valid(aws, actual.outputs.id)

    def write_tags(
        self, aws: Aws, outputs: Outputs, tags: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        """Set and remove tags."""
        aws.batch.tag_resource(resourceArn=outputs.arn, tags=tags)
        if removed:
            aws.batch.untag_resource(resourceArn=outputs.arn, tagKeys=removed)

    @classmethod
    def tags_of(cls, aws: Aws, recorded: Outputs) -> Mapping[str, str] | None:
        """Return the tags that it has now; None when it is gone."""
        found = _describe(aws, recorded.arn)
        return None if found is None else found.get("tags", {})

    @classmethod
    def delete(cls, aws: Aws, recorded: Outputs) -> None:
        """Disable the queue, end its jobs and delete it.

        Batch would end the jobs as well, but later: until then they write into the job table. To
        disable what is disabled changes nothing; while something else changes, Batch refuses it,
        and it is tried again.
        """
        what, describe = _what(recorded.id), partial(_describe, aws, recorded.arn)
        with ignore_missing():
            aws.batch.update_job_queue(jobQueue=recorded.arn, state="DISABLED")
            wait_until_settled(aws, what, describe)
            _end_jobs(aws, recorded.arn, what)
            aws.batch.delete_job_queue(jobQueue=recorded.arn)
            wait_until_gone(aws, what, describe)

    @classmethod
    def running(cls, aws: Aws, recorded: Outputs) -> str | None:
        """Say how many of its jobs are unfinished, an array job as one; None for none."""
        with ignore_missing():
            count = len(set(unfinished_jobs(aws, recorded.arn)))
            return f"{count} unfinished {'job' if count == 1 else 'jobs'}" if count else None
        return None


def unfinished_jobs(aws: Aws, job_queue: str) -> Iterator[str]:
    """Give the id of each unfinished job of a queue (name or ARN), an array job as one.

    A job that moves on meanwhile may come twice. One call, or one for each status and 100 jobs.
    """
    return (job["jobId"] for job in unfinished_summaries(aws, job_queue))


def _end_jobs(aws: Aws, job_queue: str, what: str) -> None:
    terminated: set[str] = set()

    def check() -> bool | Pending:
        unfinished = set(unfinished_jobs(aws, job_queue))
        for job_id in sorted(unfinished - terminated):
            aws.batch.terminate_job(jobId=job_id, reason=f"{what} is being deleted")
        terminated.update(unfinished)
        return Pending(f"{len(unfinished)} jobs") if unfinished else True

    aws.wait_until(f"the jobs in {what} to end", check, timeout_s=JOBS_END_WITHIN_S)


def _describe(aws: Aws, name: str) -> Description | None:
    return only(aws.batch.describe_job_queues(jobQueues=[name])["jobQueues"])


def _what(name: str) -> str:
    return f"job queue `{name}`"


def _outputs(found: Description) -> Outputs:
    return Outputs(id=found["jobQueueName"], arn=found["jobQueueArn"])


def _wait_until_valid(aws: Aws, name: str) -> Outputs:
    describe = partial(_describe, aws, name)
    found = wait_until_valid(aws, _what(name), describe, _refuse_invalid, within_s=USABLE_WITHIN_S)
    return _outputs(found)


def _refuse_invalid(found: Description) -> None:
    raise NotReady(
        f"could not use {_what(found['jobQueueName'])}: it is INVALID: {reason_of(found)}",
        hint="fix what the reason says, then run the command again",
    )
