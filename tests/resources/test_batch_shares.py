"""A job queue that is shared fairly, and the one before it that was first in, first out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from answers import alter, sent
from default_vpc import make_default_vpc_public
from engine_runs import down, outputs, plan, step_of, up
from examples_batch import on_demand, policy, queue, spot
from examples_events import rule
from faults import fail

from batchctl.aws.session import Aws
from batchctl.engine.plan import Action
from batchctl.resource import NotOwned
from batchctl.resources.batch.queues import arns_of_generations


@pytest.fixture(autouse=True)
def public_default_vpc(aws: Aws) -> None:
    """The default VPC as AWS makes it."""
    make_default_vpc_public(aws.connection.client("ec2"))


@pytest.fixture
def batch(aws: Aws) -> Any:
    """Batch as boto3 shows it: the witness."""
    return aws.connection.session.client("batch")


def make_first_in_first_out(aws: Aws, batch: Any, folder: Path) -> None:
    """What a version without shares has made: a queue without a scheduling policy."""
    result = up(aws, folder, queue)
    environments = [outputs(result, each).arn for each in (spot, on_demand)]
    batch.update_job_queue(jobQueue=queue.name, state="DISABLED")
    batch.delete_job_queue(jobQueue=queue.name)
    batch.create_job_queue(
        jobQueueName=queue.name,
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[
            {"order": order, "computeEnvironment": arn}
            for order, arn in enumerate(environments, start=1)
        ],
        tags=aws.tags,
    )


def queues(batch: Any) -> dict[str, str]:
    return {
        each["jobQueueName"]: each["state"] for each in batch.describe_job_queues()["jobQueues"]
    }


def unfinished(*ids: str) -> Callable[[Any], None]:
    """What ListJobs shows of a queue in its one answer."""

    def change(answer: Any) -> None:
        answer["jobSummaryList"] = [
            {"jobId": each, "jobName": each, "status": "RUNNING"} for each in ids
        ]

    return change


def test_all_shares_weigh_the_same(aws: Aws, batch: Any, tmp_path: Path) -> None:
    arn = outputs(up(aws, tmp_path, queue), policy).arn
    (found,) = batch.describe_scheduling_policies(arns=[arn])["schedulingPolicies"]
    assert found["fairsharePolicy"] == {
        "shareDecaySeconds": 600,
        "computeReservation": 0,
        "shareDistribution": [],
    }
    (made,) = batch.describe_job_queues(jobQueues=[queue.name])["jobQueues"]
    assert made["schedulingPolicyArn"] == arn


def test_a_policy_that_says_nothing_of_what_is_zero_is_no_difference(
    aws: Aws, tmp_path: Path
) -> None:
    def leave_out(answer: Any) -> None:
        for each in answer["schedulingPolicies"]:
            del each["fairsharePolicy"]["computeReservation"]
            del each["fairsharePolicy"]["shareDistribution"]

    outputs(up(aws, tmp_path, queue), queue)
    alter(aws, "batch.DescribeSchedulingPolicies", leave_out)
    assert plan(aws, tmp_path, queue).changes == ()


def test_a_policy_of_this_name_without_our_tag_is_left_alone(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    batch.create_scheduling_policy(name=policy.name, fairsharePolicy={"shareDecaySeconds": 60})
    assert isinstance(plan(aws, tmp_path, policy).outcome.failed[policy.address], NotOwned)


def test_a_policy_outlasts_a_queue_that_batch_still_sees(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    outputs(up(aws, tmp_path, queue), queue)
    refusal = "Cannot delete, found existing JobQueue relationship"
    fail(aws, "batch.DeleteSchedulingPolicy", "ClientException", refusal, times=3)
    assert not down(aws, tmp_path).failed
    assert batch.list_scheduling_policies()["schedulingPolicies"] == []


def test_another_policy_is_given_to_a_queue_in_place(aws: Aws, batch: Any, tmp_path: Path) -> None:
    outputs(up(aws, tmp_path, queue), queue)
    other = batch.create_scheduling_policy(name="theirs", fairsharePolicy={})["arn"]
    batch.update_job_queue(jobQueue=queue.name, schedulingPolicyArn=other)
    assert step_of(plan(aws, tmp_path, queue), queue).action is Action.UPDATE
    ours = outputs(up(aws, tmp_path, queue), policy).arn
    (found,) = batch.describe_job_queues(jobQueues=[queue.name])["jobQueues"]
    assert found["schedulingPolicyArn"] == ours


def test_a_queue_without_a_policy_is_replaced_as_batch_gives_it_none(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    make_first_in_first_out(aws, batch, tmp_path)
    step = step_of(plan(aws, tmp_path, queue), queue)
    assert (step.action, step.forced_by) == (Action.REPLACE, ("scheduling",))
    (change,) = (each for each in step.changes if each.path == "scheduling")
    assert (change.old, change.new) == ("first in, first out", "fair share")

    outputs(up(aws, tmp_path, queue), queue)

    assert queues(batch) == {f"{queue.name}-2": "ENABLED"}
    assert plan(aws, tmp_path, queue).changes == ()


def test_the_jobs_of_a_replaced_queue_go_on_and_it_goes_when_they_have_ended(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    make_first_in_first_out(aws, batch, tmp_path)
    alter(aws, "batch.ListJobs", unfinished("running"), times=1)
    ended = sent(aws, "batch.TerminateJob")

    outputs(up(aws, tmp_path, queue), queue)
    assert queues(batch) == {queue.name: "DISABLED", f"{queue.name}-2": "ENABLED"}

    outputs(up(aws, tmp_path, queue), queue)
    assert queues(batch) == {f"{queue.name}-2": "ENABLED"}
    assert ended == []


def test_down_ends_the_jobs_of_a_replaced_queue_as_well(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    make_first_in_first_out(aws, batch, tmp_path)
    alter(aws, "batch.ListJobs", unfinished("running"), times=1)
    outputs(up(aws, tmp_path, queue), queue)
    assert not down(aws, tmp_path).failed
    assert queues(batch) == {}
    assert batch.list_scheduling_policies()["schedulingPolicies"] == []


def test_the_ends_of_jobs_in_a_replaced_queue_are_still_sent(
    aws: Aws, batch: Any, tmp_path: Path
) -> None:
    make_first_in_first_out(aws, batch, tmp_path)
    alter(aws, "batch.ListJobs", unfinished("running"), times=1)
    result = up(aws, tmp_path, rule)
    arn = outputs(result, queue).arn
    assert arn.endswith("/batchapp-compute-2")
    wanted = rule.desired(result.deployed)["EventPattern"]["detail"]["jobQueue"]
    assert wanted == [arn.removesuffix("-2"), arn]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("batchapp-compute", ["batchapp-compute"]),
        ("batchapp-compute-2", ["batchapp-compute", "batchapp-compute-2"]),
        (
            "batchapp-compute-3",
            ["batchapp-compute", "batchapp-compute-2", "batchapp-compute-3"],
        ),
        ("⟨known after up: job_queue.compute.arn⟩", ["⟨known after up: job_queue.compute.arn⟩"]),
    ],
)
def test_the_predecessors_of_a_queue_follow_from_its_name(name: str, expected: list[str]) -> None:
    start = "arn:aws:batch:us-east-1:123456789012:job-queue/"
    found = arns_of_generations(queue, f"{start}{name}")
    assert found == [f"{start}{each}" for each in expected]
