"""What the tracker may do, and what functions share that end jobs."""

from __future__ import annotations

from batchctl.resources.iam import Allow
from batchctl.resources.iam_roles import InAccount
from batchctl.stack.storage import Storage

# A job has an id that nobody can know before: which jobs these are is said by no ARN (Service
# Authorization Reference, "Actions, resources, and condition keys for AWS Batch").
TERMINATE_JOBS = Allow(
    sid="TerminateJobs", actions=("batch:TerminateJob",), on=(InAccount("batch", "job/*"),)
)
# These know no resources (as above).
LOOK_AT_JOBS = Allow(sid="LookAtJobs", actions=("batch:DescribeJobs", "batch:ListJobs"), on=("*",))


def tracker_permissions(storage: Storage) -> tuple[Allow, ...]:
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
        LOOK_AT_JOBS,
        TERMINATE_JOBS,
    )
