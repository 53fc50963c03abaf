"""What an `up` from an earlier version leaves until the jobs that have begun are done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from batchctl.application.upgrade import earlier_containers
from batchctl.aws.session import Aws, Connection
from batchctl.engine.state import State, StateIdentity, StateRecord

IDENTITY = StateIdentity("batchapp", "123456789012", "us-east-1")


@dataclass
class Batch:
    """An account in whose queues jobs are unfinished, by the queue's ARN."""

    aws: Aws
    unfinished: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def list_jobs(self, params: dict[str, Any], **_: object) -> None:
        self.asked.append(params["jobQueue"])

    def answer(self, params: dict[str, Any], **_: object) -> tuple[Any, dict[str, Any]]:
        queue = self.asked[-1]
        running = {"jobId": "running", "jobName": "running", "status": "RUNNING"}
        jobs = [running] if queue in self.unfinished else []
        del params
        return SimpleNamespace(status_code=200), {"jobSummaryList": jobs}


@pytest.fixture
def batch() -> Iterator[Batch]:
    with mock_aws():
        session = boto3.Session("testing", "testing", region_name="us-east-1")
        made = Batch(Aws(Connection(session), stack="batchapp", tags={}))
        events: Any = made.aws.connection.client("batch").meta.events
        events.register("provide-client-params.batch.ListJobs", made.list_jobs)
        events.register("before-call.batch.ListJobs", made.answer)
        yield made


def queue(name: str, *dependencies: str, generation: int = 1) -> StateRecord:
    return StateRecord(
        kind="job_queue",
        label="compute",
        generation=generation,
        outputs={"id": name, "arn": f"arn:{name}"},
        dependencies=("compute_environment.spot", *dependencies),
    )


def state(*records: StateRecord, deposed: tuple[StateRecord, ...] = ()) -> State:
    resources = {record.address: record for record in records}
    return State(IDENTITY, resources=resources, deposed=deposed)


EARLIER = queue("batchapp-compute")
SHARED = queue("batchapp-compute-2", "scheduling_policy.compute", generation=2)


def test_before_the_first_up_there_are_none_and_nobody_is_asked(batch: Batch) -> None:
    assert not earlier_containers(None, lambda: batch.aws)
    assert not earlier_containers(state(), lambda: batch.aws)
    assert batch.asked == []


def test_an_application_with_shares_has_none_and_nobody_is_asked(batch: Batch) -> None:
    assert not earlier_containers(state(SHARED), lambda: batch.aws)
    assert batch.asked == []


@pytest.mark.parametrize("unfinished", [True, False])
def test_in_the_queue_of_an_earlier_version_they_are_as_long_as_it_has_jobs(
    batch: Batch, unfinished: bool
) -> None:
    batch.unfinished = {"arn:batchapp-compute"} if unfinished else set()
    assert earlier_containers(state(EARLIER), lambda: batch.aws) is unfinished


@pytest.mark.parametrize("unfinished", [True, False])
def test_in_a_queue_that_has_a_successor_they_are_as_long_as_it_has_jobs(
    batch: Batch, unfinished: bool
) -> None:
    batch.unfinished = {"arn:batchapp-compute"} if unfinished else set()
    found = earlier_containers(state(SHARED, deposed=(EARLIER,)), lambda: batch.aws)
    assert found is unfinished
