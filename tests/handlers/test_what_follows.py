"""Runs that follow by themselves, retries that spare the innocent, jobs whose message was lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from batch_double import BatchDouble
from endings import HOST_GONE, attempt, end_array, end_task
from jobs_left import Jobs
from surroundings import Clock, a_monitor

from batchctl.contract.control import Action, Overrides, RefusedError, Request
from batchctl.contract.progress import Cell, ItemCounts, ProgressRecord
from batchctl.contract.reasons import Reason
from batchctl.contract.statuses import Status
from batchctl.contract.table import key, results_partition
from handlers.batch.messages import Messages
from handlers.batch.split_lease import SplitLeases
from handlers.store.jobs import JobStore
from handlers.tracking.monitor import Monitor
from handlers.tracking.retry import Invocation, Retrier

Get = Callable[..., tuple[int, Any]]
LATER = float("inf")
RETRY = Request(Action.RETRY, "demo-1")


@pytest.fixture
def leases(table: JobStore) -> SplitLeases:
    """The image has our runner."""
    return SplitLeases(table, has_runner=True)


@pytest.fixture
def monitor(table: JobStore, batch: BatchDouble, clock: Clock, messages: Messages) -> Monitor:
    double: Any = batch
    sizes = (1024, 4096, 16384)
    return a_monitor(table.client, double, clock, messages, memory_sizes=sizes, has_on_demand=True)


def split(jobs: Jobs, owner: str) -> str:
    """Take the message of the job; gives the id of its last Batch job."""
    jobs.job_splitter.split("demo-1", owner, 60_000)
    return list(jobs.batch.jobs)[-1]


def present(table: JobStore) -> Any:
    job = table.read("demo-1")
    assert job is not None
    return job


def test_items_that_ran_out_of_memory_run_again_with_the_next_size(
    get: Get, jobs: Jobs, batch: BatchDouble, table: JobStore, messages_sent: Callable[[], int]
) -> None:
    array = jobs.submitted(items=4, items_per_task=2)
    for item, reason in (("item-3", "OUT_OF_MEMORY"), ("item-1", "EXCEPTION")):
        jobs.result(item, "FAILED", reason={"S": reason})
    jobs.result("item-2")
    jobs.result("item-0", "FAILED", reason={"S": "NOT_RUN"})
    end_array(batch, array, FAILED=2)

    assert get()[1]["status"] == "RUNNING"
    assert (present(table).run, messages_sent()) == (2, 1)
    assert list(table.universe.read(present(table), run=2)) == ["item-3", "item-0"]
    assert present(table).overrides == Overrides(memory_mib=4096)
    # until it is submitted, too: nobody has asked for another run
    assert get()[1]["status"] == "RUNNING"
    second = split(jobs, "invocation-2")
    memory = batch.requests[-1]["containerOverrides"]["resourceRequirements"]
    assert memory == [{"type": "MEMORY", "value": "4096"}]

    jobs.result("item-3", "FAILED", reason={"S": "OUT_OF_MEMORY"})
    jobs.result("item-0")
    batch.end(second, "FAILED")
    assert get()[1]["status"] == "RUNNING"
    third = split(jobs, "invocation-3")
    assert present(table).overrides == Overrides(memory_mib=16384)

    jobs.result("item-3", "FAILED", reason={"S": "OUT_OF_MEMORY"})
    batch.end(third, "FAILED")
    _, body = get()
    assert (body["status"], body["attempt"]) == ("FAILED", 3)
    assert body["failures"] == {"EXCEPTION": 1, "OUT_OF_MEMORY": 1}


def test_items_whose_host_was_taken_for_the_last_time_run_on_demand_once(
    get: Get, jobs: Jobs, batch: BatchDouble, table: JobStore
) -> None:
    array = jobs.submitted(items=2, items_per_task=1)
    jobs.result("item-1")
    lost = [attempt(status_reason=HOST_GONE)] * 10
    end_array(batch, array, SUCCEEDED=1, FAILED=1)
    end_task(batch, f"{array}:1", "FAILED", lost)
    assert get()[1]["status"] == "RUNNING"
    assert present(table).overrides == Overrides(on_demand=True)
    second = split(jobs, "invocation-2")
    end_task(batch, second, "FAILED", lost)
    _, body = get()
    assert (body["status"], body["failures"]) == ("FAILED", {"HOST": 1})


def test_a_retry_gives_those_that_may_end_their_container_a_task_each_at_the_end(
    jobs: Jobs, batch: BatchDouble, table: JobStore, retrier: Retrier
) -> None:
    array = jobs.submitted(items=7, items_per_task=3)
    cells = bytes([Cell.RUNNING, Cell.PENDING, Cell.PENDING])
    for task in (0, 1):
        record = ProgressRecord(1, task, cells)
        table.client.put_item(TableName=table.name, Item=record.as_item("demo-1", None))
        end_task(batch, f"{array}:{task}", "FAILED", [attempt(139)])
    jobs.result("item-0")
    end_array(batch, array, SUCCEEDED=1, FAILED=2)

    job = retrier.retry(RETRY, Invocation("call", 60_000), LATER)

    items = list(table.universe.read(job, run=2))
    assert items == ["item-5", "item-4", "item-2", "item-1", "item-6", "item-3"]
    assert (job.solo_from, job.tasks) == (4, 4)
    split(jobs, "invocation-2")
    told = [
        {each["name"]: each["value"] for each in request["containerOverrides"]["environment"]}
        for request in batch.requests[1:]
    ]
    assert [(each["BATCHCTL_FIRST_ITEM"], each["BATCHCTL_ITEMS_PER_TASK"]) for each in told] == [
        ("0", "3"),
        ("3", "1"),
        ("4", "1"),
    ]
    assert [request.get("arrayProperties") for request in batch.requests[1:]] == [
        None,
        None,
        {"size": 2},
    ]


def test_a_chunk_of_another_run_says_which_items_of_the_job_it_has(
    jobs: Jobs, batch: BatchDouble, table: JobStore, retrier: Retrier
) -> None:
    array = jobs.submitted(items=4)
    jobs.result("item-3")
    jobs.result("item-1")
    end_array(batch, array, SUCCEEDED=2, FAILED=2)
    job = retrier.retry(RETRY, Invocation("call", 60_000), LATER)
    chunk = table.client.get_item(
        TableName=table.name, Key=key("demo-1", "ATTEMPT#02#UNIVERSE#00000000")
    )["Item"]
    assert job.items_to_do == 2
    assert bytes(chunk["indexes"]["B"]) == b"\x01\0\0\0\x03\0\0\0"


def test_a_retry_of_a_job_of_layout_1_brings_its_results_along(
    get: Get, jobs: Jobs, batch: BatchDouble, table: JobStore, retrier: Retrier
) -> None:
    array = jobs.submitted(items=4)
    table.client.update_item(
        TableName=table.name,
        Key=key("demo-1"),
        UpdateExpression="REMOVE #layout",
        ExpressionAttributeNames={"#layout": "layout"},
    )
    for item in ("item-3", "item-2"):
        result = {**key("demo-1", f"RESULT#{item}"), "status": {"S": "SUCCEEDED"}}
        table.client.put_item(TableName=table.name, Item=result)
    end_array(batch, array, SUCCEEDED=2, FAILED=2)
    assert get()[1]["status"] == "FAILED"

    job = retrier.retry(RETRY, Invocation("call", 60_000), LATER)

    assert (job.layout, job.items_to_do) == (2, 2)
    kept = dict(table.results.ends(results_partition("demo-1")))
    assert sorted(kept) == ["item-2", "item-3"]


def test_a_cancelled_job_keeps_the_successes_that_exit_codes_alone_told(
    jobs: Jobs, batch: BatchDouble, table: JobStore, retrier: Retrier
) -> None:
    jobs.queued(items=3)
    no_runner = SplitLeases(table)
    jobs.job_splitter = type(jobs.job_splitter)(
        no_runner, jobs.job_splitter.submission, jobs.job_splitter.terminator
    )
    array = split(jobs, "invocation-1")
    end_task(batch, f"{array}:1", "SUCCEEDED", [attempt(0)])
    retrier.monitor.cancel(
        present(table), retrier.monitor.refresh([present(table)], 1e12)[0].counts
    )
    batch.end(array, "FAILED")

    job = retrier.retry(RETRY, Invocation("call", 60_000), LATER)

    assert list(table.universe.read(job, run=2)) == ["item-2", "item-0"]
    assert job.status is Status.QUEUED


def test_a_job_whose_message_is_lost_is_queued_again_by_whoever_looks(
    get: Get, jobs: Jobs, clock: Clock, messages_sent: Callable[[], int]
) -> None:
    jobs.queued()
    get()
    assert messages_sent() == 0  # it may be on its way
    clock.sleep(121)
    get()
    get()
    assert messages_sent() == 1
    clock.sleep(301)
    get()
    assert messages_sent() == 2


def test_a_job_that_is_being_split_is_not_queued_again(
    get: Get, jobs: Jobs, clock: Clock, leases: SplitLeases, messages_sent: Callable[[], int]
) -> None:
    jobs.queued()
    clock.sleep(121)
    leases.take("demo-1", "invocation-1", 60_000)
    get()
    assert messages_sent() == 0
    clock.sleep(91)
    get()
    assert messages_sent() == 1


def test_the_same_request_queues_a_job_again_whose_message_is_lost(
    put: Callable[[dict[str, Any]], tuple[int, Any]],
    event: Callable[[str], dict[str, Any]],
    table: JobStore,
    messages_sent: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = put(event("alb_put"))[0]
    monkeypatch.setattr("handlers.store.jobs.LOST_S", -1.0)
    assert (first, put(event("alb_put"))[0], messages_sent()) == (202, 200, 2)
    # the next one at the earliest in five minutes
    assert (put(event("alb_put"))[0], messages_sent()) == (200, 2)


def test_a_retry_queues_a_job_again_whose_message_is_lost(
    jobs: Jobs, clock: Clock, retrier: Retrier, messages_sent: Callable[[], int]
) -> None:
    jobs.queued()
    with pytest.raises(RefusedError, match="hasn't ended"):
        retrier.retry(RETRY, Invocation("call", 60_000), LATER)
    clock.sleep(121)
    assert retrier.retry(RETRY, Invocation("call", 60_000), LATER).run == 1
    assert messages_sent() == 1


def test_items_that_are_to_run_again_by_themselves_do_not_end_a_job(
    monitor: Monitor, jobs: Jobs
) -> None:
    job = replace(jobs.queued(items=9), max_failures=1)
    failures = {Reason.OUT_OF_MEMORY: 3, Reason.SPOT_RECLAIM: 3, Reason.EXCEPTION: 1}
    assert not monitor.is_failing_too_much(job, ItemCounts(reasons=failures))
    # with the largest memory, and on demand already, nothing follows
    last = replace(job, overrides=Overrides(16384, on_demand=True))
    assert monitor.is_failing_too_much(last, ItemCounts(reasons=failures))
    assert not monitor.is_failing_too_much(
        replace(last, reason=Reason.MAX_FAILURES), ItemCounts(reasons=failures)
    )
