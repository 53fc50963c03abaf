"""Batch: the job queue, beside the compute environments and job definitions of the other files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from batchctl.aws.batched_reads import BatchedRead
from batchctl.aws.concurrently import concurrently
from batchctl.aws.errors import NotReady, code_of, ignore_missing, is_missing
from batchctl.aws.session import Aws
from batchctl.aws.waiting import Pending
from batchctl.resource import Actual, Deployed, Group, Outputs, Properties, Resource
from batchctl.resource import grants as conditions
from batchctl.resource.grants import Grant
from batchctl.resources.batch.definitions import JobDefinition
from batchctl.resources.batch.environments import ComputeEnvironment
from batchctl.resources.batch.jobs import unfinished_summaries
from batchctl.resources.batch.lifecycle import (
    USABLE_WITHIN_S,
    Description,
    only,
    read_settled,
    reason_of,
    wait_until_gone,
    wait_until_settled,
    wait_until_valid,
)
from batchctl.resources.batch.scheduling_policies import SchedulingPolicy
from batchctl.resources.batch.tags import Tagged

__all__ = [
    "ComputeEnvironment",
    "JobDefinition",
    "JobQueue",
    "SchedulingPolicy",
    "arns_of_generations",
    "unfinished_jobs",
]

FAIR_SHARE = "fair share"
# What CreateJobQueue doesn't take.
OURS = frozenset({"status", "scheduling"})
# Containers have 30 s after SIGTERM; a container that is being started has to start first.
JOBS_END_WITHIN_S = 900.0


QUEUES = ("job-queue/{stack}-*",)
# AWS Batch checks both calls on what a queue refers to, too.
BESIDE_QUEUES = ("compute-environment/{stack}-*", "scheduling-policy/{stack}-*")


@dataclass(frozen=True, kw_only=True)
class JobQueue(Tagged, Resource[Outputs]):
    """A queue that its jobs share fairly, and that tries its compute environments in order.

    The order is one of placement: a job that lost its Spot machine is placed from the first
    environment on again (AWS Batch User Guide, "Job queue parameters").

    A first-in, first-out queue can't be given a scheduling policy (AWS Batch API Reference,
    CreateJobQueue): it gets a successor, and goes when its jobs have ended.
    """

    compute_environments: tuple[ComputeEnvironment, ...]
    scheduling_policy: SchedulingPolicy

    kind: ClassVar[str] = "job_queue"
    group: ClassVar[Group | None] = Group.COMPUTE
    identity: ClassVar[tuple[str, ...]] = ("jobQueueName",)
    immutable: ClassVar[tuple[str, ...]] = ("scheduling",)
    lets_work_end: ClassVar[bool] = True
    vital: ClassVar[tuple[str, ...]] = ("state", "status")
    batched_reads: ClassVar[tuple[BatchedRead, ...]] = (
        BatchedRead("batch.DescribeJobQueues", "jobQueues", "jobQueues", "jobQueueName"),
    )
    cost: ClassVar[str] = "costs nothing itself; jobs that run are billed as their instances"
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", "batch", "DescribeJobQueues ListJobs"),
        Grant("up", "batch", "CreateJobQueue TagResource UntagResource", QUEUES),
        Grant("up down", "batch", "UpdateJobQueue DeleteJobQueue", QUEUES),
        Grant("up", "batch", "CreateJobQueue", BESIDE_QUEUES),
        Grant("up down", "batch", "UpdateJobQueue", BESIDE_QUEUES),
        Grant("up down", "batch", "TerminateJob", ("job/*",), conditions.OURS),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return the parameters of CreateJobQueue, the status that it should have, and its kind."""
        return {
            "jobQueueName": self.physical_name,
            "state": "ENABLED",
            "status": "VALID",
            "priority": 1,
            "computeEnvironmentOrder": [
                {"order": order, "computeEnvironment": deployed[environment].arn}
                for order, environment in enumerate(self.compute_environments, start=1)
            ],
            "scheduling": FAIR_SHARE,
            "schedulingPolicyArn": deployed[self.scheduling_policy].arn,
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
        settled = read_settled(aws, _what(name), partial(_describe, aws, name))
        if settled is None:
            return None
        found, tags, notes = settled
        return Actual(_outputs(found), _properties(found), tags, notes)

    def create(self, aws: Aws, desired: Properties) -> Outputs:
        """Make the queue and wait until it is VALID."""
        parameters = {key: value for key, value in desired.items() if key not in OURS}
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
        parameters: dict[str, Any] = {key: changed[key] for key in changed if key not in OURS}
        if "status" in changed:
            parameters["computeEnvironmentOrder"] = desired["computeEnvironmentOrder"]
        aws.batch.update_job_queue(jobQueue=actual.outputs.arn, **parameters)
        return _wait_until_valid(aws, actual.outputs.id)

    @classmethod
    def replicas(cls, aws: Aws, names: Collection[str]) -> Iterator[tuple[str, Outputs]]:
        """Yield every job queue of the account and region."""
        del names
        pages = aws.batch.get_paginator("describe_job_queues").paginate()
        for found in (each for page in pages for each in page["jobQueues"]):
            yield found["jobQueueName"], _outputs(found)

    @classmethod
    def tags_of(cls, aws: Aws, recorded: Outputs) -> Mapping[str, str] | None:
        """Return the tags that it has now; None when it is gone."""
        found = _describe(aws, recorded.id)
        return None if found is None else found.get("tags", {})

    @classmethod
    def delete(cls, aws: Aws, recorded: Outputs) -> None:
        """Disable the queue, end its jobs and delete it.

        Batch would end the jobs as well, but later: until then they write into the job table.
        """
        what = _what(recorded.id)
        with ignore_missing():
            if not _disable_at_once(aws, recorded):
                return
            _, unfinished = concurrently(
                partial(wait_until_settled, aws, what, partial(_describe, aws, recorded.id)),
                partial(_unfinished, aws, recorded.arn),
            )
            _end_jobs(aws, recorded.arn, what, unfinished)
            aws.batch.delete_job_queue(jobQueue=recorded.arn)
            wait_until_gone(aws, what, partial(_describe, aws, recorded.id))

    @classmethod
    def retire(cls, aws: Aws, recorded: Outputs) -> str | None:
        """Disable a predecessor, and delete it once nothing is in it.

        A disabled queue takes no new jobs; those in it go on (AWS Batch API Reference,
        UpdateJobQueue).
        """
        _disable(aws, recorded)
        unfinished = cls.running(aws, recorded)
        if unfinished is None:
            cls.delete(aws, recorded)
        return unfinished

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


def arns_of_generations(queue: JobQueue, arn: str) -> list[str]:
    """Return the ARN of a queue and, before it, those of its predecessors, whose jobs may go on."""
    before, _, number = arn.partition(f"/{queue.name}-")
    if not number.isdecimal():
        return [arn]
    base = f"{before}/{queue.name}"
    return [base, *(f"{base}-{generation}" for generation in range(2, int(number))), arn]


def _disable(aws: Aws, recorded: Outputs) -> bool:
    """Have the queue take no more jobs; False when it is gone."""
    what, describe = _what(recorded.id), partial(_describe, aws, recorded.id)
    with ignore_missing():
        found = wait_until_settled(aws, what, describe)
        if found is not None and found["state"] != "DISABLED":
            aws.batch.update_job_queue(jobQueue=recorded.arn, state="DISABLED")
            wait_until_settled(aws, what, describe)
        return found is not None
    return False


def _disable_at_once(aws: Aws, recorded: Outputs) -> bool:
    """Have the queue take no more jobs, without waiting for that; False when it is gone.

    To disable what is disabled changes nothing. What Batch refuses as another change of it isn't
    over is waited for.
    """
    try:
        aws.batch.update_job_queue(jobQueue=recorded.arn, state="DISABLED")
    except ClientError as error:
        if code_of(error) != "ClientException":
            raise
        return not is_missing(error) and _disable(aws, recorded)
    return True


def _unfinished(aws: Aws, job_queue: str) -> set[str]:
    return set(unfinished_jobs(aws, job_queue))


def _end_jobs(aws: Aws, job_queue: str, what: str, found: set[str]) -> None:
    """End the jobs that were `found`, and those that have come since."""
    terminated: set[str] = set()
    first = [found]

    def check() -> bool | Pending:
        unfinished = first.pop() if first else _unfinished(aws, job_queue)
        for job_id in sorted(unfinished - terminated):
            aws.batch.terminate_job(jobId=job_id, reason=f"{what} is being deleted")
        terminated.update(unfinished)
        return Pending(f"{len(unfinished)} jobs") if unfinished else True

    aws.wait_until(f"the jobs in {what} to end", check, timeout_s=JOBS_END_WITHIN_S)


def _describe(aws: Aws, name: str) -> Description | None:
    return only(aws.batch.describe_job_queues(jobQueues=[name])["jobQueues"])


def _what(name: str) -> str:
    return f"job queue `{name}`"


def _properties(found: Description) -> Properties:
    order = sorted(found["computeEnvironmentOrder"], key=lambda each: int(each["order"]))
    scheduling = FAIR_SHARE if found.get("schedulingPolicyArn") else "first in, first out"
    return {**found, "computeEnvironmentOrder": order, "scheduling": scheduling}


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
