"""The splitter submits every part of a job once, under a lease, and fails bad messages alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from batch_double import BatchDouble
from surroundings import QUEUE_ARN, TABLE, Clock

from batchctl.contract.batch_jobs import BatchJob
from batchctl.contract.job_record import JobRecord
from batchctl.contract.statuses import Status
from batchctl.contract.table import key
from batchctl.contract.timestamps import timestamp
from handlers import splitter as splitter_module
from handlers import wiring
from handlers.batch.split_lease import LeaseHeldError, LeaseLostError, SplitLeases, UnknownJobError
from handlers.batch.splitter import Splitter
from handlers.store.jobs import JobStore


def split(job_splitter: Splitter, job_id: str = "demo-1", owner: str = "invocation-1") -> None:
    job_splitter.split(job_id, owner, 60_000)


def record(table: JobStore, job_id: str = "demo-1") -> JobRecord:
    job = table.read(job_id)
    assert job is not None
    return job


@pytest.mark.parametrize(
    ("items", "items_per_task", "sizes"),
    [
        (1, 1, [None]),
        (2, 1, [2]),
        (250, 100, [3]),
        (10_000, 1, [10_000]),
        (10_001, 1, [10_000, None]),
        (25_000, 1, [10_000, 10_000, 5_000]),
        pytest.param(1_000_000, 1, [10_000] * 100, marks=pytest.mark.exhaustive),
        (1_000_000, 100, [10_000]),
    ],
)
def test_a_job_is_as_few_batch_jobs_as_batch_allows(
    *,
    job_splitter: Splitter,
    batch: BatchDouble,
    table: JobStore,
    queued: Callable[..., JobRecord],
    items: int,
    items_per_task: int,
    sizes: list[int | None],
) -> None:
    queued(items=items, items_per_task=items_per_task)

    split(job_splitter)

    assert [request.get("arrayProperties", {}).get("size") for request in batch.requests] == sizes
    assert batch.names() == [f"demo-1-{number}" for number in range(len(sizes))]
    job = record(table)
    assert job.status is Status.SUBMITTED
    assert sum(batch_job.tasks for batch_job in job.batch_jobs) == job.tasks
    assert batch.calls == ["SubmitJob"] * len(sizes)


def test_a_container_is_told_its_job_its_first_task_and_the_items_of_a_task(
    job_splitter: Splitter, batch: BatchDouble, queued: Callable[..., JobRecord]
) -> None:
    queued(items=20_002, items_per_task=2)

    split(job_splitter)

    request = batch.requests[1]
    assert (request["jobQueue"], request["jobDefinition"]) == (QUEUE_ARN, "batchapp-compute")
    assert request["containerOverrides"] == {
        "environment": [
            {"name": "BATCHCTL_JOB_ID", "value": "demo-1"},
            {"name": "BATCHCTL_ATTEMPT", "value": "1"},
            {"name": "BATCHCTL_FIRST_TASK", "value": "10000"},
            {"name": "BATCHCTL_FIRST_ITEM", "value": "20000"},
            {"name": "BATCHCTL_ITEMS_PER_TASK", "value": "2"},
            {"name": "BATCHCTL_ITEMS_PER_CHUNK", "value": "250"},
        ]
    }
    # ECS takes overrides of 8,192 characters.
    assert len(json.dumps(request["containerOverrides"])) < 8192


def test_a_message_that_comes_again_submits_nothing(
    job_splitter: Splitter, batch: BatchDouble, queued: Callable[..., JobRecord]
) -> None:
    queued()
    split(job_splitter)
    split(job_splitter, owner="invocation-2")
    assert batch.calls == ["SubmitJob"]


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.SUCCEEDED, Status.FAILED])
def test_a_job_that_is_over_is_not_submitted(
    job_splitter: Splitter,
    batch: BatchDouble,
    table: JobStore,
    queued: Callable[..., JobRecord],
    status: Status,
) -> None:
    queued()
    _set_status(table, status)
    split(job_splitter)
    assert "SubmitJob" not in batch.calls
    assert record(table).status is status


def _set_status(table: JobStore, status: Status) -> None:
    table.client.update_item(
        TableName=TABLE,
        Key=key("demo-1"),
        UpdateExpression="SET #status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": {"S": status.value}},
    )


def test_a_job_that_is_cancelled_while_it_is_split_stays_so_and_what_was_submitted_is_ended(
    job_splitter: Splitter,
    batch: BatchDouble,
    table: JobStore,
    queued: Callable[..., JobRecord],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queued(items=30_000)
    submit = batch.submit_job

    def cancel_meanwhile(**request: Any) -> Any:
        _set_status(table, Status.CANCELLED)
        return submit(**request)

    monkeypatch.setattr(batch, "submit_job", cancel_meanwhile)
    split(job_splitter)

    job = record(table)
    assert job.status is Status.CANCELLED
    assert job.batch_jobs == (BatchJob("batch-1", 0, 10_000),)
    assert batch.terminated == ["batch-1"]


def test_a_job_whose_receiver_died_after_the_message_is_accepted_and_listed(
    job_splitter: Splitter, table: JobStore, clock: Clock
) -> None:
    table.create(JobRecord("demo-1", Status.RECEIVING, timestamp(clock()), 2, 1, "hash"))
    split(job_splitter)
    jobs, _ = table.listing.page(10, None)
    assert [(job.job_id, job.status) for job in jobs] == [("demo-1", Status.SUBMITTED)]


def test_a_live_lease_keeps_others_out_until_it_has_run_out(
    job_splitter: Splitter,
    leases: SplitLeases,
    batch: BatchDouble,
    clock: Clock,
    queued: Callable[..., JobRecord],
) -> None:
    queued()
    assert leases.take("demo-1", "invocation-1", 60_000)
    clock.sleep(89)  # the invocation and the margin of 30 s
    with pytest.raises(LeaseHeldError):
        split(job_splitter, owner="invocation-2")
    assert batch.calls == []

    clock.sleep(2)
    split(job_splitter, owner="invocation-2")
    assert batch.calls == ["ListJobs", "SubmitJob"]


def test_who_has_lost_the_lease_records_nothing(
    leases: SplitLeases, table: JobStore, clock: Clock, queued: Callable[..., JobRecord]
) -> None:
    queued()
    lease = leases.take("demo-1", "invocation-1", 60_000)
    assert lease
    clock.sleep(91)
    leases.take("demo-1", "invocation-2", 60_000)

    with pytest.raises(LeaseLostError):
        leases.record(lease, (BatchJob("batch-1", 0, 2),))
    with pytest.raises(LeaseLostError):
        leases.finish(lease)
    assert record(table).batch_jobs == ()


def test_finishing_again_is_quiet(
    leases: SplitLeases, table: JobStore, queued: Callable[..., JobRecord]
) -> None:
    queued()
    lease = leases.take("demo-1", "invocation-1", 60_000)
    assert lease
    leases.finish(lease)
    leases.finish(lease)
    assert record(table).status is Status.SUBMITTED


def test_an_unknown_job_is_an_error(job_splitter: Splitter) -> None:
    with pytest.raises(UnknownJobError):
        split(job_splitter)


@pytest.fixture
def function(job_splitter: Splitter, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Give the handler, with AWS Batch as a double."""
    monkeypatch.setattr(wiring, "splitter", lambda: job_splitter)
    return splitter_module.handler


def test_every_message_of_an_event_is_split(
    function: Callable[..., Any],
    batch: BatchDouble,
    context: LambdaContext,
    event: Callable[[str], Any],
    queued: Callable[..., JobRecord],
) -> None:
    queued("demo-1")
    queued("demo-2")
    assert function(event("sqs_two_messages"), context) == {"batchItemFailures": []}
    assert batch.names() == ["demo-1-0", "demo-2-0"]


@pytest.mark.parametrize(
    "poison", ["", "{", "null", "[]", '"demo-1"', "{}", '{"job_id": 7}', '{"job_id": ""}']
)
def test_a_poison_message_fails_alone(
    *,
    function: Callable[..., Any],
    batch: BatchDouble,
    context: LambdaContext,
    event: Callable[[str], Any],
    queued: Callable[..., JobRecord],
    poison: str,
) -> None:
    queued("demo-2")
    messages = event("sqs_two_messages")
    messages["Records"][0]["body"] = poison
    failed = {"itemIdentifier": messages["Records"][0]["messageId"]}

    assert function(messages, context) == {"batchItemFailures": [failed]}
    assert batch.names() == ["demo-2-0"]


def test_an_event_of_which_every_message_fails_says_so(
    function: Callable[..., Any], context: LambdaContext, event: Callable[[str], Any]
) -> None:
    messages = event("sqs_two_messages")
    failed = [{"itemIdentifier": message["messageId"]} for message in messages["Records"]]
    assert function(messages, context) == {"batchItemFailures": failed}


def test_the_same_job_twice_in_an_event_is_submitted_once(
    function: Callable[..., Any],
    batch: BatchDouble,
    context: LambdaContext,
    event: Callable[[str], Any],
    queued: Callable[..., JobRecord],
) -> None:
    queued()
    messages = event("sqs_two_messages")
    messages["Records"][1]["body"] = messages["Records"][0]["body"]
    assert function(messages, context) == {"batchItemFailures": []}
    assert batch.names() == ["demo-1-0"]
