"""Who may do what on a really started local cloud, and its way from the port to a function."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_cloud import ENDED, Cloud, allow, create_function, eventually, expose, function, invoke

from batchctl.local.control.record import ACCESS_KEY_ID

pytestmark = pytest.mark.e2e

BATCH_ARN = f"arn:aws:batch:us-east-1:{ACCESS_KEY_ID}"


@pytest.mark.parametrize(
    ("resources", "is_allowed"),
    [
        ([f"{BATCH_ARN}:job-queue/work", f"{BATCH_ARN}:job-definition/compute"], True),
        ([f"{BATCH_ARN}:job-queue/work", f"{BATCH_ARN}:job-definition/compute:*"], True),
        ([f"{BATCH_ARN}:job-queue/work", f"{BATCH_ARN}:job-definition/other"], False),
        ([f"{BATCH_ARN}:job-queue/work"], False),
        ([f"{BATCH_ARN}:job-definition/compute"], False),
        ([f"{BATCH_ARN}:job-queue/other", f"{BATCH_ARN}:job-definition/compute"], False),
    ],
)
def test_submit_needs_permission_for_the_queue_and_the_definition(
    cloud: Cloud, resources: list[str], *, is_allowed: bool
) -> None:
    name = f"caller-{abs(hash(tuple(resources)))}"
    policy = allow("batch:SubmitJob", *resources)
    role = cloud.role(name, "lambda.amazonaws.com", policy)
    given = cloud.sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    caller = cloud.client(
        "batch",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    request = {"jobName": "job", "jobQueue": "work", "jobDefinition": "compute"}
    if is_allowed:
        cloud.wait(caller.submit_job(**request)["jobId"], *ENDED)
        return
    with pytest.raises(ClientError) as caught:
        caller.submit_job(**request)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "batch:SubmitJob" in caught.value.response["Error"]["Message"]


def test_a_wrong_secret_is_refused(cloud: Cloud) -> None:
    user = cloud.iam.create_user(UserName="someone")["User"]["UserName"]
    key = cloud.iam.create_access_key(UserName=user)["AccessKey"]
    caller = cloud.client(
        "batch", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key="guessed"
    )
    with pytest.raises(ClientError, match=r"[Ss]ignature"):
        caller.list_jobs(jobQueue="work")


def fetch(url: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own loopback URL
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_the_load_balancers_port_leads_to_a_function(cloud: Cloud) -> None:
    url = cloud.running.load_balancer_url
    assert fetch(f"{url}/v1/tasks")[0] == 503

    expose(cloud, function(cloud))

    wanted = {"path": "/health", "method": "GET", "port": str(cloud.running.load_balancer_port)}
    assert fetch(f"{url}/health") == (200, wanted)
    streams = cloud.logs.describe_log_streams(logGroupName="/aws/lambda/echo")["logStreams"]
    assert streams


LISTER = """
    import boto3
    def handler(event, context):
        names = [{"name": "JOB_NAME", "values": ["seen"]}]
        found = boto3.client("batch").list_jobs(jobQueue="work", filters=names)
        return [job["jobId"] for job in found["jobSummaryList"]]
"""


def test_a_function_calls_batch_with_its_own_role(cloud: Cloud) -> None:
    job_id = cloud.submit(["true"], jobName="seen")
    role = cloud.role("lister", "lambda.amazonaws.com", allow("batch:ListJobs", "*"))
    create_function(cloud, "lister", role, LISTER)

    assert json.load(invoke(cloud, "lister")["Payload"]) == [job_id]
    cloud.iam.delete_role_policy(RoleName="lister", PolicyName="p")
    assert "AccessDenied" in invoke(cloud, "lister")["Payload"].read().decode()


CONSUMER = """
    def handler(event, context):
        for record in event["Records"]:
            print("received", record["body"])
"""


def test_a_message_in_a_queue_reaches_a_function_and_its_log(cloud: Cloud) -> None:
    queue = cloud.sqs.create_queue(QueueName="messages")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{ACCESS_KEY_ID}:messages"
    role = cloud.role("consumer", "lambda.amazonaws.com", allow("sqs:*", arn))
    create_function(cloud, "consumer", role, CONSUMER)
    cloud.client("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName="consumer", BatchSize=10
    )
    cloud.sqs.send_message(QueueUrl=queue, MessageBody="hello")

    def messages() -> str:
        groups = cloud.logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/consumer")
        if not groups["logGroups"]:
            return ""
        events = cloud.logs.filter_log_events(logGroupName="/aws/lambda/consumer")["events"]
        return "\n".join(event["message"] for event in events)

    assert "received hello" in eventually(messages, lambda text: "received" in text)
