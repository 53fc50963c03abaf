"""CloudWatch Logs: a log group for each function and for the containers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from batchctl.aws.batched_reads import BatchedRead
from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.resource import (
    Actual,
    Deployed,
    Outputs,
    Properties,
    Resource,
    is_owned,
    is_unknown,
    require_owned,
)
from batchctl.resource.grants import Grant

# API Gateway's own name for the log of a stage's errors (API Gateway developer guide, "Set up
# CloudWatch logging for REST APIs").
API_ERRORS = "API-Gateway-Execution-Logs_"


LOG_GROUPS = (
    "log-group:/aws/lambda/{stack}-*",
    "log-group:/batchctl/{stack}/*",
    "log-group:API-Gateway-Execution-Logs_*",
)


@dataclass(frozen=True, kw_only=True)
class LogGroup(Resource[Outputs]):
    """A log group with a retention, made before its writer.

    The writer's role should not have `logs:CreateLogGroup`: a late flush would bring a deleted
    group back, without tags and retention (Lambda developer guide, "Sending Lambda function logs
    to CloudWatch Logs"). The id is the name; the ARN has no `:*` at its end.
    """

    retention_days: int

    kind: ClassVar[str] = "log_group"
    identity: ClassVar[tuple[str, ...]] = ("logGroupName",)
    calls_to_read: ClassVar[int] = 2
    retentions: ClassVar[tuple[str, ...]] = ("retentionInDays",)
    # What was logged says who did what.
    holds_data: ClassVar[bool] = True
    batched_reads: ClassVar[tuple[BatchedRead, ...]] = (
        BatchedRead(
            "logs.DescribeLogGroups",
            "logGroupNamePrefix",
            "logGroups",
            "logGroupName",
            by_prefix=True,
        ),
    )
    # CloudWatch pricing.
    cost: ClassVar[str] = "is billed by the month for what it stores"
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", "logs", "DescribeLogGroups"),
        Grant("read up down", "logs", "DescribeLogStreams ListTagsForResource", LOG_GROUPS),
        Grant(
            "up", "logs", "CreateLogGroup PutRetentionPolicy TagResource UntagResource", LOG_GROUPS
        ),
        Grant("up down", "logs", "DeleteLogGroup", LOG_GROUPS),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return logGroupName and retentionInDays."""
        del deployed
        return {"logGroupName": self.physical_name, "retentionInDays": self.retention_days}

    def foreseen(self, deployed: Deployed) -> Outputs | None:
        """Return name and ARN, which follows from it (IAM's reference for CloudWatch Logs)."""
        name = str(self.desired(deployed)["logGroupName"])
        return None if is_unknown(name) else _outputs(deployed.aws, name)

    @classmethod
    def read(
        cls, aws: Aws, recorded: Outputs | None, desired: Properties
    ) -> Actual[Outputs] | None:
        """Find the group by its exact name; None when there is none."""
        actual = read_log_group(aws, recorded.id if recorded else str(desired["logGroupName"]))
        if actual is not None:
            require_owned(aws, f"log group `{actual.outputs.id}`", actual.tags)
        return actual

    def create(self, aws: Aws, desired: Properties) -> Outputs:
        """Make the group with its tags, then set the retention (CreateLogGroup takes none)."""
        name = desired["logGroupName"]
        aws.logs.create_log_group(logGroupName=name, tags=aws.tags)
        aws.logs.put_retention_policy(logGroupName=name, retentionInDays=desired["retentionInDays"])
        return _outputs(aws, name)

    def update(
        self, aws: Aws, actual: Actual[Outputs], desired: Properties, changed: Properties
    ) -> Outputs:
        """Set the retention."""
        del desired
        aws.logs.put_retention_policy(
            logGroupName=actual.outputs.id, retentionInDays=changed["retentionInDays"]
        )
        return actual.outputs

    def write_tags(
        self, aws: Aws, outputs: Outputs, tags: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        """Set and remove tags."""
        aws.logs.tag_resource(resourceArn=outputs.arn, tags=tags)
        if removed:
            aws.logs.untag_resource(resourceArn=outputs.arn, tagKeys=removed)

    @classmethod
    def tags_of(cls, aws: Aws, recorded: Outputs) -> Mapping[str, str] | None:
        """Return its tags, and those of the REST API whose errors it has."""
        arn = _outputs(aws, recorded.id).arn
        with ignore_missing():
            tags = aws.logs.list_tags_for_resource(resourceArn=arn)["tags"]
            return tags if is_owned(aws, tags) else {**tags, **_tags_of_api(aws, recorded.id)}
        return None

    @classmethod
    def stored(cls, aws: Aws, recorded: Outputs) -> str | None:
        """Say that there are events; those of a local cloud are nobody's evidence.

        Asked by the streams: the stored bytes of a group are hours old (CloudWatch Logs API
        Reference, LogGroup).
        """
        if aws.is_local:
            return None
        with ignore_missing():
            found = aws.logs.describe_log_streams(
                logGroupName=recorded.id, orderBy="LastEventTime", descending=True, limit=1
            )["logStreams"]
            return _events(found[0]) if found else None
        return None

    @classmethod
    def delete(cls, aws: Aws, recorded: Outputs) -> None:
        """Delete the group with its logs."""
        with ignore_missing():
            aws.logs.delete_log_group(logGroupName=recorded.id)


def _events(newest: Mapping[str, Any]) -> str:
    """Say what a group holds, by the stream of its newest event, whose time may not be known."""
    at_ms = newest.get("lastEventTimestamp")
    if at_ms is None:
        return "log events"
    at = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%MZ")
    return f"log events, the newest of {at}"


def read_log_group(aws: Aws, name: str) -> Actual[Outputs] | None:
    """Return the group of that name, whoever made it; None when there is none."""
    outputs = _outputs(aws, name)
    with ignore_missing():
        group = _described(aws, name)
        if group is None:
            return None
        tags = aws.logs.list_tags_for_resource(resourceArn=outputs.arn)["tags"]
        # A group without a retention is kept for ever and has no such key.
        retention = group.get("retentionInDays")
        return Actual(outputs, {"logGroupName": name, "retentionInDays": retention}, tags)
    return None


def _tags_of_api(aws: Aws, name: str) -> Mapping[str, str]:
    """Return the tags of the REST API whose errors a group has: API Gateway makes it untagged."""
    if not name.startswith(API_ERRORS):
        return {}
    with ignore_missing():
        api_id = name.removeprefix(API_ERRORS).partition("/")[0]
        return aws.apigateway.get_rest_api(restApiId=api_id).get("tags", {})
    return {}


def _outputs(aws: Aws, name: str) -> Outputs:
    return Outputs(id=name, arn=aws.arn("logs", f"log-group:{name}"))


def _described(aws: Aws, name: str) -> Mapping[str, Any] | None:
    """Return the group of exactly that name: DescribeLogGroups finds all that begin with it."""
    pages = aws.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    groups = (group for page in pages for group in page["logGroups"])
    return next((group for group in groups if group["logGroupName"] == name), None)
