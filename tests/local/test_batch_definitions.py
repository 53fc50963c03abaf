from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_batch import CONTAINER, LocalBatch


def revisions(batch: LocalBatch, **filters: Any) -> list[int]:
    answer = batch.client.describe_job_definitions(**filters)
    return [definition["revision"] for definition in answer["jobDefinitions"]]


def test_registering_always_makes_a_new_revision(batch: LocalBatch) -> None:
    assert batch.definition().endswith("job-definition/compute:1")
    assert batch.definition().endswith("job-definition/compute:2")
    assert revisions(batch) == [2, 1]


def test_a_definition_reads_back_with_what_batch_adds(batch: LocalBatch) -> None:
    retry = {"attempts": 10, "evaluateOnExit": [{"onReason": "*", "action": "EXIT"}]}
    batch.definition(
        retryStrategy=retry,
        timeout={"attemptDurationSeconds": 3600},
        tags={"team": "risk"},
        propagateTags=True,
        parameters={"paths": "100"},
    )

    definition = batch.client.describe_job_definitions()["jobDefinitions"][0]

    assert definition["containerProperties"] == CONTAINER | {
        "volumes": [],
        "environment": [],
        "mountPoints": [],
        "ulimits": [],
        "secrets": [],
    }
    assert definition["retryStrategy"] == retry
    assert definition["timeout"] == {"attemptDurationSeconds": 3600}
    assert definition["tags"] == {"team": "risk"}
    assert definition["propagateTags"] is True
    assert definition["parameters"] == {"paths": "100"}
    assert definition["status"] == "ACTIVE"


def test_a_deregistered_revision_is_inactive_and_refused_for_new_jobs(ready: LocalBatch) -> None:
    ready.client.deregister_job_definition(jobDefinition="compute:1")

    assert revisions(ready, status="ACTIVE") == []
    assert revisions(ready, status="INACTIVE") == [1]
    with pytest.raises(ClientError, match="is not ACTIVE"):
        ready.submit(jobDefinition="compute:1")
    with pytest.raises(ClientError, match="does not exist"):
        ready.submit(jobDefinition="compute")


def test_a_revision_number_is_never_used_again(batch: LocalBatch) -> None:
    batch.client.deregister_job_definition(jobDefinition=batch.definition())
    assert batch.definition().endswith(":2")


def test_deregistering_a_bare_name_is_refused(batch: LocalBatch) -> None:
    batch.definition()
    with pytest.raises(ClientError, match="NAME:REVISION"):
        batch.client.deregister_job_definition(jobDefinition="compute")


def test_definitions_are_found_by_name_revision_arn_and_status(batch: LocalBatch) -> None:
    first = batch.definition()
    batch.definition()
    batch.definition("other")
    batch.client.deregister_job_definition(jobDefinition=first)

    assert revisions(batch, jobDefinitionName="compute") == [2, 1]
    assert revisions(batch, jobDefinitionName="compute", status="ACTIVE") == [2]
    assert revisions(batch, jobDefinitions=[first]) == [1]
    assert revisions(batch, jobDefinitions=["compute:2", "none"]) == [2]
    assert revisions(batch, jobDefinitions=["compute"]) == [2, 1]


def test_a_job_with_a_bare_name_uses_the_latest_active_revision(ready: LocalBatch) -> None:
    ready.definition()
    latest = ready.definition()
    ready.client.deregister_job_definition(jobDefinition=latest)

    job_id = ready.submit(jobDefinition="compute")

    assert ready.job(job_id)["jobDefinition"].endswith("compute:2")


@pytest.mark.parametrize(
    ("container", "text"),
    [
        ({"image": ""}, "image is required"),
        ({"resourceRequirements": [{"type": "VCPU", "value": "1"}]}, "value for MEMORY"),
        ({"resourceRequirements": [{"type": "MEMORY", "value": "64"}]}, "value for VCPU"),
        ({"environment": [{"name": "AWS_BATCH_X", "value": "1"}]}, "AWS_BATCH"),
        (
            {
                "resourceRequirements": [
                    {"type": "VCPU", "value": "1"},
                    {"type": "MEMORY", "value": "3"},
                ]
            },
            "at least 4 MiB",
        ),
        ({"environment": [{"name": "A", "value": "x" * 25_000}]}, "24576 bytes"),
    ],
)
def test_container_properties_that_aws_refuses_are_refused(
    batch: LocalBatch, container: dict[str, Any], text: str
) -> None:
    with pytest.raises(ClientError, match=text):
        batch.definition(containerProperties=container)


def test_a_timeout_below_a_minute_is_refused(batch: LocalBatch) -> None:
    with pytest.raises(ClientError, match="at least 60"):
        batch.definition(timeout={"attemptDurationSeconds": 59})


def test_vcpus_and_memory_may_come_in_the_deprecated_members(batch: LocalBatch) -> None:
    container = {"resourceRequirements": [], "vcpus": 2, "memory": 512}
    assert batch.definition(containerProperties=container).endswith(":1")
