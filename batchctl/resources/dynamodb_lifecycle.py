"""The life of a table: being made, changed and deleted takes DynamoDB a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws

# An index is built from all that the table holds, which takes its time (DynamoDB developer guide,
# "Managing global secondary indexes").
READY_WITHIN_S = 3600
GONE_WITHIN_S = 600
# DynamoDB API reference, TableDescription and GlobalSecondaryIndexDescription.
CHANGING = frozenset({"CREATING", "UPDATING", "DELETING"})


def settled(aws: Aws, name: str) -> Mapping[str, Any] | None:
    """Return the table once nothing in it is changing; None when there is none (any more)."""
    table = _table(aws, name)
    if table is None or not _is_changing(table):
        return table
    if table["TableStatus"] == "DELETING":
        wait_until_gone(aws, name)
        return None
    return wait_until_active(aws, name)


def _table(aws: Aws, name: str) -> Mapping[str, Any] | None:
    with ignore_missing():
        return aws.dynamodb.describe_table(TableName=name)["Table"]
    return None


def _is_changing(table: Mapping[str, Any]) -> bool:
    indexes = table.get("GlobalSecondaryIndexes", [])
    statuses = {table["TableStatus"], *(index.get("IndexStatus") for index in indexes)}
    return bool(statuses & CHANGING)


def wait_until_active(aws: Aws, name: str) -> Mapping[str, Any]:
    """Return the table once it and its indexes are ready; a new one can be unknown at first."""

    def check() -> Mapping[str, Any] | None:
        table = _table(aws, name)
        return None if table is None or _is_changing(table) else table

    what = f"DynamoDB to make table `{name}` and its indexes ready"
    return aws.wait_until(what, check, timeout_s=READY_WITHIN_S)


def wait_until_gone(aws: Aws, name: str) -> None:
    """Wait until DynamoDB no longer knows the table."""
    aws.wait_until(
        f"DynamoDB to delete table `{name}`",
        lambda: True if _table(aws, name) is None else None,
        timeout_s=GONE_WITHIN_S,
    )
