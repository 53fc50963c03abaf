"""What a job cost, on what Batch, EC2 and the price list answer; by the command line as well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from job_account import BEGAN_MS, TABLE, JobAccount, batch_jobs, opened

from batchctl.application.job_cost import job_cost_of
from batchctl.aws.clock import Clock
from batchctl.jobs import JobNotFound
from batchctl.jobs.cost.ledger import HOUR_MS, Range
from batchctl.jobs.resources import JobResources

approx: Any = pytest.approx

ENVIRONMENTS = ("arn:aws:batch:us-east-1:123456789012:compute-environment/app-spot",)
RESOURCES = JobResources(TABLE, "logs", "tracker", (), ENVIRONMENTS)
ASKED = [{"type": "VCPU", "value": "1.0"}, {"type": "MEMORY", "value": "1024"}]


@pytest.fixture
def account() -> Iterator[JobAccount]:
    for account in opened(Clock()):
        account.environments = [{"computeResources": {"instanceTypes": ["m6i.large"]}}]
        answering(account.aws, "ec2", "DescribeInstanceTypes", {"InstanceTypes": [TYPE]})
        answering(account.aws, "ec2", "DescribeSpotPriceHistory", {"SpotPriceHistory": [SPOT]})
        answering(account.aws, "pricing", "GetProducts", {"PriceList": [json.dumps(PRODUCT)]})
        yield account


TYPE = {
    "InstanceType": "m6i.large",
    "VCpuInfo": {"DefaultVCpus": 2},
    "MemoryInfo": {"SizeInMiB": 8192},
}
SPOT = {
    "InstanceType": "m6i.large",
    "AvailabilityZone": "us-east-1a",
    "SpotPrice": "0.040000",
    "Timestamp": datetime(2026, 11, 1, tzinfo=UTC),
}
PRODUCT = {
    "product": {"attributes": {"instanceType": "m6i.large"}},
    "terms": {
        "OnDemand": {
            "X": {
                "priceDimensions": {
                    "Y": {"beginRange": "0", "pricePerUnit": {"USD": "0.0960000000"}}
                }
            }
        }
    },
}


def answering(aws: Any, service: str, operation: str, answer: Any) -> None:
    """Have an operation answered so from now on, or refused when the answer is an error."""

    def call(**_: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(status_code=200), answer

    region = "us-east-1" if service == "pricing" else None
    events = aws.connection.client(service, region).meta.events
    name, this = f"before-call.{service}.{operation}", f"{service}-{operation}"
    events.unregister(name, unique_id=this)
    events.register_first(name, call, unique_id=this)


def attempt(from_h: float, to_h: float, reason: str = "Essential container exited") -> Any:
    return {
        "startedAt": BEGAN_MS + int(from_h * HOUR_MS),
        "stoppedAt": BEGAN_MS + int(to_h * HOUR_MS),
        "statusReason": reason,
        "container": {},
    }


def ended(account: JobAccount, batch_id: str, *attempts: Any) -> None:
    container = {"resourceRequirements": ASKED}
    account.child(batch_id, "SUCCEEDED", attempts=list(attempts), container=container)


def test_a_job_costs_its_attempts_and_says_what_reclaims_took(account: JobAccount) -> None:
    """Task 0: 1 h lost, then 2 h; task 1: 0.5 h. Half a machine: 3.5 h x $0.02, or x $0.048."""
    account.job("demo", batch_jobs=batch_jobs(("array", 0, 2)))
    lost = attempt(0, 1, "Host EC2 (instance i-0a) terminated.")
    ended(account, "array:0", lost, attempt(1, 3))
    ended(account, "array:1", attempt(0, 0.5))
    found = job_cost_of(account.aws, RESOURCES, "demo", BEGAN_MS)
    assert found.spot == Range(approx(0.07), approx(0.07))
    assert found.on_demand == Range(approx(0.168), approx(0.168))
    assert found.lost == Range(approx(0.02), approx(0.02))
    assert (found.attempts, found.vcpu_hours, found.unknown) == (3, 3.5, 0)


def test_an_attempt_that_runs_is_counted_until_now(account: JobAccount) -> None:
    account.job("demo", batch_jobs=batch_jobs(("array", 0, 2)))
    container = {"resourceRequirements": ASKED, "logStreamName": "s"}
    account.child("array:0", "RUNNING", "s", container=container, startedAt=BEGAN_MS)
    found = job_cost_of(account.aws, RESOURCES, "demo", BEGAN_MS + HOUR_MS)
    assert found.spot == Range(approx(0.02), approx(0.02))
    assert found.unknown == 1  # of task 1 Batch knows nothing


def test_where_ec2_may_not_be_asked_the_cost_is_unknown_and_the_use_is_told(
    account: JobAccount,
) -> None:
    account.job("demo", batch_jobs=batch_jobs(("array", 0, 2)))
    ended(account, "array:0", attempt(0, 2))
    error = ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": "no"}}, "x")
    answering(account.aws, "ec2", "DescribeSpotPriceHistory", error)
    found = job_cost_of(account.aws, RESOURCES, "demo", BEGAN_MS)
    assert (found.spot, found.on_demand, found.vcpu_hours) == (None, None, 2.0)


def test_without_the_price_list_spots_prices_stand_alone(account: JobAccount) -> None:
    account.job("demo", batch_jobs=batch_jobs(("array", 0, 2)))
    ended(account, "array:0", attempt(0, 2))
    error = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "x")
    answering(account.aws, "pricing", "GetProducts", error)
    found = job_cost_of(account.aws, RESOURCES, "demo", BEGAN_MS)
    assert found.spot == Range(approx(0.04), approx(0.04))
    assert found.on_demand is None


def test_a_job_that_is_not_there_is_said_so(account: JobAccount) -> None:
    with pytest.raises(JobNotFound):
        job_cost_of(account.aws, RESOURCES, "demo", BEGAN_MS)
