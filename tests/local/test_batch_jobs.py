from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_batch import LocalBatch

from batchctl.local.batch.api.endpoint import Endpoint


def test_a_job_goes_through_every_state_to_its_end(ready: LocalBatch) -> None:
    job_id = ready.submit()
    ready.run(job_id)
    ready.end(job_id)

    states = [status for changed, status in ready.changes if changed == job_id]
    assert states == ["SUBMITTED", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]


def test_a_finished_job_shows_its_times_exit_code_and_log_stream(ready: LocalBatch) -> None:
    job_id = ready.submit()
    ready.advance(5)
    task = ready.run(job_id)
    ready.advance(10)
    ready.end(job_id)

    job = ready.job(job_id)
    assert job["startedAt"] - job["createdAt"] == 5000
    assert job["stoppedAt"] - job["startedAt"] == 10_000
    assert job["statusReason"] == "Essential container in task exited"
    assert job["container"]["exitCode"] == 0
    assert job["container"]["logStreamName"] == f"compute/default/{task.id}"
    assert job["attempts"][0]["container"]["logStreamName"] == f"compute/default/{task.id}"
    assert job["container"]["taskArn"].endswith(task.id)


def test_a_job_that_exits_with_an_error_has_failed(ready: LocalBatch) -> None:
    job_id = ready.submit()
    ready.run(job_id)
    ready.end(job_id, 3)

    assert ready.status(job_id) == "FAILED"
    assert ready.job(job_id)["container"]["exitCode"] == 3


def test_a_job_that_could_not_be_started_says_why_and_has_no_exit_code(ready: LocalBatch) -> None:
    job_id = ready.submit()
    ready.end(job_id, None, "CannotStartContainerError: no such log group")

    job = ready.job(job_id)
    assert job["status"] == "FAILED"
    assert job["statusReason"] == "Task failed to start"
    assert job["container"]["reason"] == "CannotStartContainerError: no such log group"
    assert "exitCode" not in job["container"]
    assert "startedAt" not in job


def test_a_task_gets_the_variables_that_batch_sets(ready: LocalBatch) -> None:
    job_id = ready.submit()
    environment = ready.task(job_id).environment

    assert environment["AWS_BATCH_JOB_ID"] == job_id
    assert environment["AWS_BATCH_JOB_ATTEMPT"] == "1"
    assert environment["AWS_BATCH_JQ_NAME"] == "work"
    assert environment["AWS_BATCH_CE_NAME"] == "spot"
    assert "AWS_BATCH_JOB_ARRAY_INDEX" not in environment


def test_a_task_gets_no_region_that_its_definition_does_not_set(ready: LocalBatch) -> None:
    """As on AWS, where older ECS agents add none."""
    names = ready.task(ready.submit()).environment.keys()

    assert not {"AWS_DEFAULT_REGION", "AWS_REGION"} & names


def test_overrides_replace_the_command_and_add_to_the_environment(ready: LocalBatch) -> None:
    ready.definition(
        containerProperties={
            "environment": [{"name": "KEPT", "value": "1"}, {"name": "CHANGED", "value": "1"}],
            "jobRoleArn": "arn:aws:iam::000000000000:role/job",
        }
    )
    job_id = ready.submit(
        containerOverrides={
            "command": ["sh", "-c", "true"],
            "environment": [{"name": "CHANGED", "value": "2"}, {"name": "ADDED", "value": "3"}],
            "resourceRequirements": [{"type": "MEMORY", "value": "2048"}],
        }
    )

    task = ready.task(job_id)
    assert task.command == ("sh", "-c", "true")
    wanted = {"KEPT": "1", "CHANGED": "2", "ADDED": "3"}
    assert {name: task.environment[name] for name in wanted} == wanted
    assert task.memory_mib == 2048
    assert task.vcpus == 1
    assert task.role_arn == "arn:aws:iam::000000000000:role/job"


def test_placeholders_in_the_command_are_filled_from_parameters(ready: LocalBatch) -> None:
    ready.definition(
        containerProperties={"command": ["go", "Ref::kind", "--to=Ref::where", "Ref::unset"]},
        parameters={"kind": "slow", "where": "here"},
    )
    job_id = ready.submit(parameters={"kind": "fast"})
    assert ready.task(job_id).command == ("go", "fast", "--to=here", "Ref::unset")


def test_logs_go_where_the_definition_says(ready: LocalBatch) -> None:
    options = {"awslogs-group": "/batchapp/compute", "awslogs-stream-prefix": "run"}
    ready.definition(
        containerProperties={"logConfiguration": {"logDriver": "awslogs", "options": options}}
    )
    task = ready.task(ready.submit())
    assert task.log_group == "/batchapp/compute"
    assert task.log_stream == f"run/default/{task.id}"


def test_logs_go_to_the_default_group_otherwise(ready: LocalBatch) -> None:
    assert ready.task(ready.submit()).log_group == "/aws/batch/job"


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"jobName": "a b"}, "jobName"),
        ({"jobName": "x" * 129}, "jobName"),
        ({"jobQueue": "none"}, "does not exist"),
        ({"jobDefinition": "none"}, "does not exist"),
        ({"arrayProperties": {"size": 1}}, "between 2 and 10000"),
        ({"arrayProperties": {"size": 10_001}}, "between 2 and 10000"),
        ({"timeout": {"attemptDurationSeconds": 30}}, "at least 60"),
        ({"retryStrategy": {"attempts": 11}}, "between 1 and 10"),
        ({"dependsOn": [{"jobId": "none"}]}, "does not exist"),
        ({"dependsOn": [{"jobId": "x"}] * 21}, "more than 20 dependencies"),
        ({"containerOverrides": {"command": ["a", ""]}}, "empty string"),
        (
            {"containerOverrides": {"environment": [{"name": "A", "value": "x" * 8192}]}},
            "Container Overrides length must be at most 8192",
        ),
        (
            {"containerOverrides": {"environment": [{"name": "AWS_BATCH_A", "value": "x"}]}},
            "AWS_BATCH",
        ),
        ({"parameters": {"a": "x" * 31_000}}, "30720 bytes"),
    ],
)
def test_a_job_that_aws_refuses_is_refused_and_leaves_nothing(
    ready: LocalBatch, members: dict[str, Any], text: str
) -> None:
    with pytest.raises(ClientError, match=text) as caught:
        ready.submit(**members)
    assert caught.value.response["Error"]["Code"] == "ClientException"
    assert ready.changes == []


def test_unknown_jobs_are_missing_from_an_answer(ready: LocalBatch) -> None:
    job_id = ready.submit()
    found = ready.client.describe_jobs(jobs=["none", job_id, f"{job_id}:0"])["jobs"]
    assert [job["jobId"] for job in found] == [job_id]


def test_more_than_a_hundred_jobs_are_not_described_at_once(ready: LocalBatch) -> None:
    with pytest.raises(ClientError, match="At most 100"):
        ready.client.describe_jobs(jobs=["x"] * 101)


def test_a_job_has_its_own_tags_and_the_definitions_when_it_propagates_them(
    ready: LocalBatch,
) -> None:
    ready.definition(tags={"from": "definition", "team": "risk"}, propagateTags=True)
    job_id = ready.submit(tags={"from": "job"})
    assert ready.job(job_id)["tags"] == {"from": "job", "team": "risk"}
    arn = ready.job(job_id)["jobArn"]
    assert ready.client.list_tags_for_resource(resourceArn=arn)["tags"]["from"] == "job"


def test_an_operation_that_is_not_served_says_so(ready: LocalBatch) -> None:
    with pytest.raises(ClientError, match="does not serve ListServiceJobs"):
        ready.client.list_service_jobs()


def test_a_request_that_botocores_model_forbids_is_refused(ready: LocalBatch) -> None:
    status, headers, body = _answer(ready, b'{"jobName": 5}')
    assert status == 400
    assert headers["x-amzn-errortype"] == "ClientException"
    assert b"jobQueue" in body


def test_a_body_that_is_no_json_is_refused(ready: LocalBatch) -> None:
    status, _, body = _answer(ready, b"{")
    assert status == 400
    assert b"not valid JSON" in body


def _answer(batch: LocalBatch, body: bytes) -> tuple[int, dict[str, str], bytes]:

    return Endpoint(batch.service).answer("POST", "/v1/submitjob", {}, body, lambda *_: None)
