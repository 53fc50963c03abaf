"""The tracker killed before and after every AWS call of an event, a cancel and a retry.

What was killed comes again (EventBridge's event, the person's command), and the job ends as if
nothing had happened: one attempt, one set of Batch jobs, every failure explained, no loss.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from batch_double import BatchDouble
from endings import HOST_GONE, attempt, end_array, end_task, event
from fates import NEVER, Fate, Killed, World, before_or_after
from jobs_left import Jobs
from mortals import Mortals
from surroundings import A_JOB, TABLE

from batchctl.contract.job_record import JobRecord, Reclaims
from batchctl.contract.statuses import FINAL, Status
from batchctl.contract.table import key, results_partition
from handlers.store.batch_write import BatchWriter
from handlers.store.jobs import JobStore
from handlers.store.results import Results
from handlers.store.universe import Universe

ITEMS = 54  # more failures than one BatchWriteItem deletes
# Between two calls is after the first of them.
MATRIX = [(0, False), *((call, True) for call in range(NEVER))]


@pytest.fixture
def mortals(world: World) -> Mortals:
    return Mortals(world)


def record(table: JobStore) -> JobRecord:
    job = table.read("demo-1")
    assert job is not None
    return job


def killed(action: Callable[[Fate], Any], call: int, *, after: bool) -> bool:
    """Run an action that dies at a call; `False` when it hasn't so many."""
    try:
        action(Fate(call, after))
    except Killed:
        return True
    return False


@pytest.fixture
def told(jobs: Jobs, batch: BatchDouble) -> list[dict[str, Any]]:
    """The events of a job of which a child failed after reclaims, and another had no chance."""
    array = jobs.submitted(items=4)
    jobs.result("item-1")
    jobs.result("item-0")
    lost = attempt(None, "", HOST_GONE)
    return [
        event(end_task(batch, f"{array}:0", "FAILED", [lost, lost, attempt(3)])),
        event(
            end_task(
                batch,
                f"{array}:1",
                "FAILED",
                [attempt(137, "OutOfMemoryError: Container killed due to memory usage")],
            )
        ),
        event(end_array(batch, array, SUCCEEDED=2, FAILED=2)),
    ]


@before_or_after
@pytest.mark.parametrize("number", range(3))
def test_a_killed_tracker_loses_no_event(
    jobs: Jobs,
    told: list[dict[str, Any]],
    mortals: Mortals,
    table: JobStore,
    results: Results,
    number: int,
    after: bool,
) -> None:
    calls = 0
    while killed(lambda fate: mortals.track(told[number], fate), calls, after=after):
        calls += 1
    for each in told:
        mortals.track(each, Fate())

    job = record(table)
    assert (job.status, job.succeeded, job.failed) == (Status.FAILED, 2, 2)
    assert job.reclaims == Reclaims(2, 4.0)
    shown = results.page(results_partition("demo-1"), 10, None).results
    assert {item: result.get("reason") for item, result in shown.items()} == {
        "item-0": None,
        "item-1": None,
        "item-2": "OUT_OF_MEMORY",
        "item-3": "EXIT_CODE",
    }
    assert calls >= 4
    print(f"event {number}: killed at {calls} calls")  # noqa: T201 - shown by pytest -rP


@before_or_after
def test_a_killed_cancel_is_finished_by_the_next(
    jobs: Jobs, mortals: Mortals, batch: BatchDouble, table: JobStore, after: bool
) -> None:
    calls, kills = 0, 0
    while True:
        _forget(table, batch)
        jobs.submitted(items=10_001)
        if not killed(mortals.cancel, calls, after=after):
            break
        kills += 1
        mortals.cancel(Fate())
        assert record(table).status is Status.CANCELLED
        assert {job["status"] for job in batch.jobs.values()} == {"FAILED"}
        assert batch.terminated == ["batch-1", "batch-2"]
        calls += 1
    assert kills >= 6
    print(f"cancel: killed at {kills} calls")  # noqa: T201 - as above


@before_or_after
def test_a_killed_retry_is_one_attempt(
    jobs: Jobs,
    mortals: Mortals,
    world: World,
    batch: BatchDouble,
    table: JobStore,
    universe: Universe,
    after: bool,
) -> None:
    calls, kills = 0, 0
    while True:
        _forget(table, batch)
        list(world.messages())
        left = _fail(jobs, batch)
        if not killed(mortals.retry, calls, after=after):
            break
        kills += 1
        world.clock.sleep(120)  # the dead call's claim has run out
        job = mortals.retry(Fate())

        assert (job.status, job.run, job.items_to_do) == (Status.QUEUED, 2, len(left))
        assert list(universe.read(A_JOB, run=2)) == left
        messages = list(world.messages())
        assert messages in ([{"job_id": "demo-1"}], [{"job_id": "demo-1"}] * 2)
        for owner, _ in enumerate(messages):
            world.split(f"splitter-{calls}-{owner}", Fate())
        job = record(table)
        assert [each["jobName"] for each in list(batch.jobs.values())[1:]] == [
            spec.name for spec in job.batch_job_specs
        ]
        assert (job.status, len(job.batch_jobs)) == (Status.SUBMITTED, 1)
        calls += 1
    assert kills >= 12
    print(f"retry: killed at {kills} calls")  # noqa: T201 - as above


@before_or_after
def test_a_splitter_killed_over_another_attempt_leaves_one_run(
    jobs: Jobs,
    mortals: Mortals,
    world: World,
    batch: BatchDouble,
    table: JobStore,
    after: bool,
) -> None:
    calls = 0
    while True:
        _forget(table, batch)
        _fail(jobs, batch)
        mortals.retry(Fate())
        if not killed(lambda fate: world.split("splitter-1", fate), calls, after=after):
            break
        world.clock.sleep(360)
        world.split("splitter-2", Fate())
        world.split("splitter-3", Fate())
        assert batch.names() == ["demo-1-0", "demo-1-0-r2"]
        assert record(table).status is Status.SUBMITTED
        calls += 1
    assert calls >= 4
    print(f"splitter of another attempt: killed at {calls} calls")  # noqa: T201 - as above


def test_a_cancel_between_any_two_calls_of_a_splitter_leaves_nothing_running(
    jobs: Jobs, mortals: Mortals, world: World, batch: BatchDouble, table: JobStore
) -> None:
    for call, after in MATRIX:
        _forget(table, batch)
        jobs.queued(items=10_001)
        fate = Fate(call, after, happen=lambda: mortals.cancel(Fate()))
        world.split("splitter-1", fate)
        if next(fate.calls) <= call:
            break
        assert record(table).status in FINAL
        assert {job["status"] for job in batch.jobs.values()} <= {"FAILED"}
    assert call >= 4
    print(f"cancelled between the calls of a splitter: {call} calls")  # noqa: T201 - as above


def _fail(jobs: Jobs, batch: BatchDouble) -> list[str]:
    """Have a job of which every other item failed, and two have no result yet; gives those."""
    array = jobs.submitted(items=ITEMS)
    items = [f"item-{number}" for number in reversed(range(ITEMS))]
    left = items[::2]
    statuses = {
        item: "FAILED" if item in left else "SUCCEEDED" for item in items if item not in left[:2]
    }
    recorded = list(statuses)

    def put(number: int) -> Any:
        item = recorded[number]
        entry = {
            **key(results_partition("demo-1"), f"RESULT#{item}"),
            "status": {"S": statuses[item]},
        }
        return {"PutRequest": {"Item": entry}}

    BatchWriter(jobs.table).write(len(recorded), put)
    end_array(batch, array, SUCCEEDED=ITEMS - len(left), FAILED=len(left))
    return left


def _forget(table: JobStore, batch: BatchDouble) -> None:
    """Begin with an empty table and nothing in Batch."""
    client = table.client
    items = client.scan(
        TableName=TABLE, ProjectionExpression="job_id, #i", ExpressionAttributeNames={"#i": "item"}
    )["Items"]
    BatchWriter(table).write(len(items), lambda number: {"DeleteRequest": {"Key": items[number]}})
    batch.jobs.clear()
    batch.terminated.clear()
    batch.ids = itertools.count(1)
