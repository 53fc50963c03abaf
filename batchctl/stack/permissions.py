"""What a job's container may do, and what the functions may that submit and end Batch jobs.

The id of a Batch job is unknown beforehand, so no ARN says which jobs are ours: their tags do.
JobSplitter submits every job with the stack's mark. Whoever ends jobs may end those alone that have
the mark.

Source, here and below: Service Authorization Reference, "Actions, resources, and condition keys"
for AWS Batch and for Amazon DynamoDB.
"""

from __future__ import annotations

from batchctl.config import Config
from batchctl.contract.table import PROGRESS_SUFFIX, RESULTS_SUFFIX
from batchctl.resource import Output
from batchctl.resources.batch.definitions import JobDefinition
from batchctl.resources.batch.queues import JobQueue
from batchctl.resources.iam.profiles import STACK_TAG
from batchctl.resources.iam.roles import Allow, InAccount, When
from batchctl.stack.storage import Storage

# What a job is submitted with: the stack's mark, whose job it is (handlers/batch/submission.py).
JOB_TAG, SUBMISSION_TAG = "batchctl:job", "batchctl:submission"
JOBS = InAccount("batch", "job/*")

# The attributes of the two records that a container writes: of how an item ended, of its progress.
RESULT_ATTRIBUTES = (
    "attempts",
    "error",
    "exit_code",
    "expires_at",
    "item",
    "job_id",
    "peak_memory_mib",
    "reason",
    "result",
    "seconds",
    "signal",
    "status",
)
PROGRESS_ATTRIBUTES = ("at_once", "cells", "expires_at", "item", "job_id")
RESULT_ATTRIBUTES_OF_EARLIER_VERSIONS = (
    *("attempts", "error", "expires_at", "item", "job_id", "reason", "result", "seconds", "status"),
)
# What it reads: of the job, of the universe, which items have succeeded, code that came along.
READ_ATTRIBUTES = (
    "attempt_items",
    "code",
    "expires_at",
    "item",
    "items",
    "job_id",
    "layout",
    "packed",
    "parameters",
    "parts",
    "status",
)


def job_permissions(storage: Storage, *, earlier_containers: bool = False) -> tuple[Allow, ...]:
    """Return what a container may do: read universes, write results and progress, nothing else.

    It writes under the partition keys of these alone: no container can change the record of a job,
    or a universe. None has any other attribute.

    `earlier_containers`: those of a version that recorded results under the job's own key may still
    run.

    DynamoDB developer guide, "Using IAM policy conditions for fine-grained access control": a
    request is held to the attributes that it names, so a read has to name them (`Select`), and a
    write must not have the old item returned.
    """
    return (
        Allow(
            sid="ReadSlice",
            actions=("dynamodb:BatchGetItem",),
            on=(storage.table,),
            when=(
                *_only("dynamodb:Attributes", READ_ATTRIBUTES),
                When("StringEquals", "dynamodb:Select", ("SPECIFIC_ATTRIBUTES",)),
            ),
        ),
        Allow(
            sid="RecordResults",
            actions=("dynamodb:PutItem",),
            on=(storage.table,),
            when=(
                *_only("dynamodb:Attributes", RESULT_ATTRIBUTES),
                *_under(RESULTS_SUFFIX),
                When("StringEqualsIfExists", "dynamodb:ReturnValues", ("NONE",)),
            ),
        ),
        Allow(
            sid="RecordProgress",
            actions=("dynamodb:PutItem",),
            on=(storage.table,),
            when=(
                *_only("dynamodb:Attributes", PROGRESS_ATTRIBUTES),
                *_under(PROGRESS_SUFFIX),
                When("StringEqualsIfExists", "dynamodb:ReturnValues", ("NONE",)),
            ),
        ),
        *((_record_results_of_earlier_versions(storage),) if earlier_containers else ()),
    )


def _record_results_of_earlier_versions(storage: Storage) -> Allow:
    """Return the right to record results under any key, as containers before layout 2 do."""
    return Allow(
        sid="RecordResultsOfEarlierVersions",
        actions=("dynamodb:PutItem",),
        on=(storage.table,),
        when=(
            *_only("dynamodb:Attributes", RESULT_ATTRIBUTES_OF_EARLIER_VERSIONS),
            When("StringEqualsIfExists", "dynamodb:ReturnValues", ("NONE",)),
        ),
    )


def _under(suffix: str) -> tuple[When, ...]:
    """Return the condition that all partition keys of a request end so."""
    key = "dynamodb:LeadingKeys"
    return When("ForAllValues:StringLike", key, (f"*{suffix}",)), When("Null", key, ("false",))


def _only(key: str, values: tuple[str, ...]) -> tuple[When, ...]:
    """Return the conditions for a key of which a request has one value or more, these alone.

    A request without any would pass `ForAllValues` (IAM user guide, "Single-valued vs. multivalued
    context keys").
    """
    return When("ForAllValues:StringEquals", key, values), When("Null", key, ("false",))


def submit_permissions(
    config: Config, queues: tuple[JobQueue, ...], definition: JobDefinition
) -> tuple[Allow, ...]:
    """Return what submitting jobs takes: to our queues, of our definition, with the mark.

    AWS Batch has no condition for tags that are given at the creation alone, so whoever submits
    jobs with tags can tag a job that has none. One that another stack has marked it can't.

    A job without the mark isn't refused: during the `up` that introduces the mark the function
    has the new role and its old code.
    """
    return (
        Allow(
            sid="SubmitJobs",
            actions=("batch:SubmitJob",),
            on=(
                *queues,
                Output(definition, "name_arn"),
                Output(definition, "name_arn", suffix=":*"),
                # The reference names the job to be, too; queue and definition are what limits it.
                JOBS,
            ),
        ),
        Allow(
            sid="MarkJobs",
            actions=("batch:TagResource",),
            on=(JOBS,),
            when=(
                When("StringEquals", f"aws:RequestTag/{STACK_TAG}", (config.name,)),
                *_only("aws:TagKeys", (JOB_TAG, STACK_TAG, SUBMISSION_TAG)),
                When("StringEqualsIfExists", f"aws:ResourceTag/{STACK_TAG}", (config.name,)),
            ),
        ),
    )


def terminate_permission(config: Config) -> Allow:
    """Return the right to end jobs: those that carry this stack's mark."""
    return Allow(
        sid="TerminateJobs",
        actions=("batch:TerminateJob",),
        on=(JOBS,),
        when=(When("StringEquals", f"aws:ResourceTag/{STACK_TAG}", (config.name,)),),
    )


# These know no resources.
DESCRIBE_JOBS = Allow(sid="LookAtJobs", actions=("batch:DescribeJobs", "batch:ListJobs"), on=("*",))


def tracker_permissions(config: Config, storage: Storage) -> tuple[Allow, ...]:
    """Return what the tracker may do: know jobs, record ends and attempts, end and queue jobs."""
    return (
        Allow(
            sid="RecordJobs",
            actions=(
                "dynamodb:GetItem",
                "dynamodb:BatchGetItem",
                "dynamodb:Query",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                "dynamodb:BatchWriteItem",
            ),
            on=(storage.table,),
        ),
        Allow(
            sid="QueueJobsAndDeadLetters",
            actions=("sqs:SendMessage",),
            on=(storage.queue, storage.events_dead_letters),
        ),
        DESCRIBE_JOBS,
        terminate_permission(config),
    )
