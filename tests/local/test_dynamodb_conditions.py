"""Which attributes a request names, as conditions of policies see them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from batchctl.local.emulator.dynamodb_conditions import condition_keys

KEY = {"job_id": {"S": "demo-1"}, "item": {"S": "RESULT#A"}}


def keys(**request: Any) -> dict[str, Any]:
    return condition_keys(json.dumps(request).encode())


def test_a_put_names_what_it_writes_and_what_its_condition_reads() -> None:
    found = keys(
        TableName="jobs",
        Item={**KEY, "result": {"S": "{}"}},
        ConditionExpression="attribute_not_exists(job_id) OR (#status <> :s AND size(a.b) > :n)",
        ExpressionAttributeNames={"#status": "status"},
    )
    assert found["dynamodb:Attributes"] == ["a", "item", "job_id", "result", "status"]
    assert found["dynamodb:ReturnValues"] == "NONE"
    assert found["dynamodb:LeadingKeys"] == ["demo-1"]


def test_a_put_tells_what_it_has_returned() -> None:
    assert keys(Item=KEY, ReturnValues="ALL_OLD")["dynamodb:ReturnValues"] == "ALL_OLD"


def test_a_batch_of_reads_names_its_keys_and_its_projection() -> None:
    reads = {
        "jobs": {
            "Keys": [KEY],
            "ProjectionExpression": "#item, items[0], parameters.seed",
            "ExpressionAttributeNames": {"#item": "item"},
        }
    }
    assert keys(RequestItems=reads) == {
        "dynamodb:Attributes": ["item", "items", "job_id", "parameters"],
        "dynamodb:LeadingKeys": ["demo-1"],
        "dynamodb:Select": "SPECIFIC_ATTRIBUTES",
    }


def test_one_read_of_whole_items_makes_it_a_read_of_whole_items() -> None:
    reads = {"jobs": {"Keys": [KEY], "ProjectionExpression": "item"}, "others": {"Keys": [KEY]}}
    assert keys(RequestItems=reads)["dynamodb:Select"] == "ALL_ATTRIBUTES"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"Key": {}}', b'{"RequestItems": {"jobs": [{"PutRequest": {}}]}}'],
)
def test_of_other_requests_nothing_is_said(body: bytes) -> None:
    assert condition_keys(body) == {}
