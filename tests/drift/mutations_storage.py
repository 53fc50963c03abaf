"""What other hands can change of queues, the table and log groups."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from built import Application
from hypothesis import strategies as st
from mutation import Mutation, Values, other, tag


def _queue(address: str, visibility_timeout_s: int = 360) -> Sequence[Mutation]:
    def attribute(name: str, values: Values) -> Mutation:
        def change(application: Application, queue: Any, value: Any) -> None:
            application.client("sqs").set_queue_attributes(
                QueueUrl=queue.url, Attributes={name: str(value)}
            )

        return Mutation(address, f"Attributes.{name}", change, values)

    return (
        attribute("VisibilityTimeout", st.integers(0, visibility_timeout_s - 1)),
        attribute("MessageRetentionPeriod", st.integers(60, 86_400)),
        attribute("SqsManagedSseEnabled", other("false")),
        tag(address, _tag_queue),
    )


def _tag_queue(application: Application, queue: Any, tags: Mapping[str, str]) -> None:
    application.client("sqs").tag_queue(QueueUrl=queue.url, Tags=tags)


def _redrive_policy() -> Mutation:
    def change(application: Application, queue: Any, value: Any) -> None:
        target = application.outputs("queue.dead_letters").arn
        policy = {"deadLetterTargetArn": target, "maxReceiveCount": value}
        application.client("sqs").set_queue_attributes(
            QueueUrl=queue.url, Attributes={"RedrivePolicy": json.dumps(policy)}
        )

    path = "Attributes.RedrivePolicy.maxReceiveCount"
    return Mutation("queue.jobs", path, change, st.integers(6, 1000))


def _policy(address: str) -> Mutation:
    def change(application: Application, queue: Any, value: Any) -> None:
        application.client("sqs").set_queue_attributes(
            QueueUrl=queue.url, Attributes={"Policy": value}
        )

    open_to_all = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [open_to_all]})
    return Mutation(address, "Attributes.Policy.Statement", change, other(policy))


def _redrive_allow_policy(address: str) -> Mutation:
    def change(application: Application, queue: Any, value: Any) -> None:
        application.client("sqs").set_queue_attributes(
            QueueUrl=queue.url,
            Attributes={"RedriveAllowPolicy": json.dumps({"redrivePermission": value})},
        )

    path = "Attributes.RedriveAllowPolicy.redrivePermission"
    return Mutation(address, path, change, other("allowAll"))


def _table() -> Sequence[Mutation]:
    def update(**parameters: Any) -> Callable[[Application, Any, Any], None]:
        return lambda application, table, _: application.client("dynamodb").update_table(
            TableName=table.id, **parameters
        )

    def recovery(application: Application, table: Any, _: Any) -> None:
        application.client("dynamodb").update_continuous_backups(
            TableName=table.id,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False},
        )

    def expiry(application: Application, table: Any, value: Any) -> None:
        application.client("dynamodb").update_time_to_live(
            TableName=table.id,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": value},
        )

    def write_tags(application: Application, table: Any, tags: Mapping[str, str]) -> None:
        application.client("dynamodb").tag_resource(
            ResourceArn=table.arn, Tags=[{"Key": k, "Value": v} for k, v in tags.items()]
        )

    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    deleted_index = [{"Delete": {"IndexName": "by_created_at"}}]
    added_index = {
        "AttributeDefinitions": [{"AttributeName": "status", "AttributeType": "S"}],
        "GlobalSecondaryIndexUpdates": [
            {
                "Create": {
                    "IndexName": "by_status",
                    "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            }
        ],
    }

    def policy(application: Application, table: Any, value: Any) -> None:
        application.client("dynamodb").put_resource_policy(ResourceArn=table.arn, Policy=value)

    open_to_all = {"Effect": "Allow", "Principal": "*", "Action": "dynamodb:*", "Resource": "*"}
    let_in = json.dumps({"Statement": [open_to_all]})
    one = st.none()
    address, indexes = "table.jobs", "GlobalSecondaryIndexes"
    return (
        Mutation(
            address,
            "BillingMode",
            update(BillingMode="PROVISIONED", ProvisionedThroughput=throughput),
            one,
        ),
        Mutation(
            address, "DeletionProtectionEnabled", update(DeletionProtectionEnabled=False), one
        ),
        Mutation(
            address,
            f"{indexes}.by_created_at",
            update(GlobalSecondaryIndexUpdates=deleted_index),
            one,
        ),
        Mutation(
            address,
            "OnDemandThroughput.MaxWriteRequestUnits",
            update(OnDemandThroughput={"MaxWriteRequestUnits": 100}),
            one,
        ),
        Mutation(address, f"{indexes}.by_status", update(**added_index), one),
        Mutation(address, "PointInTimeRecoveryEnabled", recovery, one),
        Mutation(address, "TimeToLiveAttribute", expiry, other("expires_at", "created_at")),
        Mutation(address, "ResourcePolicy.Statement", policy, other(let_in)),
        tag(address, write_tags),
    )


def log_group_mutations(address: str) -> Sequence[Mutation]:
    def retention(application: Application, group: Any, value: Any) -> None:
        logs = application.client("logs")
        if value is None:
            logs.delete_retention_policy(logGroupName=group.id)
        else:
            logs.put_retention_policy(logGroupName=group.id, retentionInDays=value)

    def write_tags(application: Application, group: Any, tags: Mapping[str, str]) -> None:
        application.client("logs").tag_resource(resourceArn=group.arn, tags=tags)

    return (
        Mutation(address, "retentionInDays", retention, other(None, 1, 30, 3653)),
        tag(address, write_tags),
    )


STORAGE: tuple[Mutation, ...] = (
    *_queue("queue.jobs"),
    *_queue("queue.dead_letters"),
    _redrive_policy(),
    _policy("queue.jobs"),
    _policy("queue.dead_letters"),
    _redrive_allow_policy("queue.jobs"),
    _redrive_allow_policy("queue.events_dead_letters"),
    *_queue("queue.events_dead_letters", visibility_timeout_s=30),
    _policy("queue.events_dead_letters"),
    *_table(),
    *log_group_mutations("log_group.compute"),
    *log_group_mutations("log_group.splitter"),
)
