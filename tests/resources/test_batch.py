"""The Batch kinds against what AWS does and moto doesn't: statuses, refusals, jobs in the way."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from answers import alter, sent
from default_vpc import make_default_vpc_public
from engine_runs import down, outputs, plan, step_of, up
from examples_batch import definition, on_demand, queue, spot
from faults import answered_by, fail

from batchctl.aws.errors import NotReady
from batchctl.aws.session import Aws
from batchctl.engine.plan import Action
from batchctl.resource import NotOwned
from batchctl.resources.batch.definitions import EVALUATE_ON_EXIT
from batchctl.resources.batch.queues import unfinished_jobs

NO_PROFILE = "CLIENT_ERROR - Invalid IamInstanceProfile: batchapp-instance"
NO_SUBNET = "CLIENT_ERROR - The subnet ID 'subnet-1' does not exist"


@pytest.fixture(autouse=True)
def public_default_vpc(aws: Aws) -> str:
    """The default VPC as AWS makes it."""
    return make_default_vpc_public(aws.connection.client("ec2"))


@pytest.fixture
def batch(aws: Aws) -> Any:
    """Batch as boto3 shows it: the witness."""
    return aws.connection.session.client("batch")


def with_status(
    status: str, reason: str = "", kind: str = "computeEnvironments"
) -> Callable[[Any], None]:
    def change(answer: Any) -> None:
        for each in answer[kind]:
            each.update(status=status, statusReason=reason)

    return change


def environment_of(batch: Any, name: str = spot.name) -> Any:
    return batch.describe_compute_environments(computeEnvironments=[name])["computeEnvironments"][0]


def test_spot_asks_for_capacity_first_and_for_no_fleet_role_or_bid(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    outputs(up(aws, tmp_path, spot), spot)
    resources = environment_of(batch)["computeResources"]
    assert resources["allocationStrategy"] == "SPOT_PRICE_CAPACITY_OPTIMIZED"
    assert resources["ec2Configuration"] == [{"imageType": "ECS_AL2023"}]
    assert not {"spotIamFleetRole", "bidPercentage", "desiredvCpus"} & set(resources)


def test_instances_carry_the_tags_that_the_bill_is_read_by(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    outputs(up(aws, tmp_path, spot), spot)
    assert environment_of(batch)["computeResources"]["tags"] == {
        "Name": "batchapp-spot",
        "batchctl:stack": "batchapp",
        "team": "quant",
    }


def test_an_environment_made_before_iam_showed_the_profile_is_tried_again(
    aws: Aws, tmp_path: Path
) -> None:
    invalid = with_status("INVALID", NO_PROFILE)
    # The plan asks twice: for the environment, and for successors of it.
    alter(aws, "batch.DescribeComputeEnvironments", invalid, after=2, times=2)
    updates = sent(aws, "batch.UpdateComputeEnvironment")
    profile = outputs(up(aws, tmp_path, spot), spot.instance_profile)
    assert [each["computeResources"]["instanceRole"] for _, each in updates] == [profile.arn] * 2


def test_a_profile_that_never_shows_is_given_up_with_the_reason(aws: Aws, tmp_path: Path) -> None:
    invalid = with_status("INVALID", NO_PROFILE)
    alter(aws, "batch.DescribeComputeEnvironments", invalid, after=1)
    error = up(aws, tmp_path, spot).outcome.failed[spot.address]
    assert isinstance(error, NotReady)
    assert NO_PROFILE in error.message
    assert 180 <= aws.clock.now() < 300


def test_an_environment_that_is_invalid_for_good_fails_at_once_with_the_reason(
    aws: Aws, tmp_path: Path
) -> None:
    invalid = with_status("INVALID", NO_SUBNET)
    alter(aws, "batch.DescribeComputeEnvironments", invalid, after=1)
    updates = sent(aws, "batch.UpdateComputeEnvironment")
    error = up(aws, tmp_path, spot).outcome.failed[spot.address]
    assert isinstance(error, NotReady)
    assert NO_SUBNET in error.message
    assert not updates


def test_an_invalid_environment_is_a_difference_that_says_why(aws: Aws, tmp_path: Path) -> None:
    outputs(up(aws, tmp_path, spot), spot)
    invalid = with_status("INVALID", NO_SUBNET)
    alter(aws, "batch.DescribeComputeEnvironments", invalid, times=2)
    step = step_of(plan(aws, tmp_path, spot), spot)
    assert [(each.path, each.old) for each in step.changes] == [("status", "INVALID")]
    assert step.notes == (f"INVALID: {NO_SUBNET}",)


def test_an_invalid_environment_is_repaired_by_sending_its_resources_again(
    aws: Aws, tmp_path: Path
) -> None:
    outputs(up(aws, tmp_path, spot), spot)
    invalid = with_status("INVALID", NO_SUBNET)
    alter(aws, "batch.DescribeComputeEnvironments", invalid, times=1)
    updates = sent(aws, "batch.UpdateComputeEnvironment")
    outputs(up(aws, tmp_path, spot), spot)
    assert [set(each) for _, each in updates] == [{"computeEnvironment", "computeResources"}]
    assert (
        updates[0][1]["computeResources"]["allocationStrategy"] == "SPOT_PRICE_CAPACITY_OPTIMIZED"
    )


def test_only_what_differs_of_an_environment_is_sent(aws: Aws, tmp_path: Path) -> None:
    outputs(up(aws, tmp_path, spot), spot)
    updates = sent(aws, "batch.UpdateComputeEnvironment")
    up(aws, tmp_path, dataclasses.replace(spot, max_vcpus=64))
    up(aws, tmp_path, dataclasses.replace(spot, instance_types=("m5",)))
    assert [each["computeResources"] for _, each in updates] == [
        {"maxvCpus": 64},
        # What replaces the instances asks for the newest image, which Batch never takes by itself.
        {"maxvCpus": 128, "instanceTypes": ["m5"], "updateToLatestImageVersion": True},
    ]


def test_another_architecture_moves_a_queue_to_new_environments_in_one_call(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    outputs(up(aws, tmp_path, queue), queue)
    arm = [dataclasses.replace(each, instance_types=("m7g",)) for each in (spot, on_demand)]
    moves = sent(aws, "batch.UpdateJobQueue")
    changes = sent(aws, "batch.UpdateComputeEnvironment")
    outputs(up(aws, tmp_path, dataclasses.replace(queue, compute_environments=tuple(arm))), queue)
    ((_, move),) = moves
    order = [
        each["computeEnvironment"].rpartition("/")[2] for each in move["computeEnvironmentOrder"]
    ]
    assert order == [f"{spot.name}-2", f"{on_demand.name}-2"]
    assert {each["state"] for _, each in changes} == {"DISABLED"}
    left = batch.describe_compute_environments()["computeEnvironments"]
    assert sorted(each["computeEnvironmentName"] for each in left) == sorted(order)


def test_an_environment_disabled_by_other_hands_is_enabled_by_its_state_alone(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    found = outputs(up(aws, tmp_path, spot), spot)
    batch.update_compute_environment(computeEnvironment=found.arn, state="DISABLED")
    updates = sent(aws, "batch.UpdateComputeEnvironment")
    outputs(up(aws, tmp_path, spot), spot)
    assert [each for _, each in updates] == [{"computeEnvironment": found.arn, "state": "ENABLED"}]
    assert environment_of(batch)["state"] == "ENABLED"


def test_an_environment_that_batch_is_changing_is_read_when_it_has_settled(
    aws: Aws, tmp_path: Path
) -> None:
    outputs(up(aws, tmp_path, spot), spot)
    alter(aws, "batch.DescribeComputeEnvironments", with_status("UPDATING"), times=3)
    assert plan(aws, tmp_path, spot).changes == ()


def test_an_environment_that_is_being_deleted_is_waited_out_and_then_absent(
    aws: Aws, tmp_path: Path
) -> None:
    outputs(up(aws, tmp_path, spot), spot)
    alter(aws, "batch.DescribeComputeEnvironments", with_status("DELETING"), times=3)
    alter(aws, "batch.DescribeComputeEnvironments", with_status("DELETED"), after=3)
    assert step_of(plan(aws, tmp_path, spot), spot).action is Action.CREATE


def test_an_environment_of_this_name_without_our_tag_is_left_alone(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    arn = outputs(up(aws, tmp_path, spot), spot).arn
    batch.untag_resource(resourceArn=arn, tagKeys=["batchctl:stack"])
    assert isinstance(plan(aws, tmp_path, spot).outcome.failed[spot.address], NotOwned)


def test_an_environment_is_disabled_and_outlasts_a_queue_that_batch_still_sees(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    outputs(up(aws, tmp_path, spot), spot)
    refusal = "Cannot delete, found existing JobQueue relationship"
    fail(aws, "batch.DeleteComputeEnvironment", "ClientException", refusal, times=3)
    calls = sent(aws, "batch.UpdateComputeEnvironment", "batch.DeleteComputeEnvironment")
    assert not down(aws, tmp_path).failed
    assert [name for name, _ in calls] == [
        "UpdateComputeEnvironment",
        *["DeleteComputeEnvironment"] * 4,
    ]
    assert batch.describe_compute_environments()["computeEnvironments"] == []


def test_a_deletion_that_batch_gives_up_fails_with_its_reason(aws: Aws, tmp_path: Path) -> None:
    found = outputs(up(aws, tmp_path, spot), spot)
    answered_by(aws, "batch.DeleteComputeEnvironment", dict)
    alter(aws, "batch.DescribeComputeEnvironments", with_status("DELETING"), after=2, times=2)
    given_up = with_status("INVALID", "CLIENT_ERROR - Access denied")
    alter(aws, "batch.DescribeComputeEnvironments", given_up, after=4)
    with pytest.raises(NotReady, match="CLIENT_ERROR - Access denied"):
        type(spot).delete(aws, found)


def test_a_queue_tries_its_environments_in_the_order_given(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    result = up(aws, tmp_path, queue)
    order = [outputs(result, spot).arn, outputs(result, on_demand).arn]
    found = batch.describe_job_queues(jobQueues=[queue.name])["jobQueues"][0]
    assert [each["computeEnvironment"] for each in found["computeEnvironmentOrder"]] == order


def test_an_invalid_queue_is_repaired_by_its_environments(aws: Aws, tmp_path: Path) -> None:
    outputs(up(aws, tmp_path, queue), queue)
    alter(aws, "batch.DescribeJobQueues", with_status("INVALID", "no", "jobQueues"), times=1)
    updates = sent(aws, "batch.UpdateJobQueue")
    outputs(up(aws, tmp_path, queue), queue)
    assert [len(each["computeEnvironmentOrder"]) for _, each in updates] == [2]


def listed(*job_ids: str, status: str = "RUNNING", more: bool = False) -> Callable[[Any], None]:
    def change(answer: Any) -> None:
        answer["jobSummaryList"] = [
            {"jobId": each, "jobName": each, "status": status} for each in job_ids
        ]
        if more:
            answer["nextToken"] = "more"

    return change


def test_the_jobs_of_a_queue_are_ended_before_it_is_deleted(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    outputs(up(aws, tmp_path, queue), queue)
    # The parent of an array is PENDING; the first listing is the plan's.
    alter(aws, "batch.ListJobs", listed("parent", status="PENDING"), after=1, times=1)
    calls = sent(
        aws, "batch.ListJobs", "batch.UpdateJobQueue", "batch.TerminateJob", "batch.DeleteJobQueue"
    )
    assert not down(aws, tmp_path).failed
    assert [name for name, _ in calls] == [
        "ListJobs",
        "UpdateJobQueue",
        "ListJobs",
        "TerminateJob",
        "ListJobs",
        "DeleteJobQueue",
    ]
    assert batch.describe_job_queues()["jobQueues"] == []


def test_jobs_that_do_not_end_stop_the_deletion_in_time(aws: Aws, tmp_path: Path) -> None:
    found = outputs(up(aws, tmp_path, queue), queue)
    alter(aws, "batch.ListJobs", listed("stuck"))
    with pytest.raises(NotReady, match="the jobs in job queue `batchapp-compute` to end"):
        type(queue).delete(aws, found)


def test_finished_jobs_are_listed_with_the_others_but_not_counted(aws: Aws, tmp_path: Path) -> None:
    found = outputs(up(aws, tmp_path, queue), queue)
    alter(aws, "batch.ListJobs", listed("succeeded", status="SUCCEEDED"), times=1)
    alter(aws, "batch.ListJobs", listed("failed", status="FAILED"), after=1, times=1)
    alter(aws, "batch.ListJobs", listed("waiting", status="RUNNABLE"), after=2, times=1)
    assert [list(unfinished_jobs(aws, found.id)) for _ in range(3)] == [[], [], ["waiting"]]


def test_of_many_jobs_the_unfinished_are_counted_in_every_status(aws: Aws, tmp_path: Path) -> None:
    """In the order of a job's life: one that moves on meanwhile is met again, not missed."""
    found = outputs(up(aws, tmp_path, queue), queue)
    alter(aws, "batch.ListJobs", listed("done", status="SUCCEEDED", more=True), times=1)
    alter(aws, "batch.ListJobs", listed("parent"), after=2, times=1)
    alter(aws, "batch.ListJobs", listed("a", "b"), after=5, times=1)
    calls = sent(aws, "batch.ListJobs")
    assert list(unfinished_jobs(aws, found.id)) == ["parent", "a", "b"]
    statuses = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"]
    assert [each.get("jobStatus") for _, each in calls] == [None, *statuses, "RUNNABLE"]


def active(batch: Any) -> list[int]:
    found = batch.describe_job_definitions(jobDefinitionName=definition.name, status="ACTIVE")
    return sorted(each["revision"] for each in found["jobDefinitions"])


def test_a_changed_definition_is_a_new_revision_beside_the_old_one(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    first = outputs(up(aws, tmp_path, definition), definition)
    second = outputs(up(aws, tmp_path, dataclasses.replace(definition, vcpus=2)), definition)
    assert (first.arn, second.arn) == (f"{first.name_arn}:1", f"{first.name_arn}:2")
    assert active(batch) == [1, 2]


def test_a_container_is_given_its_region_under_both_names(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    """boto3 reads the one, other SDKs the other; older ECS agents set neither."""
    outputs(up(aws, tmp_path, definition), definition)
    (made,) = batch.describe_job_definitions(jobDefinitionName=definition.name)["jobDefinitions"]
    variables = {e["name"]: e["value"] for e in made["containerProperties"]["environment"]}
    assert variables["AWS_DEFAULT_REGION"] == variables["AWS_REGION"] == "us-east-1"


def test_a_revision_by_other_hands_is_followed_by_ours(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    outputs(up(aws, tmp_path, definition), definition)
    ours = batch.describe_job_definitions(jobDefinitionName=definition.name)["jobDefinitions"][0]
    batch.register_job_definition(
        jobDefinitionName=definition.name,
        type="container",
        containerProperties={**ours["containerProperties"], "image": "busybox"},
        tags=aws.tags,
    )
    latest = outputs(up(aws, tmp_path, definition), definition)
    assert latest.arn.endswith(":3")


def test_down_leaves_no_active_revision(aws: Aws, batch: Any, tmp_path: Path) -> None:
    outputs(up(aws, tmp_path, definition), definition)
    outputs(up(aws, tmp_path, dataclasses.replace(definition, vcpus=2)), definition)
    assert not down(aws, tmp_path).failed
    assert active(batch) == []


def test_a_lost_answer_to_a_registration_makes_no_second_revision(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    def lose(http_response: Any, parsed: Any, **_: Any) -> None:
        http_response.status_code = 503
        parsed["ResponseMetadata"]["HTTPStatusCode"] = 503
        parsed["Error"] = {"Code": "ServerException", "Message": "try later"}

    events = aws.connection.client("batch").meta.events
    events.register("after-call.batch.RegisterJobDefinition", lose)
    outputs(up(aws, tmp_path, definition), definition)
    assert active(batch) == [1]


def test_tags_are_set_and_removed(aws: Aws, batch: Any, tmp_path: Path) -> None:
    up(aws, tmp_path, queue, definition)
    retagged = Aws(aws.connection, stack=aws.stack, tags={"owner": "desk"}, clock=aws.clock)
    result = up(retagged, tmp_path, queue, definition)
    for each in (spot, queue, definition):
        tags = batch.list_tags_for_resource(resourceArn=outputs(result, each).arn)["tags"]
        assert tags == retagged.tags


def test_retries_keep_to_the_alphabet_and_the_number_that_batch_takes() -> None:
    texts = [
        text for each in EVALUATE_ON_EXIT for key, text in each.items() if key.endswith("Reason")
    ]
    assert len(EVALUATE_ON_EXIT) <= 5
    assert all(re.fullmatch(r"[A-Za-z0-9.:\s]*\*?", text) for text in texts)
    assert EVALUATE_ON_EXIT[-1] == {"onReason": "*", "action": "EXIT"}


def test_an_invalid_environment_can_be_deleted_too(aws: Aws, batch: Any, tmp_path: Path) -> None:
    """Whoever waits for it to be VALID once it is disabled waits for ever."""
    outputs(up(aws, tmp_path, spot), spot)
    alter(aws, "batch.DescribeComputeEnvironments", with_status("INVALID", NO_PROFILE))
    assert not down(aws, tmp_path).failed
    assert batch.describe_compute_environments()["computeEnvironments"] == []
