"""Jobs on a really started local cloud."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from local_cloud import ENDED, Cloud, create_environment, eventually, register

pytestmark = pytest.mark.e2e


def test_a_job_writes_to_a_table_with_its_role_and_to_its_log(cloud: Cloud) -> None:
    code = (
        "import boto3; db = boto3.client('dynamodb');"
        "db.put_item(TableName='results', Item={'id': {'S': 'one'}}); print('written')"
    )
    job_id = cloud.submit(["python", "-c", code])

    assert cloud.wait(job_id, *ENDED)["status"] == "SUCCEEDED", cloud.log(job_id)
    assert cloud.log(job_id) == ["written"]
    item = cloud.dynamodb.get_item(TableName="results", Key={"id": {"S": "one"}})["Item"]
    assert item == {"id": {"S": "one"}}


def test_a_job_may_do_only_what_its_role_allows(cloud: Cloud) -> None:
    code = (
        "import boto3; boto3.client('dynamodb').get_item("
        "TableName='results', Key={'id': {'S': 'one'}})"
    )
    job_id = cloud.submit(["python", "-c", code])
    assert cloud.wait(job_id, *ENDED)["status"] == "FAILED"
    assert "AccessDenied" in cloud.log(job_id)[-1]


def test_an_array_of_five_runs_each_child_once(cloud: Cloud) -> None:
    command = ["sh", "-c", "echo index $AWS_BATCH_JOB_ARRAY_INDEX"]
    job_id = cloud.submit(command, arrayProperties={"size": 5})

    job = cloud.wait(job_id, *ENDED)

    children = [cloud.job(f"{job_id}:{index}") for index in range(5)]
    assert job["status"] == "SUCCEEDED", [each.get("attempts") for each in children]
    assert job["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 5
    lines = [cloud.log(f"{job_id}:{index}") for index in range(5)]
    assert lines == [[f"index {index}"] for index in range(5)]


def test_a_role_that_does_not_trust_ecs_tasks_gives_no_job_credentials(cloud: Cloud) -> None:
    register(cloud, "wrong-trust", jobRoleArn=cloud.role("other", "ec2.amazonaws.com"))
    job_id = cloud.submit(["true"], jobDefinition="wrong-trust")
    job = cloud.wait(job_id, *ENDED)
    assert job["statusReason"] == "Task failed to start"
    assert "ecs-tasks.amazonaws.com" in job["container"]["reason"]


def test_a_missing_log_group_fails_the_job(cloud: Cloud) -> None:
    register(
        cloud,
        "no-group",
        logConfiguration={"logDriver": "awslogs", "options": {"awslogs-group": "/none"}},
    )
    job = cloud.wait(cloud.submit(["true"], jobDefinition="no-group"), *ENDED)
    assert job["status"] == "FAILED"
    assert "/none" in job["container"]["reason"]


def test_a_terminated_job_ends_with_the_reason_given(cloud: Cloud) -> None:
    job_id = cloud.submit(["sleep", "600"])
    cloud.wait(job_id, "RUNNING")
    cloud.batch.terminate_job(jobId=job_id, reason="enough")
    job = cloud.wait(job_id, *ENDED)
    assert (job["status"], job["statusReason"]) == ("FAILED", "enough")


def test_an_interrupted_job_is_retried_and_succeeds(cloud: Cloud) -> None:
    script = "echo attempt $AWS_BATCH_JOB_ATTEMPT; [ $AWS_BATCH_JOB_ATTEMPT = 2 ] || exec sleep 600"
    command = ["sh", "-c", script]
    rules = [
        {"onStatusReason": "Host EC2*", "action": "RETRY"},
        {"onReason": "*", "action": "EXIT"},
    ]
    strategy = {"attempts": 10, "evaluateOnExit": rules}
    job_id = cloud.submit(command, retryStrategy=strategy)
    cloud.wait(job_id, "RUNNING")
    eventually(lambda: cloud.log(job_id), bool)

    request = urllib.request.Request(  # noqa: S310 - our own loopback URL
        f"{cloud.running.endpoint_url}/_batchctl/interrupt",
        data=b"{}",
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Bearer {cloud.running.root[1]}",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
        assert json.load(answer)["interrupted"] == [job_id]

    job = cloud.wait(job_id, *ENDED)
    assert job["status"] == "SUCCEEDED"
    assert len(job["attempts"]) == 2
    assert job["attempts"][0]["statusReason"].startswith("Host EC2 (instance i-")
    assert [logged(cloud, attempt) for attempt in job["attempts"]] == [["attempt 1"], ["attempt 2"]]


def logged(cloud: Cloud, attempt: dict[str, Any]) -> list[str]:
    """The lines of the log stream that one attempt has to itself."""
    stream = attempt["container"]["logStreamName"]
    events = cloud.logs.get_log_events(logGroupName="/batchapp", logStreamName=stream)["events"]
    return [event["message"] for event in events]


def test_an_environment_with_a_missing_instance_profile_is_invalid(cloud: Cloud) -> None:
    environment = create_environment(cloud, "broken", "no-such-profile")
    assert environment["status"] == "INVALID"
    assert "no-such-profile" in environment["statusReason"]
