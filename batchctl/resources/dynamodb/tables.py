"""DynamoDB: the table of jobs and results."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from batchctl.aws.concurrently import concurrently
from batchctl.aws.errors import ignore_missing
from batchctl.aws.session import Aws
from batchctl.aws.tags import as_list
from batchctl.resource import (
    Actual,
    Deployed,
    Document,
    Group,
    Outputs,
    Properties,
    Resource,
    require_owned,
)
from batchctl.resource.grants import Grant
from batchctl.resources.dynamodb.contents import counted_jobs, holds_items
from batchctl.resources.dynamodb.lifecycle import settled, wait_until_active, wait_until_gone
from batchctl.resources.dynamodb.settings import (
    expiry_attribute,
    is_recoverable,
    remove_resource_policy,
    resource_policy,
    set_expiry,
    set_recoverable,
    tags_of_table,
)
from batchctl.resources.iam import policies as iam_policies

# DynamoDB API reference, OnDemandThroughput: what removes a limit.
NO_LIMIT = -1


TABLES = ("table/{stack}-*",)


@dataclass(frozen=True)
class TableOutputs(Outputs):
    """A table's id is its name; `index` names the index that has every job once."""

    index: str


@dataclass(frozen=True, kw_only=True)
class Table(Resource[TableOutputs]):
    """An on-demand table whose keys are texts, and its one index.

    Of each job one item has the keys of the index, so the index has every job once;
    `index_projection` are the attributes that it shows beside the keys. The table takes
    `max_write_units` a second, or what comes; its index can't take more. Indexes that other hands
    added are a difference. A table with other keys is another table.

    DynamoDB deletes an item some days after the point in time, epoch seconds, that its
    `expiry_attribute` names; None: it deletes nothing by itself.
    """

    partition_key: str
    sort_key: str
    index_name: str
    index_partition_key: str
    index_sort_key: str
    index_projection: tuple[str, ...]
    point_in_time_recovery: bool = True
    deletion_protection: bool = True
    max_write_units: int | None = None
    expiry_attribute: str | None = None

    kind: ClassVar[str] = "table"
    group: ClassVar[Group | None] = Group.DATA
    outputs: ClassVar[type[TableOutputs]] = TableOutputs
    identity: ClassVar[tuple[str, ...]] = ("TableName",)
    calls_to_read: ClassVar[int] = 5
    immutable: ClassVar[tuple[str, ...]] = ("KeySchema",)
    holds_data: ClassVar[bool] = True
    # DynamoDB pricing.
    cost: ClassVar[str] = "is billed by the month for what it stores, and its backups"
    grants: ClassVar[tuple[Grant, ...]] = (
        Grant("read up down", "dynamodb", "DescribeTable ListTagsOfResource", TABLES),
        Grant(
            "read up",
            "dynamodb",
            "DescribeContinuousBackups DescribeTimeToLive GetResourcePolicy",
            TABLES,
        ),
        Grant("read up", "dynamodb", "ListTables"),
        Grant(
            "up",
            "dynamodb",
            "CreateTable UpdateContinuousBackups UpdateTimeToLive DeleteResourcePolicy "
            "TagResource UntagResource",
            TABLES,
        ),
        Grant("up down", "dynamodb", "UpdateTable", TABLES),
        Grant("down", "dynamodb", "DeleteTable Scan", TABLES),
    )

    def desired(self, deployed: Deployed) -> Properties:
        """Return the table's parameters, its indexes by name, and what has calls of its own.

        That is PointInTimeRecoveryEnabled, TimeToLiveAttribute, None where that is off, and
        ResourcePolicy, a document.
        """
        del deployed
        index = {
            "KeySchema": _key_schema(self.index_partition_key, self.index_sort_key),
            "Projection": _projection(self.index_projection),
        }
        return {
            "TableName": self.physical_name,
            "KeySchema": _key_schema(self.partition_key, self.sort_key),
            "BillingMode": "PAY_PER_REQUEST",
            "OnDemandThroughput": {"MaxWriteRequestUnits": self.max_write_units or NO_LIMIT},
            "GlobalSecondaryIndexes": Document({self.index_name: index}),
            "DeletionProtectionEnabled": self.deletion_protection,
            "PointInTimeRecoveryEnabled": self.point_in_time_recovery,
            "TimeToLiveAttribute": self.expiry_attribute,
            # None: the account's own principals alone.
            "ResourcePolicy": Document(),
        }

    def foreseen(self, deployed: Deployed) -> TableOutputs:
        """Return name and ARN, which follows from it (IAM's reference for DynamoDB)."""
        arn = deployed.aws.arn("dynamodb", f"table/{self.physical_name}")
        return TableOutputs(id=self.physical_name, arn=arn, index=self.index_name)

    @classmethod
    def read(
        cls, aws: Aws, recorded: TableOutputs | None, desired: Properties
    ) -> Actual[TableOutputs] | None:
        """Find the table by name, wait while it changes; None when there is none."""
        name = recorded.id if recorded else str(desired["TableName"])
        table = settled(aws, name)
        if table is None:
            return None
        tags, policy, recoverable, expiry = concurrently(
            partial(tags_of_table, aws, name),
            partial(resource_policy, aws, name),
            partial(is_recoverable, aws, name),
            partial(expiry_attribute, aws, name),
        )
        if tags is None:
            return None
        require_owned(aws, f"table `{name}`", tags)
        properties = {
            **_properties(table),
            "PointInTimeRecoveryEnabled": recoverable,
            "TimeToLiveAttribute": expiry,
            "ResourcePolicy": policy,
        }
        indexes = desired.get("GlobalSecondaryIndexes", properties["GlobalSecondaryIndexes"])
        return Actual(_outputs(table, indexes), properties, tags)

    def create(self, aws: Aws, desired: Properties) -> TableOutputs:
        """Make the table with its index and tags, wait until it is ACTIVE, turn backups on."""
        name, indexes = desired["TableName"], desired["GlobalSecondaryIndexes"]
        keys = (desired["KeySchema"], *(each["KeySchema"] for each in indexes.values()))
        request: dict[str, Any] = {
            "TableName": name,
            "KeySchema": desired["KeySchema"],
            "AttributeDefinitions": _definitions(*keys),
            "BillingMode": desired["BillingMode"],
            "GlobalSecondaryIndexes": [{"IndexName": key, **indexes[key]} for key in indexes],
            "DeletionProtectionEnabled": desired["DeletionProtectionEnabled"],
            "Tags": as_list(aws.tags),
        }
        if desired["OnDemandThroughput"]["MaxWriteRequestUnits"] != NO_LIMIT:
            request["OnDemandThroughput"] = desired["OnDemandThroughput"]
        aws.dynamodb.create_table(**request)
        table = wait_until_active(aws, name)
        if desired["PointInTimeRecoveryEnabled"]:
            set_recoverable(aws, name, enabled=True)
        if desired["TimeToLiveAttribute"]:
            set_expiry(aws, name, desired["TimeToLiveAttribute"], enabled=True)
        return _outputs(table, indexes)

    def update(
        self,
        aws: Aws,
        actual: Actual[TableOutputs],
        desired: Properties,
        changed: Properties,
    ) -> TableOutputs:
        """Make one change at a time: a call of UpdateTable takes one kind, and one index."""
        name = actual.outputs.id
        for change in _changes(actual.properties, desired, changed):
            aws.dynamodb.update_table(TableName=name, **change)
            wait_until_active(aws, name)
        if "PointInTimeRecoveryEnabled" in changed:
            set_recoverable(aws, name, enabled=changed["PointInTimeRecoveryEnabled"])
        if "ResourcePolicy" in changed:
            remove_resource_policy(aws, name)
        if "TimeToLiveAttribute" in changed:
            # The last, as DynamoDB may refuse it for an hour.
            had, wanted = actual.properties["TimeToLiveAttribute"], changed["TimeToLiveAttribute"]
            if had:
                set_expiry(aws, name, had, enabled=False)
            if wanted:
                set_expiry(aws, name, wanted, enabled=True)
        return actual.outputs

    def write_tags(
        self,
        aws: Aws,
        outputs: TableOutputs,
        tags: Mapping[str, str],
        removed: Sequence[str],
    ) -> None:
        """Set and remove tags."""
        tag_list: Any = as_list(tags)
        aws.dynamodb.tag_resource(ResourceArn=outputs.arn, Tags=tag_list)
        if removed:
            aws.dynamodb.untag_resource(ResourceArn=outputs.arn, TagKeys=removed)

    @classmethod
    def replicas(cls, aws: Aws, names: Collection[str]) -> Iterator[tuple[str, TableOutputs]]:
        """Yield what has a name that begins with one of `names`."""
        del names
        pages = aws.dynamodb.get_paginator("list_tables").paginate()
        for name in (name for page in pages for name in page["TableNames"]):
            yield name, TableOutputs(id=name, arn=aws.arn("dynamodb", f"table/{name}"), index="")

    @classmethod
    def tags_of(cls, aws: Aws, recorded: TableOutputs) -> Mapping[str, str] | None:
        """Return the tags that it has now; None when it is gone."""
        return tags_of_table(aws, recorded.id)

    @classmethod
    def delete(cls, aws: Aws, recorded: TableOutputs) -> None:
        """Lift the protection, delete the table with its data, wait until it is gone."""
        table = settled(aws, recorded.id)
        if table is None:
            return
        with ignore_missing():
            if table.get("DeletionProtectionEnabled"):
                aws.dynamodb.update_table(TableName=recorded.id, DeletionProtectionEnabled=False)
                wait_until_active(aws, recorded.id)
            aws.dynamodb.delete_table(TableName=recorded.id)
            wait_until_gone(aws, recorded.id)

    def loosened(self, actual: Properties, desired: Properties) -> Iterator[str]:
        """Say whether writes are limited less, and what no longer protects or refuses."""
        had, wanted = (
            each["OnDemandThroughput"]["MaxWriteRequestUnits"] for each in (actual, desired)
        )
        if had != NO_LIMIT and not 0 < wanted <= had:
            new = "without a limit" if wanted == NO_LIMIT else f"up to {wanted}"
            yield f"table `{self.name}` takes writes {new} instead of up to {had} units a second"
        if iam_policies.refuses(actual["ResourcePolicy"]):
            yield f"the resource policy of table `{self.name}`, which refuses calls, is removed"
        for key, what in (
            ("DeletionProtectionEnabled", "protected from deletion"),
            ("PointInTimeRecoveryEnabled", "backed up continuously"),
        ):
            if actual[key] and not desired[key]:
                yield f"table `{self.name}` is no longer {what}"

    @classmethod
    def stored(cls, aws: Aws, recorded: TableOutputs) -> str | None:
        """Say how many jobs the table holds; None only when it holds no item at all."""
        with ignore_missing():
            if not holds_items(aws, recorded.id):
                return None
            return counted_jobs(aws, recorded.id, recorded.index) or "items"
        return None


def _key_schema(partition_key: str, sort_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition_key, "KeyType": "HASH"},
        {"AttributeName": sort_key, "KeyType": "RANGE"},
    ]


def _projection(attributes: Sequence[str]) -> dict[str, Any]:
    if not attributes:
        return {"ProjectionType": "KEYS_ONLY"}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": sorted(attributes)}


def _definitions(*key_schemas: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Return the definitions of all key attributes: each once, each a text."""
    names = dict.fromkeys(key["AttributeName"] for schema in key_schemas for key in schema)
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def _outputs(table: Mapping[str, Any], indexes: Mapping[str, Any]) -> TableOutputs:
    return TableOutputs(id=table["TableName"], arn=table["TableArn"], index=next(iter(indexes), ""))


def _properties(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return what DescribeTable says in the spelling of `desired`."""
    indexes = table.get("GlobalSecondaryIndexes", [])
    # DescribeTable leaves the summary out for a table that never was on demand.
    billing = table.get("BillingModeSummary", {})
    return {
        "TableName": table["TableName"],
        "KeySchema": table["KeySchema"],
        "BillingMode": billing.get("BillingMode", "PROVISIONED"),
        "OnDemandThroughput": {
            "MaxWriteRequestUnits": NO_LIMIT,
            **table.get("OnDemandThroughput", {}),
        },
        "GlobalSecondaryIndexes": Document({i["IndexName"]: _index(i) for i in indexes}),
        "DeletionProtectionEnabled": table.get("DeletionProtectionEnabled", False),
    }


def _index(index: Mapping[str, Any]) -> dict[str, Any]:
    projection = dict(index["Projection"])
    if "NonKeyAttributes" in projection:
        projection["NonKeyAttributes"] = sorted(projection["NonKeyAttributes"])
    return {"KeySchema": index["KeySchema"], "Projection": projection}


def _changes(
    actual: Properties, desired: Properties, changed: Properties
) -> Iterator[dict[str, Any]]:
    """Yield the parameters of each UpdateTable call; an index that differs is made again."""
    for key in ("BillingMode", "OnDemandThroughput", "DeletionProtectionEnabled"):
        if key in changed:
            yield {key: changed[key]}
    had = actual["GlobalSecondaryIndexes"]
    wanted = desired["GlobalSecondaryIndexes"]
    for name in had:
        if had[name] != wanted.get(name):
            yield {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": name}}]}
    for name, index in wanted.items():
        if index != had.get(name):
            yield {
                "AttributeDefinitions": _definitions(desired["KeySchema"], index["KeySchema"]),
                "GlobalSecondaryIndexUpdates": [{"Create": {"IndexName": name, **index}}],
            }
