from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from local_batch import LocalBatch

from batchctl.local.batch.api.endpoint import Endpoint
from batchctl.local.batch.api.permissions import resources, tagged_at_creation
from batchctl.local.batch.api.protocol import Request
from batchctl.local.batch.model.scope import Scope

ARN = "arn:aws:batch:us-east-1:000000000000"
SCOPE = Scope("us-east-1", "000000000000")


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("DescribeJobs", {"jobs": ["a"]}, [("*",)]),
        ("ListJobs", {"jobQueue": "work"}, [("*",)]),
        ("TerminateJob", {"jobId": "a"}, [(f"{ARN}:job/a",)]),
        ("CancelJob", {"jobId": "a"}, [(f"{ARN}:job/a",)]),
        ("DeleteJobQueue", {"jobQueue": "work"}, [(f"{ARN}:job-queue/work",)]),
        ("DeleteJobQueue", {"jobQueue": f"{ARN}:job-queue/work"}, [(f"{ARN}:job-queue/work",)]),
        ("RegisterJobDefinition", {"jobDefinitionName": "c"}, [(f"{ARN}:job-definition/c",)]),
        ("DeregisterJobDefinition", {"jobDefinition": "c:2"}, [(f"{ARN}:job-definition/c:2",)]),
        ("TagResource", {"resourceArn": f"{ARN}:job/a"}, [(f"{ARN}:job/a",)]),
        (
            "CreateJobQueue",
            {"jobQueueName": "work", "computeEnvironmentOrder": [{"computeEnvironment": "spot"}]},
            [(f"{ARN}:job-queue/work",), (f"{ARN}:compute-environment/spot",)],
        ),
        (
            "SubmitJob",
            {"jobQueue": "work", "jobDefinition": "c"},
            [
                (f"{ARN}:job-queue/work",),
                (f"{ARN}:job-definition/c", f"{ARN}:job-definition/c:3"),
            ],
        ),
        (
            "SubmitJob",
            {"jobQueue": "work", "jobDefinition": "c:1"},
            [(f"{ARN}:job-queue/work",), (f"{ARN}:job-definition/c:1",)],
        ),
    ],
)
def test_a_call_is_authorised_on_the_resources_that_aws_names(
    operation: str, parameters: dict[str, object], expected: list[tuple[str, ...]]
) -> None:
    assert resources(Request(operation, parameters), SCOPE, 3) == expected


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("SubmitJob", {"jobQueue": "work", "tags": {"a": "b"}}, f"{ARN}:job/*"),
        ("SubmitJob", {"jobQueue": "work", "tags": {}}, None),
        ("CreateJobQueue", {"jobQueueName": "w", "tags": {"a": "b"}}, f"{ARN}:job-queue/w"),
        ("TagResource", {"resourceArn": f"{ARN}:job/a", "tags": {"a": "b"}}, None),
        ("DescribeJobs", {"jobs": ["a"]}, None),
    ],
)
def test_what_is_made_with_tags_may_be_tagged(
    operation: str, parameters: dict[str, object], expected: str | None
) -> None:
    assert tagged_at_creation(Request(operation, parameters), SCOPE) == expected


def test_a_submission_with_tags_needs_permission_to_tag(ready: LocalBatch) -> None:
    ready.denied_arns = {f"{ARN}:job/*"}
    assert ready.status(ready.submit()) == "STARTING"
    with pytest.raises(ClientError, match="batch:TagResource"):
        ready.submit(tags={"batchctl:stack": "batchapp"})


def test_an_array_has_tags_and_its_children_have_none(ready: LocalBatch) -> None:
    endpoint = Endpoint(ready.service)
    job_id = ready.submit(arrayProperties={"size": 2}, tags={"a": "b"})
    assert endpoint.tags_of(f"{ARN}:job/{job_id}") == {"a": "b"}
    assert endpoint.tags_of(f"{ARN}:job/{job_id}:0") is None
    with pytest.raises(ClientError, match="does not exist"):
        ready.client.tag_resource(resourceArn=f"{ARN}:job/{job_id}:0", tags={"c": "d"})


def test_a_submission_needs_permission_for_its_job_definition_too(ready: LocalBatch) -> None:
    ready.denied_arns = {f"{ARN}:job-definition/compute", f"{ARN}:job-definition/compute:1"}
    with pytest.raises(ClientError) as caught:
        ready.submit()
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    assert ready.changes == []


@pytest.mark.parametrize("denied", ["compute", "compute:1"])
def test_permission_for_either_form_of_the_job_definition_is_enough(
    ready: LocalBatch, denied: str
) -> None:
    ready.denied_arns = {f"{ARN}:job-definition/{denied}"}
    assert ready.status(ready.submit()) == "STARTING"


def test_the_chief_resource_is_read_from_the_raw_request(ready: LocalBatch) -> None:
    endpoint = Endpoint(ready.service)
    body = b'{"jobName": "a", "jobQueue": "work", "jobDefinition": "compute"}'
    assert endpoint.chief_resource("POST", "/v1/submitjob", {}, body) == f"{ARN}:job-queue/work"
    assert endpoint.chief_resource("GET", f"/v1/tags/{ARN}:job/a", {}, b"") == f"{ARN}:job/a"
    assert endpoint.chief_resource("POST", "/v1/none", {}, b"") == "*"
