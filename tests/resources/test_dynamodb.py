from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from botocore.exceptions import ClientError
from examples_dynamodb import table
from faults import Killed, answered_by, calls_of, fail, kill
from verbs import changes, found, make, repair

from batchctl.aws.clock import Clock
from batchctl.aws.session import Aws
from batchctl.errors import BatchctlError
from batchctl.resource import Deployed, NotOwned
from batchctl.resources.dynamodb import contents as dynamodb_contents
from batchctl.resources.dynamodb.tables import Table


@pytest.fixture
def deployed(aws: Aws) -> Deployed:
    return Deployed(aws)


@pytest.fixture
def dynamodb(aws: Aws) -> Any:
    """DynamoDB without us in between."""
    return aws.connection.client("dynamodb")


def put_job(dynamodb: Any, job_id: str) -> None:
    job = {
        "job_id": {"S": job_id},
        "item": {"S": "JOB"},
        "listing": {"S": "JOB"},
        "created_at": {"S": "2026-11-23T12:00:00.000000Z"},
    }
    dynamodb.put_item(TableName=table.name, Item=job)
    put_result(dynamodb, job_id)


def put_result(dynamodb: Any, job_id: str) -> None:
    result = {"job_id": {"S": job_id}, "item": {"S": "RESULT#AAPL"}, "status": {"S": "SUCCEEDED"}}
    dynamodb.put_item(TableName=table.name, Item=result)


def without_index(**more: Any) -> dict[str, Any]:
    """Our table as other hands would make it: other indexes, other settings."""
    return {
        "TableName": table.name,
        "KeySchema": [
            {"AttributeName": "job_id", "KeyType": "HASH"},
            {"AttributeName": "item", "KeyType": "RANGE"},
        ],
        "AttributeDefinitions": [
            {"AttributeName": "job_id", "AttributeType": "S"},
            {"AttributeName": "item", "AttributeType": "S"},
        ],
        "Tags": [{"Key": "batchctl:stack", "Value": "batchapp"}],
        **more,
    }


def status(table_status: str, index_status: str = "ACTIVE") -> dict[str, Any]:
    return {
        "Table": {
            "TableName": table.name,
            "TableStatus": table_status,
            "GlobalSecondaryIndexes": [{"IndexName": "by", "IndexStatus": index_status}],
        }
    }


def test_the_table_is_what_was_asked_for(dynamodb: Any, deployed: Deployed) -> None:
    make(table, deployed)
    made = dynamodb.describe_table(TableName=table.name)["Table"]
    index = made["GlobalSecondaryIndexes"][0]
    backups = dynamodb.describe_continuous_backups(TableName=table.name)
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert made["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert made["DeletionProtectionEnabled"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["listing", "created_at"]
    assert index["Projection"]["ProjectionType"] == "INCLUDE"


def test_backups_that_are_not_ready_yet_are_waited_for(
    aws: Aws, clock: Clock, deployed: Deployed
) -> None:
    text = "Backups are being enabled for the table: batchapp-jobs. Please retry later"
    code = "ContinuousBackupsUnavailableException"
    fail(aws, "dynamodb.UpdateContinuousBackups", code, text, times=5)
    make(table, deployed)
    assert changes(table, deployed) == ()
    assert clock.now() > 0


def test_a_table_cut_off_before_its_backups_is_finished(aws: Aws, deployed: Deployed) -> None:
    kill(aws, "dynamodb.UpdateContinuousBackups")
    with pytest.raises(Killed):
        make(table, deployed)
    assert [c.path for c in changes(table, deployed)] == ["PointInTimeRecoveryEnabled"]
    repair(table, deployed)
    assert changes(table, deployed) == ()


def test_a_table_that_is_being_made_is_waited_for(
    aws: Aws, clock: Clock, deployed: Deployed
) -> None:
    make(table, deployed)
    answers = iter([status("CREATING"), status("ACTIVE", index_status="CREATING")])
    answered_by(aws, "dynamodb.DescribeTable", lambda: next(answers, None))
    assert found(table, deployed).outputs.id == table.name
    assert clock.now() > 0


def test_a_table_that_is_being_deleted_is_waited_out_and_is_none(
    aws: Aws, clock: Clock, deployed: Deployed
) -> None:
    answers = iter([status("DELETING"), status("DELETING")])
    answered_by(aws, "dynamodb.DescribeTable", lambda: next(answers, None))
    assert table.read(aws, None, table.desired(deployed)) is None
    assert clock.now() > 0


def test_indexes_are_deleted_and_made_one_a_call(
    aws: Aws, dynamodb: Any, deployed: Deployed
) -> None:
    theirs = dataclasses.replace(table, index_name="by_owner", index_partition_key="owner")
    make(theirs, deployed)
    calls = calls_of(aws, "dynamodb")
    repair(table, deployed)
    made = dynamodb.describe_table(TableName=table.name)["Table"]["GlobalSecondaryIndexes"]
    assert [index["IndexName"] for index in made] == ["by_created_at"]
    assert calls.count("UpdateTable") == 2


def test_a_table_that_is_busy_is_waited_for(aws: Aws, deployed: Deployed) -> None:
    make(table, deployed)
    text = "Attempt to change a resource which is still in use: Table is being updated"
    fail(aws, "dynamodb.UpdateTable", "ResourceInUseException", text, times=3)
    repair(dataclasses.replace(table, deletion_protection=False), deployed)
    assert [c.path for c in changes(table, deployed)] == ["DeletionProtectionEnabled"]


def test_what_other_hands_changed_is_repaired(dynamodb: Any, deployed: Deployed) -> None:
    capacity = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    dynamodb.create_table(**without_index(ProvisionedThroughput=capacity))
    assert {change.top for change in changes(table, deployed)} == {
        "BillingMode",
        "GlobalSecondaryIndexes",
        "DeletionProtectionEnabled",
        "PointInTimeRecoveryEnabled",
    }
    repair(table, deployed)
    assert changes(table, deployed) == ()


def test_a_table_of_others_is_left_alone(aws: Aws, dynamodb: Any, deployed: Deployed) -> None:
    dynamodb.create_table(**without_index(BillingMode="PAY_PER_REQUEST", Tags=[]))
    with pytest.raises(NotOwned, match="table `batchapp-jobs` exists"):
        table.read(aws, None, table.desired(deployed))


def test_a_protected_table_is_deleted_when_it_is_to_go(
    aws: Aws, dynamodb: Any, deployed: Deployed
) -> None:
    table.delete(aws, make(table, deployed))
    assert dynamodb.list_tables()["TableNames"] == []


def test_deletion_waits_until_the_table_is_gone(aws: Aws, clock: Clock, deployed: Deployed) -> None:
    outputs = make(table, deployed)
    answers = iter([None, None, status("DELETING"), status("DELETING")])
    answered_by(aws, "dynamodb.DescribeTable", lambda: next(answers, None))
    table.delete(aws, outputs)
    assert clock.now() > 0


def test_jobs_in_the_table_are_counted(aws: Aws, dynamodb: Any, deployed: Deployed) -> None:
    outputs = make(table, deployed)
    assert Table.stored(aws, outputs) is None
    put_job(dynamodb, "demo-1")
    assert Table.stored(aws, outputs) == "1 job"
    put_job(dynamodb, "demo-2")
    assert Table.stored(aws, outputs) == "2 jobs"


def test_items_that_the_index_does_not_show_are_data_as_well(
    aws: Aws, dynamodb: Any, deployed: Deployed
) -> None:
    outputs = make(table, deployed)
    put_result(dynamodb, "demo-1")
    assert Table.stored(aws, outputs) == "items"


def test_a_table_without_its_index_still_holds_data(
    aws: Aws, dynamodb: Any, deployed: Deployed
) -> None:
    outputs = make(table, deployed)
    put_job(dynamodb, "demo-1")
    dynamodb.update_table(
        TableName=table.name,
        GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by_created_at"}}],
    )
    assert Table.stored(aws, outputs) == "items"


def test_a_table_that_is_gone_holds_nothing(aws: Aws, deployed: Deployed) -> None:
    outputs = make(table, deployed)
    table.delete(aws, outputs)
    assert Table.stored(aws, outputs) is None


def test_very_many_jobs_are_not_counted_to_the_end(
    aws: Aws, dynamodb: Any, deployed: Deployed
) -> None:
    outputs = make(table, deployed)
    put_job(dynamodb, "demo-1")
    pages = (
        {"Count": 5000, "LastEvaluatedKey": {"job_id": {"S": f"demo-{page}"}}}
        for page in range(1000)
    )
    answered_by(aws, "dynamodb.Scan", lambda: next(pages))
    assert Table.stored(aws, outputs) == f"more than {5000 * dynamodb_contents.PAGES_COUNTED} jobs"


def test_reading_a_table_takes_five_calls(aws: Aws, deployed: Deployed) -> None:
    make(table, deployed)
    calls = calls_of(aws, "dynamodb")
    found(table, deployed)
    assert calls[0] == "DescribeTable"
    assert sorted(calls[1:]) == [
        "DescribeContinuousBackups",
        "DescribeTimeToLive",
        "GetResourcePolicy",
        "ListTagsOfResource",
    ]
    assert len(calls) == Table.calls_to_read


expiring = dataclasses.replace(table, expiry_attribute="expires_at")


def time_to_live(dynamodb: Any) -> tuple[str, str | None]:
    """What DynamoDB deletes by, and whether it does."""
    found = dynamodb.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
    return found["TimeToLiveStatus"], found.get("AttributeName")


def test_a_table_deletes_by_the_attribute_that_was_asked_for(
    dynamodb: Any, deployed: Deployed
) -> None:
    make(expiring, deployed)
    assert time_to_live(dynamodb) == ("ENABLED", "expires_at")
    assert changes(expiring, deployed) == ()


def test_a_table_that_is_asked_for_nothing_deletes_nothing(
    aws: Aws, dynamodb: Any, deployed: Deployed
) -> None:
    calls = calls_of(aws, "dynamodb")
    make(table, deployed)
    assert time_to_live(dynamodb)[0] == "DISABLED"
    assert "UpdateTimeToLive" not in calls


def test_deletion_by_time_is_turned_on_and_off_again(dynamodb: Any, deployed: Deployed) -> None:
    make(table, deployed)
    repair(expiring, deployed)
    assert time_to_live(dynamodb) == ("ENABLED", "expires_at")
    repair(table, deployed)
    assert time_to_live(dynamodb)[0] == "DISABLED"


def test_deletion_by_an_attribute_of_others_is_turned_off_first(
    aws: Aws, dynamodb: Any, deployed: Deployed
) -> None:
    make(table, deployed)
    theirs = {"Enabled": True, "AttributeName": "created_at"}
    dynamodb.update_time_to_live(TableName=table.name, TimeToLiveSpecification=theirs)
    calls = calls_of(aws, "dynamodb")
    assert [change.path for change in changes(expiring, deployed)] == ["TimeToLiveAttribute"]
    repair(expiring, deployed)
    assert calls.count("UpdateTimeToLive") == 2
    assert time_to_live(dynamodb) == ("ENABLED", "expires_at")


@pytest.mark.parametrize(
    ("status", "wanted", "differs"),
    [
        ("ENABLING", expiring, False),
        ("ENABLED", expiring, False),
        ("DISABLING", expiring, True),
        ("DISABLING", table, False),
        ("ENABLING", table, True),
    ],
)
def test_a_change_of_deletion_under_way_counts_as_made(
    aws: Aws, deployed: Deployed, status: str, wanted: Table, *, differs: bool
) -> None:
    make(table, deployed)
    described = {"TimeToLiveStatus": status, "AttributeName": "expires_at"}
    answer = {"TimeToLiveDescription": described}
    answered_by(aws, "dynamodb.DescribeTimeToLive", lambda: answer)
    assert bool(changes(wanted, deployed)) is differs


def test_a_second_change_of_deletion_within_an_hour_is_a_clear_error(
    aws: Aws, deployed: Deployed
) -> None:
    make(table, deployed)
    # As AWS words it; DynamoDB API reference, UpdateTimeToLive, has the code and the hour.
    text = "Time to live has been modified multiple times within a fixed interval"
    fail(aws, "dynamodb.UpdateTimeToLive", "ValidationException", text)
    with pytest.raises(BatchctlError, match="DynamoDB allows one change an hour") as raised:
        repair(expiring, deployed)
    assert raised.value.hint == "run `batchctl up` again in an hour"
    repair(expiring, deployed)
    assert changes(expiring, deployed) == ()


def refused_as_for_what_is_not_there(aws: Aws) -> None:
    """What DynamoDB answers to ListTagsOfResource for the ARN of a table that is gone."""

    def refused() -> dict[str, Any]:
        answer: Any = {"Error": {"Code": "AccessDeniedException", "Message": "Access denied."}}
        raise ClientError(answer, "ListTagsOfResource")

    answered_by(aws, "dynamodb.ListTagsOfResource", refused)


def test_a_table_that_went_before_its_tags_were_read_is_gone(
    aws: Aws, dynamodb: Any, deployed: Deployed
) -> None:
    outputs = make(dataclasses.replace(table, deletion_protection=False), deployed)
    refused_as_for_what_is_not_there(aws)
    dynamodb.delete_table(TableName=table.name)
    assert Table.tags_of(aws, outputs) is None


def test_a_table_whose_tags_may_not_be_read_is_not_taken_for_gone(
    aws: Aws, deployed: Deployed
) -> None:
    outputs = make(table, deployed)
    refused_as_for_what_is_not_there(aws)
    with pytest.raises(ClientError, match="AccessDeniedException"):
        Table.tags_of(aws, outputs)
