"""State changes of jobs on a really started local cloud: to a rule's function, or its dead letters.

The function keeps what it gets in the table, as nothing else of a function is seen at once.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from local_cloud import Cloud, allow, create_function, eventually, register

from batchctl.contract.noteworthy_ends import NOTEWORTHY_ENDS

pytestmark = pytest.mark.e2e

SOURCE = """
    import boto3
    def handler(event, context):
        detail = event["detail"]
        key = "event " + detail["jobId"] + " " + detail["status"]
        boto3.client("dynamodb").put_item(TableName="results", Item={"id": {"S": key}})
"""


@pytest.fixture(scope="module")
def rule(cloud: Cloud) -> str:
    """A rule for the ends of the jobs of `work`, with a function and a dead-letter queue."""
    pattern = {
        "source": ["aws.batch"],
        "detail-type": ["Batch Job State Change"],
        "detail": {"jobQueue": [{"suffix": "job-queue/work"}], "status": ["SUCCEEDED", "FAILED"]},
    }
    arn: str = cloud.events.put_rule(Name="ends", EventPattern=json.dumps(pattern))["RuleArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
        "Condition": {"ArnEquals": {"aws:SourceArn": arn}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    cloud.sqs.create_queue(QueueName="dead", Attributes={"Policy": policy})
    role = cloud.role("listener", "lambda.amazonaws.com", allow("*", "*"))
    function = create_function(cloud, "listener", role, SOURCE)
    dead = "arn:aws:sqs:us-east-1:000000000000:dead"
    target = {"Id": "1", "Arn": function, "DeadLetterConfig": {"Arn": dead}}
    cloud.events.put_targets(Rule="ends", Targets=[target])
    return arn


@pytest.mark.parametrize(
    ("detail", "is_noteworthy"),
    [
        ({"status": "SUCCEEDED", "arrayProperties": {"index": 0}}, False),
        ({"status": "SUCCEEDED", "arrayProperties": {"index": 7, "size": 9}}, False),
        ({"status": "FAILED", "arrayProperties": {"index": 7}}, True),
        ({"status": "SUCCEEDED", "arrayProperties": {"size": 9}}, True),
        ({"status": "SUCCEEDED"}, True),
        ({"status": "RUNNING", "arrayProperties": {"size": 9}}, False),
        (
            {
                "status": "SUCCEEDED",
                "arrayProperties": {"index": 7},
                "attempts": [
                    {"statusReason": "Host EC2 (instance i-1) terminated.", "container": {}},
                    {"statusReason": "", "container": {"exitCode": 0}},
                ],
            },
            True,
        ),
        (
            {
                "status": "SUCCEEDED",
                "arrayProperties": {"index": 7},
                "attempts": [{"container": {"exitCode": 143}}, {"container": {"exitCode": 0}}],
            },
            True,
        ),
    ],
)
def test_the_tracker_hears_of_all_but_children_that_succeed_at_once(
    cloud: Cloud, detail: dict[str, Any], is_noteworthy: bool
) -> None:
    pattern = {"detail": {"$or": [dict(each) for each in NOTEWORTHY_ENDS]}}
    event = {
        "id": "1",
        "account": "000000000000",
        "source": "aws.batch",
        "time": "2026-11-28T00:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail-type": "Batch Job State Change",
        "detail": detail,
    }
    answer = cloud.events.test_event_pattern(
        EventPattern=json.dumps(pattern), Event=json.dumps(event)
    )
    assert answer["Result"] is is_noteworthy


def letters(cloud: Cloud) -> list[dict[str, Any]]:
    url = cloud.sqs.get_queue_url(QueueName="dead")["QueueUrl"]
    found = cloud.sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0
    )
    return list(found.get("Messages", []))


def test_without_the_functions_permission_events_end_in_the_dead_letters(
    cloud: Cloud, rule: str
) -> None:
    job_id = cloud.submit(["true"])
    (letter,) = eventually(lambda: letters(cloud), bool)
    assert json.loads(letter["Body"])["detail"]["jobId"] == job_id
    attributes = letter["MessageAttributes"]
    assert attributes["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert attributes["RULE_ARN"]["StringValue"] == rule


def test_the_function_gets_the_end_of_every_child_and_of_the_array(cloud: Cloud, rule: str) -> None:
    getattr(cloud, "lambda").add_permission(
        FunctionName="listener",
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    command = ["sh", "-c", "exit $AWS_BATCH_JOB_ARRAY_INDEX"]
    job_id = cloud.submit(command, arrayProperties={"size": 2})

    def told() -> set[str]:
        items = cloud.dynamodb.scan(TableName="results")["Items"]
        return {item["id"]["S"] for item in items if job_id in item["id"]["S"]}

    expected = {
        f"event {job_id}:0 SUCCEEDED",
        f"event {job_id}:1 FAILED",
        f"event {job_id} FAILED",
    }
    assert eventually(told, lambda found: len(found) >= 3) == expected


def test_an_image_that_is_not_in_the_accounts_registry_cannot_be_pulled(cloud: Cloud) -> None:
    image = "000000000000.dkr.ecr.us-east-1.amazonaws.com/none:1"
    register(cloud, "no-image", image=image)
    job = cloud.wait(cloud.submit(["true"], jobDefinition="no-image"), "SUCCEEDED", "FAILED")
    assert job["statusReason"] == "Task failed to start"
    assert job["container"]["reason"].startswith("CannotPullContainerError: ")


def test_what_takes_too_much_memory_is_killed(cloud: Cloud) -> None:
    code = "import time; held = bytearray(700 << 20); time.sleep(600)"
    job = cloud.wait(cloud.submit(["python", "-c", code]), "SUCCEEDED", "FAILED")
    assert job["container"]["exitCode"] == 137
    assert job["container"]["reason"].startswith("OutOfMemoryError: ")
