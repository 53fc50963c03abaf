"""What the roles of an application may do and what not, as a really started local cloud has it.

The policies are those that the stack makes: nothing in here is written for the test but the attack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from local_cloud import Cloud

import batchctl.stack
from batchctl.aws.session import Aws, Connection
from batchctl.config import Config
from batchctl.contract.progress import ProgressRecord
from batchctl.local.control.record import ACCESS_KEY_ID
from batchctl.packaging import function_package
from batchctl.resource import Deployed, Outputs, Resource
from batchctl.resources.batch.definitions import JobDefinitionOutputs
from batchctl.resources.dynamodb.tables import TableOutputs
from batchctl.runner import job_table

pytestmark = pytest.mark.e2e

TABLE = "batchapp-jobs"
BATCH = f"arn:aws:batch:us-east-1:{ACCESS_KEY_ID}"
KEY = {"job_id": {"S": "demo-1"}, "item": {"S": "JOB"}}
MARK = {"batchctl:stack": "batchapp", "batchctl:job": "demo-1"}
JOB = {"jobName": "demo-1-0", "jobQueue": "work", "jobDefinition": "compute"}

Client = Callable[[str, str], Any]


@pytest.fixture(scope="module")
def as_role(cloud: Cloud) -> Client:
    """Give a client of a service with the credentials of one of the application's roles."""
    made: dict[str, Any] = {}

    def client(role: str, service: str) -> Any:
        if role not in made:
            principal = "ecs-tasks.amazonaws.com" if role == "job" else "lambda.amazonaws.com"
            arn = cloud.role(f"policies-{role}", principal, _policy_of(role))
            session = cloud.sts.assume_role(RoleArn=arn, RoleSessionName="test")
            made[role] = session["Credentials"]
        given = made[role]
        return cloud.client(
            service,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )

    return client


def _policy_of(label: str) -> dict[str, Any]:
    """Return the policy of a role of the stack, over the queue and definition of the test cloud."""
    resources = batchctl.stack.build(Config(), image="batchapp:1", package=function_package())
    by_address: dict[str, Resource[Any]] = {each.address: each for each in resources}
    aws = Aws(Connection(boto3.Session(region_name="us-east-1")), stack="batchapp", tags={})
    vars(aws)["account"] = ACCESS_KEY_ID
    deployed = Deployed(aws)
    table = f"arn:aws:dynamodb:us-east-1:{ACCESS_KEY_ID}:table/{TABLE}"
    definition = f"{BATCH}:job-definition/compute"
    for address, outputs in (
        ("table.jobs", TableOutputs(TABLE, table, "by_created_at")),
        ("job_queue.compute", Outputs("work", f"{BATCH}:job-queue/work")),
        ("job_definition.compute", JobDefinitionOutputs("compute", f"{definition}:1", definition)),
    ):
        deployed.add(by_address[address], outputs)
    policy: dict[str, Any] = by_address[f"role.{label}"].desired(deployed)["Policies"]["batchctl"]
    return policy


@pytest.fixture(scope="module")
def table(cloud: Cloud) -> str:
    """A job table with a job of two items."""
    names = {"job_id": "HASH", "item": "RANGE"}
    cloud.dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names.items()],
    )
    job = {
        "items": {"N": "2"},
        "layout": {"N": "2"},
        "created_at": {"S": "2026-11-28"},
        "content_hash": {"S": "h"},
    }
    universe = {"L": [{"S": "A"}, {"S": "B"}]}
    cloud.dynamodb.put_item(TableName=TABLE, Item={**KEY, **job})
    cloud.dynamodb.put_item(
        TableName=TABLE, Item={**KEY, "item": {"S": "UNIVERSE#00000000"}, "items": universe}
    )
    return TABLE


def denied(call: Callable[..., Any], **request: Any) -> None:
    with pytest.raises(ClientError) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


def test_the_runner_reads_its_slice_and_records_results(as_role: Client, table: str) -> None:
    jobs = job_table.JobTable(as_role("job", "dynamodb"), table)
    part = job_table.Slice("demo-1", 0, 2)
    assert jobs.read(part).items == ("A", "B")
    assert jobs.record("demo-1", "A", job_table.Outcome('{"a": 1}', None, 1, 0.5))
    assert jobs.record("demo-1", "B", job_table.Outcome(None, "no price", 3, 0.5))
    assert jobs.read(part).items == ("B",)


@pytest.mark.parametrize(
    "forged",
    [
        {"listing": {"S": "jobs"}},
        {"created_at": {"S": "2026-11-28"}},
        {"content_hash": {"S": "h"}},
        {"batch_jobs": {"L": []}},
        {"items": {"L": [{"S": "other"}]}},
    ],
    ids=lambda forged: next(iter(forged)),
)
def test_a_container_writes_no_attribute_of_a_job_or_of_the_list(
    as_role: Client, table: str, forged: dict[str, Any]
) -> None:
    item = {**KEY, "status": {"S": "SUCCEEDED"}, **forged}
    denied(as_role("job", "dynamodb").put_item, TableName=table, Item=item)


@pytest.mark.parametrize("item", ["JOB", "UNIVERSE#00000000", "RESULT#A"])
def test_a_container_writes_nothing_under_the_id_of_a_job(
    as_role: Client, table: str, item: str
) -> None:
    forged = {"job_id": {"S": "demo-1"}, "item": {"S": item}, "status": {"S": "SUCCEEDED"}}
    denied(as_role("job", "dynamodb").put_item, TableName=table, Item=forged)


def test_a_container_records_the_progress_of_its_task(as_role: Client, table: str) -> None:
    put = as_role("job", "dynamodb").put_item
    record = ProgressRecord(1, 0, b"\x01\x00").as_item("demo-1", None)
    put(TableName=table, Item=record)
    denied(put, TableName=table, Item={**record, "status": {"S": "SUCCEEDED"}})


def test_a_container_is_not_given_what_it_overwrites(as_role: Client, table: str) -> None:
    result = {
        "job_id": {"S": "demo-1#RESULTS"},
        "item": {"S": "RESULT#C"},
        "status": {"S": "FAILED"},
    }
    put = as_role("job", "dynamodb").put_item
    denied(put, TableName=table, Item=result, ReturnValues="ALL_OLD")
    put(TableName=table, Item=result, ReturnValues="NONE")


def test_a_container_reads_no_results_and_no_whole_items(as_role: Client, table: str) -> None:
    read = as_role("job", "dynamodb").batch_get_item
    denied(read, RequestItems={table: {"Keys": [KEY]}})
    denied(read, RequestItems={table: {"Keys": [KEY], "ProjectionExpression": "content_hash"}})
    answer = read(RequestItems={table: {"Keys": [KEY], "ProjectionExpression": "job_id"}})
    assert answer["Responses"][table] == [{"job_id": KEY["job_id"]}]


def test_the_splitter_submits_with_the_stacks_mark_and_no_other(
    cloud: Cloud, as_role: Client
) -> None:
    submit = as_role("splitter", "batch").submit_job
    job_id = submit(**JOB, tags=MARK)["jobId"]
    tags = cloud.batch.list_tags_for_resource(resourceArn=f"{BATCH}:job/{job_id}")["tags"]
    assert tags == MARK
    denied(submit, **JOB, tags={"batchctl:stack": "other"})
    denied(submit, **JOB, tags={**MARK, "team": "quant"})
    denied(as_role("tracker", "batch").submit_job, **JOB, tags=MARK)


@pytest.mark.parametrize("role", ["splitter", "tracker"])
def test_a_function_ends_the_stacks_jobs_and_no_others(
    cloud: Cloud, as_role: Client, role: str
) -> None:
    terminate = as_role(role, "batch").terminate_job
    long = ["sleep", "60"]
    ours = cloud.submit(long, arrayProperties={"size": 2}, tags=MARK)
    unmarked = cloud.submit(long)
    of_other_stack = cloud.submit(long, tags={"batchctl:stack": "other"})
    for job_id in (unmarked, of_other_stack, f"{ours}:0", "00000000-unknown"):
        denied(terminate, jobId=job_id, reason="test")

    terminate(jobId=ours, reason="test")

    assert cloud.wait(ours, "FAILED")["arrayProperties"]["statusSummary"]["FAILED"] == 2
    for job_id in (unmarked, of_other_stack):
        assert cloud.job(job_id)["status"] not in ("SUCCEEDED", "FAILED")
        cloud.batch.terminate_job(jobId=job_id, reason="the end of the test")


def test_the_splitter_alone_marks_jobs_but_not_those_of_another_stack(
    cloud: Cloud, as_role: Client
) -> None:
    old = cloud.submit(["sleep", "60"])
    of_other_stack = cloud.submit(["sleep", "60"], tags={"batchctl:stack": "other"})
    tag = as_role("splitter", "batch").tag_resource

    denied(as_role("tracker", "batch").tag_resource, resourceArn=f"{BATCH}:job/{old}", tags=MARK)
    denied(tag, resourceArn=f"{BATCH}:job/{of_other_stack}", tags=MARK)
    denied(tag, resourceArn=f"{BATCH}:job-queue/work", tags=MARK)
    tag(resourceArn=f"{BATCH}:job/{old}", tags=MARK)

    as_role("tracker", "batch").terminate_job(jobId=old, reason="test")
    assert cloud.wait(old, "FAILED")["statusReason"] == "test"
    cloud.batch.terminate_job(jobId=of_other_stack, reason="the end of the test")
