"""What a table has apart from its description: backups, time to live, a resource policy, tags."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from batchctl.aws.errors import code_of, ignore_missing, is_missing
from batchctl.aws.session import Aws
from batchctl.aws.tags import as_dict
from batchctl.errors import BatchctlError
from batchctl.resource import Document
from batchctl.resources.dynamodb.lifecycle import settled


def tags_of_table(aws: Aws, name: str) -> dict[str, str] | None:
    """Return the tags of a table; None when it is gone.

    DynamoDB doesn't say of an ARN that nothing is there: to ListTagsOfResource it answers as if the
    caller had no permission. Whether the table is gone is asked by its name.
    """
    pages = aws.dynamodb.get_paginator("list_tags_of_resource")
    try:
        found = pages.paginate(ResourceArn=_arn(aws, name))
        return as_dict(tag for page in found for tag in page["Tags"])
    except ClientError as error:
        if is_missing(error):
            return None
        if code_of(error) == "AccessDeniedException" and settled(aws, name) is None:
            return None
        raise


def resource_policy(aws: Aws, name: str) -> Document:
    """Return the policy that lets others use the table, parsed; an absent one is an empty one."""
    with ignore_missing():
        found: Any = aws.dynamodb.get_resource_policy(ResourceArn=_arn(aws, name))
        return Document(json.loads(found["Policy"]))
    return Document()


def remove_resource_policy(aws: Aws, name: str) -> None:
    """Remove the policy, whoever put it there; quiet when there is none."""
    with ignore_missing():
        aws.dynamodb.delete_resource_policy(ResourceArn=_arn(aws, name))


def is_recoverable(aws: Aws, name: str) -> bool:
    """Whether the table can be restored to any point in time of the last weeks."""
    answer = aws.dynamodb.describe_continuous_backups(TableName=name)
    recovery = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    return recovery.get("PointInTimeRecoveryStatus") == "ENABLED"


def set_recoverable(aws: Aws, name: str, *, enabled: bool) -> None:
    """Turn point-in-time recovery on or off."""
    aws.dynamodb.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled},
    )


def expiry_attribute(aws: Aws, name: str) -> str | None:
    """Return the attribute by which DynamoDB deletes items, or soon will; None where it doesn't."""
    found = aws.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    is_on = found.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    return found.get("AttributeName") if is_on else None


def set_expiry(aws: Aws, name: str, attribute: str, *, enabled: bool) -> None:
    """Turn deletion by an attribute on or off, which DynamoDB does once an hour at most.

    DynamoDB API reference, UpdateTimeToLive: a change takes up to an hour, and another one within
    it is a ValidationException. To wait for it would hold the whole run up.
    """
    try:
        aws.dynamodb.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={"Enabled": enabled, "AttributeName": attribute},
        )
    except ClientError as error:
        if code_of(error) != "ValidationException" or "multiple times" not in str(error):
            raise
        raise BatchctlError(
            f"could not turn the time to live of table `{name}` {'on' if enabled else 'off'}: "
            "DynamoDB allows one change an hour",
            hint="run `batchctl up` again in an hour",
        ) from error


def _arn(aws: Aws, name: str) -> str:
    return aws.arn("dynamodb", f"table/{name}")
