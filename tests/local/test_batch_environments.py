from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_batch import COMPUTE_RESOURCES, LINKED_ROLE, TRANSITION_S, LocalBatch


def described(batch: LocalBatch, name: str = "spot") -> dict[str, Any]:
    answer = batch.client.describe_compute_environments(computeEnvironments=[name])
    found: list[dict[str, Any]] = answer["computeEnvironments"]
    return found[0]


def create(batch: LocalBatch, **members: Any) -> None:
    request = {
        "computeEnvironmentName": "spot",
        "type": "MANAGED",
        "computeResources": COMPUTE_RESOURCES,
    }
    batch.client.create_compute_environment(**(request | members))


def test_a_new_environment_is_creating_and_then_valid(batch: LocalBatch) -> None:
    create(batch)
    batch.advance()
    assert described(batch)["status"] == "CREATING"

    batch.advance(TRANSITION_S)

    assert described(batch)["status"] == "VALID"
    assert described(batch)["statusReason"] == "ComputeEnvironment Healthy"


def test_an_environment_that_names_what_is_missing_becomes_invalid_and_says_why(
    batch: LocalBatch,
) -> None:
    batch.account.problem = "CLIENT_ERROR - subnet-1 does not exist"
    batch.environment()

    assert described(batch)["status"] == "INVALID"
    assert described(batch)["statusReason"] == "CLIENT_ERROR - subnet-1 does not exist"


def test_an_invalid_environment_is_repaired_by_an_update(batch: LocalBatch) -> None:
    batch.account.problem = "CLIENT_ERROR - subnet-1 does not exist"
    batch.environment()
    batch.account.problem = None

    batch.client.update_compute_environment(
        computeEnvironment="spot", computeResources={"subnets": ["subnet-2"]}
    )
    batch.advance(TRANSITION_S)

    assert described(batch)["status"] == "VALID"
    assert described(batch)["computeResources"]["subnets"] == ["subnet-2"]


def test_a_created_environment_reads_back_with_what_batch_adds(batch: LocalBatch) -> None:
    create(batch, tags={"team": "risk"})

    environment = described(batch)

    assert environment["computeResources"] == COMPUTE_RESOURCES | {
        "minvCpus": 0,
        "desiredvCpus": 0,
        "tags": {},
        "ec2Configuration": [{"imageType": "ECS_AL2023"}],
    }
    assert environment["serviceRole"] == LINKED_ROLE
    assert environment["state"] == "ENABLED"
    assert environment["tags"] == {"team": "risk"}


def test_a_name_that_exists_is_refused(batch: LocalBatch) -> None:
    batch.environment()
    with pytest.raises(ClientError, match="Object already exists"):
        create(batch)


@pytest.mark.parametrize(
    ("resources", "text"),
    [
        ({"maxvCpus": 0}, "maxvCpus is required"),
        ({"subnets": []}, "subnets is required"),
        ({"securityGroupIds": []}, "securityGroupIds is required"),
        ({"minvCpus": 8}, "minvCpus must be between 0 and maxvCpus"),
        ({"type": "EC2"}, "SPOT_PRICE_CAPACITY_OPTIMIZED is not valid for type EC2"),
        ({"type": "FARGATE"}, "EC2 and SPOT only"),
        ({"ec2Configuration": [{"imageType": "ECS_AL2"}]}, "ECS_AL2 is no longer supported"),
    ],
)
def test_compute_resources_that_aws_refuses_are_refused(
    batch: LocalBatch, resources: dict[str, Any], text: str
) -> None:
    with pytest.raises(ClientError, match=text):
        create(batch, computeResources=COMPUTE_RESOURCES | resources)
    assert batch.client.describe_compute_environments()["computeEnvironments"] == []


def test_an_environment_must_be_created_enabled(batch: LocalBatch) -> None:
    with pytest.raises(ClientError, match="ENABLED state"):
        create(batch, state="DISABLED")


@pytest.mark.parametrize("name", ["", "-first", "a b", "x" * 129])
def test_a_name_that_aws_refuses_is_refused(batch: LocalBatch, name: str) -> None:
    with pytest.raises(ClientError, match="computeEnvironmentName"):
        create(batch, computeEnvironmentName=name)


def test_what_is_being_created_is_neither_updated_nor_deleted(batch: LocalBatch) -> None:
    create(batch)
    with pytest.raises(ClientError, match=r"Cannot update, resource is being modified\."):
        batch.client.update_compute_environment(computeEnvironment="spot", state="DISABLED")
    with pytest.raises(ClientError, match=r"Cannot delete, resource is being modified\."):
        batch.client.delete_compute_environment(computeEnvironment="spot")


def test_an_update_changes_what_it_names_and_passes_through_updating(batch: LocalBatch) -> None:
    batch.environment()
    batch.client.update_compute_environment(
        computeEnvironment="spot",
        computeResources={"maxvCpus": 64, "minvCpus": 2, "desiredvCpus": 2},
    )
    assert described(batch)["status"] == "UPDATING"

    batch.advance(TRANSITION_S)

    assert described(batch)["status"] == "VALID"
    assert described(batch)["computeResources"]["maxvCpus"] == 64
    assert described(batch)["computeResources"]["subnets"] == ["subnet-1"]


def test_an_infrastructure_update_needs_a_strategy_that_allows_it(batch: LocalBatch) -> None:
    batch.environment(type="EC2", allocationStrategy="BEST_FIT")
    with pytest.raises(ClientError, match="not possible with BEST_FIT"):
        batch.client.update_compute_environment(
            computeEnvironment="spot", computeResources={"instanceTypes": ["c6i"]}
        )


def test_an_infrastructure_update_needs_the_service_linked_role(batch: LocalBatch) -> None:
    create(batch, serviceRole="arn:aws:iam::000000000000:role/own")
    batch.advance(TRANSITION_S)
    with pytest.raises(ClientError, match="AWSServiceRoleForBatch"):
        batch.client.update_compute_environment(
            computeEnvironment="spot", computeResources={"instanceTypes": ["c6i"]}
        )


def test_an_enabled_environment_is_not_deleted(batch: LocalBatch) -> None:
    batch.environment()
    with pytest.raises(ClientError, match="DISABLED"):
        batch.client.delete_compute_environment(computeEnvironment="spot")


def test_an_environment_of_a_queue_is_not_deleted(ready: LocalBatch) -> None:
    ready.client.update_compute_environment(computeEnvironment="spot", state="DISABLED")
    ready.advance(TRANSITION_S)
    with pytest.raises(ClientError, match="found existing JobQueue relationship"):
        ready.client.delete_compute_environment(computeEnvironment="spot")


def test_a_disabled_environment_without_a_queue_is_deleted_after_a_while(
    batch: LocalBatch,
) -> None:
    batch.environment()
    batch.client.update_compute_environment(computeEnvironment="spot", state="DISABLED")
    batch.advance(TRANSITION_S)
    batch.client.delete_compute_environment(computeEnvironment="spot")
    assert described(batch)["status"] == "DELETING"

    batch.advance(TRANSITION_S)

    assert batch.client.describe_compute_environments()["computeEnvironments"] == []


def test_what_does_not_exist_is_missing_from_an_answer_and_refused_for_a_change(
    batch: LocalBatch,
) -> None:
    answer = batch.client.describe_compute_environments(computeEnvironments=["none"])
    assert answer["computeEnvironments"] == []
    with pytest.raises(ClientError, match="does not exist"):
        batch.client.delete_compute_environment(computeEnvironment="none")


def test_environments_come_in_pages(batch: LocalBatch) -> None:
    for name in ("a", "b", "c"):
        batch.environment(name)
    pages = batch.client.get_paginator("describe_compute_environments").paginate(
        PaginationConfig={"PageSize": 2}
    )
    names = [
        [item["computeEnvironmentName"] for item in page["computeEnvironments"]] for page in pages
    ]
    assert names == [["a", "b"], ["c"]]


def test_tags_are_added_removed_and_listed_by_arn(batch: LocalBatch) -> None:
    batch.environment()
    arn = described(batch)["computeEnvironmentArn"]
    batch.client.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    batch.client.untag_resource(resourceArn=arn, tagKeys=["a", "none"])

    assert batch.client.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
    assert described(batch)["tags"] == {"b": "2"}


def test_a_named_service_role_is_kept_and_checked_as_given(batch: LocalBatch) -> None:
    role = "arn:aws:iam::000000000000:role/own"
    create(batch, serviceRole=role)
    assert described(batch)["serviceRole"] == role


def test_a_raised_minimum_raises_what_is_desired_with_it(batch: LocalBatch) -> None:
    batch.environment()
    batch.client.update_compute_environment(
        computeEnvironment="spot", computeResources={"minvCpus": 2, "maxvCpus": 8}
    )
    batch.advance(TRANSITION_S)
    assert described(batch)["computeResources"]["desiredvCpus"] == 2
