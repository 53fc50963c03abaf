from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_batch import TRANSITION_S, LocalBatch


def described(batch: LocalBatch, name: str = "work") -> dict[str, Any]:
    found: list[dict[str, Any]] = batch.client.describe_job_queues(jobQueues=[name])["jobQueues"]
    return found[0]


def disable(batch: LocalBatch) -> None:
    batch.client.update_job_queue(jobQueue="work", state="DISABLED")
    batch.advance(TRANSITION_S)


def test_a_new_queue_is_creating_and_then_valid(batch: LocalBatch) -> None:
    batch.environment()
    order = [{"order": 1, "computeEnvironment": "spot"}]
    batch.client.create_job_queue(jobQueueName="work", priority=1, computeEnvironmentOrder=order)
    assert described(batch)["status"] == "CREATING"

    batch.advance(TRANSITION_S)

    assert described(batch)["status"] == "VALID"
    assert described(batch)["state"] == "ENABLED"


def test_a_queue_keeps_its_environments_in_order_and_by_arn(batch: LocalBatch) -> None:
    batch.environment("spot")
    batch.environment("on-demand")
    order = [
        {"order": 2, "computeEnvironment": "on-demand"},
        {"order": 1, "computeEnvironment": "spot"},
    ]
    batch.client.create_job_queue(jobQueueName="work", priority=1, computeEnvironmentOrder=order)

    arn = "arn:aws:batch:us-east-1:000000000000:compute-environment"
    assert described(batch)["computeEnvironmentOrder"] == [
        {"order": 1, "computeEnvironment": f"{arn}/spot"},
        {"order": 2, "computeEnvironment": f"{arn}/on-demand"},
    ]


@pytest.mark.parametrize("problem", [None, "CLIENT_ERROR - broken"])
def test_a_queue_needs_environments_that_are_valid(batch: LocalBatch, problem: str | None) -> None:
    batch.account.problem = problem
    if problem:
        batch.environment()
    order = [{"order": 1, "computeEnvironment": "spot"}]
    with pytest.raises(ClientError, match="is not valid" if problem else "does not exist"):
        batch.client.create_job_queue(
            jobQueueName="work", priority=1, computeEnvironmentOrder=order
        )


def test_a_queue_has_at_most_three_environments(batch: LocalBatch) -> None:
    for name in ("a", "b", "c", "d"):
        batch.environment(name)
    with pytest.raises(ClientError, match="1 to 3 compute environments"):
        batch.queue("work", "a", "b", "c", "d")


def test_a_queue_that_exists_is_refused(ready: LocalBatch) -> None:
    with pytest.raises(ClientError, match="Object already exists"):
        ready.queue()


def test_a_queue_is_deleted_only_when_disabled_and_settled(ready: LocalBatch) -> None:
    with pytest.raises(ClientError, match="DISABLED"):
        ready.client.delete_job_queue(jobQueue="work")
    ready.client.update_job_queue(jobQueue="work", state="DISABLED")
    with pytest.raises(ClientError, match=r"Cannot delete, resource is being modified\."):
        ready.client.delete_job_queue(jobQueue="work")
    ready.advance(TRANSITION_S)

    ready.client.delete_job_queue(jobQueue="work")
    assert described(ready)["status"] == "DELETING"
    ready.advance(TRANSITION_S)

    assert ready.client.describe_job_queues()["jobQueues"] == []


def test_deleting_a_queue_ends_its_jobs_before_it_goes(ready: LocalBatch) -> None:
    running, waiting = ready.submit(), ready.submit(dependsOn=[{"jobId": ready.submit()}])
    ready.run(running)
    disable(ready)

    ready.client.delete_job_queue(jobQueue="work")
    ready.advance(TRANSITION_S)
    assert described(ready)["status"] == "DELETING"
    assert ready.signals(running) == ["TERM"]
    assert ready.status(waiting) == "FAILED"

    for job_id in set(ready.running()):
        ready.end(job_id, 143)
    ready.advance(2 * TRANSITION_S)

    assert ready.client.describe_job_queues()["jobQueues"] == []
    assert ready.status(running) == "FAILED"


def test_a_disabled_queue_takes_no_new_jobs_but_finishes_its_own(ready: LocalBatch) -> None:
    job_id = ready.submit()
    disable(ready)
    with pytest.raises(ClientError, match="not ENABLED"):
        ready.submit()

    ready.run(job_id)
    ready.end(job_id)

    assert ready.status(job_id) == "SUCCEEDED"


def test_an_update_moves_a_queue_to_another_environment(ready: LocalBatch) -> None:
    ready.environment("on-demand")
    ready.client.update_job_queue(
        jobQueue="work",
        priority=5,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": "on-demand"}],
    )
    assert described(ready)["status"] == "UPDATING"
    ready.advance(TRANSITION_S)

    assert described(ready)["priority"] == 5
    job_id = ready.submit()
    assert ready.task(job_id).environment["AWS_BATCH_CE_NAME"] == "on-demand"
