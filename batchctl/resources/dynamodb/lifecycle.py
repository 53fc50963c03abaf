"""The life of a table: being made, changed and deleted takes DynamoDB a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.aws.waiting import Pending

# An index is built from all that the table holds, which takes its time (DynamoDB developer guide,
# "Managing global secondary indexes").
READY_WITHIN_S = 3600
GONE_WITHIN_S = 600
# DynamoDB API reference, TableDescription and GlobalSecondaryIndexDescription.
CHANGING = frozenset({"CREATING", "UPDATING", "DELETING"})


def settled(aws: Aws, name: str) -> Mapping[str, Any] | None:
    """Return the table once nothing in it is changing; None when there is none (any more)."""
    table = _table(aws, name)
    if table is None or not _changing(table):
        return table
    if table["TableStatus"] == "DELETING":
        wait_until_gone(aws, name)
        return None
    return wait_until_active(aws, name)


def _table(aws: Aws, name: str) -> Mapping[str, Any] | None:
    with ignore_missing():
        return aws.dynamodb.describe_table(TableName=name)["Table"]
    return None


def _changing(table: Mapping[str, Any]) -> Pending | None:
    """Return what changes, the table first; None when nothing does."""
    if table["TableStatus"] in CHANGING:
        return Pending(table["TableStatus"])
    indexes = table.get("GlobalSecondaryIndexes", [])
    changing = [each for each in indexes if each.get("IndexStatus") in CHANGING]
    return Pending(f"index {changing[0]['IndexStatus']}") if changing else None


def wait_until_active(aws: Aws, name: str) -> Mapping[str, Any]:
    """Return the table once it and its indexes are ready; a new one can be unknown at first."""

    def check() -> tuple[Mapping[str, Any]] | Pending | None:
        table = _table(aws, name)
        return None if table is None else _changing(table) or (table,)

    what = f"DynamoDB to make table `{name}` and its indexes ready"
    return aws.wait_until(what, check, timeout_s=READY_WITHIN_S)[0]


def wait_until_gone(aws: Aws, name: str) -> None:
    """Wait until DynamoDB no longer knows the table."""

    def check() -> bool | Pending:
        table = _table(aws, name)
        return True if table is None else Pending(table["TableStatus"])

    aws.wait_until(f"DynamoDB to delete table `{name}`", check, timeout_s=GONE_WITHIN_S)
