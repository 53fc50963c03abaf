"""Another attempt at a job does what has no success, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from batch_double import BatchDouble
from endings import attempt, end_array, end_task, event
from jobs_left import Jobs, tasks
from surroundings import A_JOB, QUEUE_ARN, TABLE, Clock

from batchctl.contract.batch_jobs import BatchJob
from batchctl.contract.control import Action, Overrides, RefusedError, Request
from batchctl.contract.job_record import JobRecord, batch_jobs_value
from batchctl.contract.statuses import Status
from batchctl.contract.table import key
from batchctl.contract.timestamps import timestamp
from handlers import clients
from handlers.batch.splitter import Splitter
from handlers.store.jobs import JobStore
from handlers.store.universe import Universe
from handlers.tracking.cancel import Canceller
from handlers.tracking.events import Tracker
from handlers.tracking.next_run import NextUniverse
from handlers.tracking.retry import Invocation, Retrier
from handlers.tracking.retry_lease import RetryLeases

LATER = float("inf")
ON_DEMAND_ARN = f"{QUEUE_ARN}-on-demand"


def retry(retrier: Retrier, owner: str = "call-1", **overrides: Any) -> JobRecord:
    command = Request(Action.RETRY, "demo-1", Overrides(**overrides))
    return retrier.retry(command, Invocation(owner, 60_000), LATER)


def record(table: JobStore) -> JobRecord:
    job = table.read("demo-1")
    assert job is not None
    return job


def messages(queue_url: str) -> Iterator[Any]:
    while received := clients.sqs().receive_message(QueueUrl=queue_url).get("Messages"):
        yield from (json.loads(message["Body"]) for message in received)


@pytest.fixture
def failed(jobs: Jobs, batch: BatchDouble, get: Callable[..., tuple[int, Any]]) -> str:
    """A job of 5 items, 2 in a task, that has FAILED: item-4 and item-3, item-2 did well."""
    array = jobs.submitted(items=5, items_per_task=2)
    for item in ("item-4", "item-3", "item-2"):
        jobs.result(item)
    jobs.result("item-1", "FAILED", error={"S": "ValueError"}, reason={"S": "EXCEPTION"})
    end_task(batch, f"{array}:1", "FAILED", [attempt(1)])
    end_task(batch, f"{array}:2", "FAILED", [attempt(137)])
    end_array(batch, array, SUCCEEDED=1, FAILED=2)
    assert get()[1]["status"] == "FAILED"
    return array


def test_what_has_no_success_is_done_again(
    failed: str,
    retrier: Retrier,
    job_splitter: Splitter,
    batch: BatchDouble,
    table: JobStore,
    universe: Universe,
    queue_url: str,
    get: Callable[..., tuple[int, Any]],
) -> None:
    job = retry(retrier, memory_mib=4096)

    assert (job.status, job.run, job.items_to_do, job.tasks) == (Status.QUEUED, 2, 2, 1)
    assert list(universe.read(A_JOB, run=2)) == ["item-1", "item-0"]
    assert list(universe.read(A_JOB)) == [f"item-{number}" for number in (4, 3, 2, 1, 0)]
    assert list(messages(queue_url)) == [{"job_id": "demo-1"}]
    assert job.earlier_batch_jobs == (BatchJob(failed, 0, 3),)
    _, body = get()
    assert (body["status"], body["attempt"], body["items"], tasks(body)) == (
        "QUEUED",
        2,
        5,
        (1, 0, 0, 0),
    )
    assert set(body["results"]) == {"item-4", "item-3", "item-2"}
    assert "finished_at" not in body

    job_splitter.split("demo-1", "invocation-2", 60_000)
    request = batch.requests[-1]
    assert request["jobName"] == "demo-1-0-r2"
    assert request["jobQueue"] == QUEUE_ARN
    variables = {
        each["name"]: each["value"] for each in request["containerOverrides"]["environment"]
    }
    assert variables["BATCHCTL_ATTEMPT"] == "2"
    assert request["containerOverrides"]["resourceRequirements"] == [
        {"type": "MEMORY", "value": "4096"}
    ]
    assert "ListJobs" not in batch.calls
    assert record(table).status is Status.SUBMITTED


def test_an_attempt_that_does_the_rest_ends_the_job_well(
    failed: str,
    retrier: Retrier,
    job_splitter: Splitter,
    jobs: Jobs,
    batch: BatchDouble,
    tracker: Tracker,
    table: JobStore,
) -> None:
    retry(retrier)
    job_splitter.split("demo-1", "invocation-2", 60_000)
    (batch_job,) = record(table).batch_jobs
    # An old event comes late: it is of another attempt.
    tracker.track(event(batch.jobs[failed]), LATER)
    assert record(table).status is Status.SUBMITTED
    jobs.all_succeeded(2)
    tracker.track(event(end_task(batch, batch_job.id, "SUCCEEDED", [attempt(0)])), LATER)
    job = record(table)
    assert (job.status, job.succeeded, job.failed) == (Status.SUCCEEDED, 1, 0)


def test_an_attempt_that_fails_again_says_why_and_can_be_retried(
    failed: str,
    retrier: Retrier,
    job_splitter: Splitter,
    batch: BatchDouble,
    tracker: Tracker,
    table: JobStore,
    universe: Universe,
    get: Callable[..., tuple[int, Any]],
) -> None:
    retry(retrier)
    job_splitter.split("demo-1", "invocation-2", 60_000)
    second = record(table).batch_jobs
    timeout = attempt(137, "", "Job attempt duration exceeded timeout")
    tracker.track(event(end_task(batch, second[0].id, "FAILED", [timeout])), LATER)
    _, body = get()
    assert body["status"] == "FAILED"
    assert {body["results"][item]["reason"] for item in ("item-0", "item-1")} == {"TIMEOUT"}

    job = retry(retrier, "call-2")
    assert (job.run, job.earlier_batch_jobs) == (3, (BatchJob(failed, 0, 3), *second))
    assert list(universe.read(A_JOB, run=3)) == ["item-1", "item-0"]


def test_on_demand_goes_to_the_queue_on_demand(
    failed: str, retrier: Retrier, job_splitter: Splitter, batch: BatchDouble
) -> None:
    assert failed
    object.__setattr__(job_splitter.submission, "queue_on_demand", ON_DEMAND_ARN)
    retry(retrier, on_demand=True)
    job_splitter.split("demo-1", "invocation-2", 60_000)
    assert batch.requests[-1]["jobQueue"] == ON_DEMAND_ARN


def test_on_demand_is_refused_where_there_is_none(failed: str, retrier: Retrier) -> None:
    assert failed
    object.__setattr__(retrier, "has_on_demand", False)
    with pytest.raises(RefusedError, match="on_demand_fallback") as refused:
        retry(retrier, on_demand=True)
    assert refused.value.code == 400


def test_a_cancelled_job_is_taken_up_where_it_was(
    jobs: Jobs, retrier: Retrier, canceller: Canceller, universe: Universe
) -> None:
    jobs.submitted(items=3)
    jobs.result("item-1")
    canceller.cancel("demo-1", LATER)
    job = retry(retrier)
    assert (job.run, job.items_to_do, job.finished_at) == (2, 2, None)
    assert list(universe.read(A_JOB, run=2)) == ["item-2", "item-0"]


def test_a_job_that_ended_unseen_can_be_retried(
    jobs: Jobs, retrier: Retrier, batch: BatchDouble
) -> None:
    array = jobs.submitted(items=2)
    end_array(batch, array, FAILED=2)
    assert retry(retrier).run == 2


@pytest.mark.parametrize("status", ["running", "succeeded", "unknown"])
def test_what_can_not_be_retried_is_refused(
    jobs: Jobs, retrier: Retrier, batch: BatchDouble, status: str
) -> None:
    if status != "unknown":
        array = jobs.submitted()
    if status == "succeeded":
        jobs.all_succeeded()
        end_array(batch, array, SUCCEEDED=4)
    with pytest.raises(RefusedError) as refused:
        retry(retrier)
    assert refused.value.code == (404 if status == "unknown" else 409)


def test_a_repeated_call_sends_the_message_again_and_makes_no_other_attempt(
    failed: str, retrier: Retrier, queue_url: str
) -> None:
    assert failed
    assert retry(retrier) == retry(retrier, "call-2", memory_mib=8192)
    assert list(messages(queue_url)) == [{"job_id": "demo-1"}] * 2


def test_two_calls_at_once_are_one_attempt(
    failed: str, retrier: Retrier, table: JobStore, clock: Clock
) -> None:
    assert failed
    RetryLeases(table).take(record(table), "call-1", 60_000)
    with pytest.raises(RefusedError, match="another call") as refused:
        retry(retrier, "call-2")
    assert refused.value.code == 409
    clock.sleep(100)  # the first call is dead by then
    assert retry(retrier, "call-3").run == 2


def test_a_call_that_failed_can_be_repeated_at_once(
    failed: str, retrier: Retrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert failed
    with monkeypatch.context() as patch:
        patch.setattr(Universe, "write_next", _fail)
        with pytest.raises(ConnectionError):
            retry(retrier, "call-1")
    assert retry(retrier, "call-2").run == 2


def _fail(*_: Any) -> None:
    raise ConnectionError


def test_batch_job_names_of_attempts_are_never_those_of_other_jobs() -> None:
    def job(job_id: str, attempt: int) -> JobRecord:
        return JobRecord(job_id, Status.QUEUED, "", 10_001, 1, "", run=attempt)

    ids = ["a", "a-0", "a-r2", "a-0-r2", "a-r2-0", "a-1"]
    names = [
        spec.name
        for name in ids
        for attempt in (1, 2, 12)
        for spec in job(name, attempt).batch_job_specs
    ]
    assert len(set(names)) == len(names)
    assert max(map(len, (spec.name for spec in job("a" * 100, 99).batch_job_specs))) <= 128


def test_the_record_of_many_attempts_at_a_huge_job_fits_into_an_item(
    table: JobStore, clock: Clock
) -> None:
    batch_jobs = tuple(
        BatchJob(f"01234567-89ab-cdef-0123-{number:012d}", number * 10_000, 10_000)
        for number in range(100)
    )
    parameters = "p" * 16 * 1024
    job = JobRecord(
        "a" * 100, Status.FAILED, timestamp(clock()), 1_000_000, 1, "h" * 64, parameters
    )
    table.create(job)
    leases = RetryLeases(table)
    had = replace(job, batch_jobs=batch_jobs, earlier_batch_jobs=batch_jobs * 10)
    leases.take(had, "call-1", 60_000)

    job = leases.start(
        had, "call-1", NextUniverse(1_000_000, 250, None), Overrides(memory_mib=4096)
    )

    assert job.earlier_batch_jobs == batch_jobs * 10
    table.client.update_item(
        TableName=TABLE,
        Key=key(job.job_id),
        UpdateExpression="SET batch_jobs = :jobs",
        ExpressionAttributeValues={":jobs": batch_jobs_value(batch_jobs)},
    )
    item = table.client.get_item(TableName=TABLE, Key=key(job.job_id))["Item"]
    # JSON is longer than what DynamoDB counts: names, values, and a few bytes for each.
    assert len(json.dumps(item)) < 400 * 1024


def test_another_attempt_has_the_items_own_parameters(
    jobs: Jobs, retrier: Retrier, batch: BatchDouble, universe: Universe, table: JobStore
) -> None:
    array = jobs.submitted(items=3, items_per_task=3)
    own = {0: '{"x":0}', 2: '{"x":2}'}
    universe.write(record(table), ["item-2", "item-1", "item-0"], own)
    jobs.result("item-2")
    end_task(batch, array, "FAILED", [attempt(1)])

    retry(retrier)

    (chunk,) = universe.chunks(record(table), run=2)
    assert sorted((item, chunk.own.get(at)) for at, item in enumerate(chunk.items)) == [
        ("item-0", '{"x":2}'),
        ("item-1", None),
    ]


@pytest.mark.usefixtures("failed")
def test_one_item_can_be_done_again_while_the_others_stay_as_they_are(
    retrier: Retrier, universe: Universe, get: Callable[..., tuple[int, Any]]
) -> None:
    request = Request(Action.RETRY, "demo-1", items=("item-0",))
    job = retrier.retry(request, Invocation("call-9", 60_000), float("inf"))

    assert list(universe.read(job, run=2)) == ["item-0"]
    _, body = get()
    counts = body["item_counts"]
    assert (counts["total"], counts["succeeded"], counts["failed"]) == (5, 3, 1)
    assert body["results"]["item-1"]["status"] == "FAILED"


@pytest.mark.usefixtures("failed")
@pytest.mark.parametrize("item", ["item-4", "other"])
def test_an_item_that_has_succeeded_or_is_none_of_the_job_is_refused(
    retrier: Retrier, table: JobStore, item: str
) -> None:
    request = Request(Action.RETRY, "demo-1", items=("item-0", item))
    with pytest.raises(RefusedError) as refused:
        retrier.retry(request, Invocation("call-9", 60_000), float("inf"))
    assert (refused.value.code, f"`{item}`" in refused.value.error) == (409, True)
    assert record(table).run == 1
