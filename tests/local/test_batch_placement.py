from __future__ import annotations

from typing import Any

import pytest
from local_batch import TRANSITION_S, LocalBatch


def vcpus(number: float) -> dict[str, Any]:
    return {"resourceRequirements": [{"type": "VCPU", "value": str(number)}]}


def environments_used(batch: LocalBatch) -> list[str]:
    return [task.environment["AWS_BATCH_CE_NAME"] for task in batch.runner.tasks]


@pytest.fixture
def two(batch: LocalBatch) -> LocalBatch:
    """A queue that tries `spot` (2 vCPUs) before `on-demand` (2 vCPUs), on a machine of 8."""
    batch.environment("spot", maxvCpus=2)
    batch.environment("on-demand", maxvCpus=2)
    batch.queue("work", "spot", "on-demand")
    batch.definition()
    return batch


def test_the_first_environment_is_filled_before_the_second(two: LocalBatch) -> None:
    two.submit(arrayProperties={"size": 10})
    assert environments_used(two) == ["spot", "spot", "on-demand", "on-demand"]


def test_a_freed_place_in_the_first_environment_is_used_first(two: LocalBatch) -> None:
    job_id = two.submit(arrayProperties={"size": 10})
    two.run(f"{job_id}:1")
    two.end(f"{job_id}:1")
    assert environments_used(two)[4] == "spot"


def test_a_disabled_environment_gets_no_jobs(two: LocalBatch) -> None:
    two.client.update_compute_environment(computeEnvironment="spot", state="DISABLED")
    two.advance(TRANSITION_S)
    two.submit(arrayProperties={"size": 10})
    assert environments_used(two) == ["on-demand", "on-demand"]


def test_the_machine_limits_what_runs_at_once() -> None:
    batch = LocalBatch(vcpus=3)
    batch.environment(maxvCpus=128)
    batch.queue()
    batch.definition()
    batch.submit(arrayProperties={"size": 10})
    assert len(batch.running()) == 3


def test_a_job_larger_than_the_machine_runs_alone() -> None:
    batch = LocalBatch(vcpus=2)
    batch.environment(maxvCpus=128)
    batch.queue()
    batch.definition()
    small = batch.submit()
    large = batch.submit(containerOverrides=vcpus(16))
    assert batch.running() == [small]

    batch.run(small)
    batch.end(small)

    assert batch.running() == [small, large]


def test_a_job_larger_than_any_environment_waits_and_says_why(two: LocalBatch) -> None:
    large = two.submit(containerOverrides=vcpus(3))
    small = two.submit()

    assert two.status(large) == "RUNNABLE"
    reason = two.job(large)["statusReason"]
    assert reason.startswith("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE")
    assert two.running() == [small]

    two.client.update_compute_environment(
        computeEnvironment="spot", computeResources={"maxvCpus": 4}
    )
    two.advance(TRANSITION_S)

    assert two.running() == [small, large]


def test_a_job_that_has_to_wait_holds_up_those_behind_it(two: LocalBatch) -> None:
    first = two.submit()
    two.submit()
    two.submit(containerOverrides=vcpus(2))
    waiting = two.submit(containerOverrides=vcpus(2))
    behind = two.submit()
    assert behind not in two.running()

    two.run(first)
    two.end(first)

    assert waiting not in two.running()
    assert behind not in two.running()


def test_a_queue_of_higher_priority_goes_first(batch: LocalBatch) -> None:
    batch.environment(maxvCpus=1)
    batch.queue("work", "spot", priority=1)
    batch.queue("urgent", "spot", priority=10)
    batch.definition()
    first = batch.submit()
    low = batch.submit()
    high = batch.submit(jobQueue="urgent")
    batch.run(first)
    batch.end(first)
    assert batch.running() == [first, high]
    assert batch.status(low) == "RUNNABLE"


def test_desired_vcpus_follow_what_runs(two: LocalBatch) -> None:
    job_id = two.submit(containerOverrides=vcpus(1.5))
    found = two.client.describe_compute_environments(computeEnvironments=["spot"])
    assert found["computeEnvironments"][0]["computeResources"]["desiredvCpus"] == 2

    two.run(job_id)
    two.end(job_id)

    found = two.client.describe_compute_environments(computeEnvironments=["spot"])
    assert found["computeEnvironments"][0]["computeResources"]["desiredvCpus"] == 0
