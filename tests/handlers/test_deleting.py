"""A job that has ended is deleted whole; one that runs isn't; a call that dies is repeated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fates import Fate, Killed, Mortal, World
from jobs_left import Jobs
from surroundings import TABLE, Clock, a_monitor, a_store

from batchctl.contract.control import RefusedError
from batchctl.contract.statuses import Status
from handlers import clients
from handlers.batch.messages import Messages
from handlers.http.front_door import RequestError
from handlers.http.request import NewTask, Part
from handlers.store.jobs import JobStore
from handlers.store.table import Change, unchanged
from handlers.tracking.cancel import Canceller
from handlers.tracking.delete import Deleter
from handlers.tracking.monitor import Monitor

LATER = float("inf")
Get = Callable[..., tuple[int, Any]]


@pytest.fixture
def deleter(monitor: Monitor) -> Deleter:
    return Deleter(monitor.store, monitor)


@pytest.fixture
def ended(jobs: Jobs, canceller: Canceller) -> None:
    """A job of 30 items that was cancelled, with some results; and another one."""
    jobs.submitted(items=30, items_per_task=30)
    for number in range(10):
        jobs.result(f"item-{number}")
    canceller.cancel("demo-1", LATER)
    jobs.queued(items=1, job_id="demo-2")


def left(table: JobStore, job_id: str) -> list[str]:
    items = table.client.scan(TableName=TABLE)["Items"]
    return [item["item"]["S"] for item in items if item["job_id"]["S"].partition("#")[0] == job_id]


@pytest.mark.usefixtures("ended")
def test_nothing_of_it_is_left_and_nothing_else_is_touched(
    deleter: Deleter, table: JobStore, get: Get
) -> None:
    others = left(table, "demo-2")
    assert deleter.delete("demo-1", LATER)
    assert (left(table, "demo-1"), left(table, "demo-2")) == ([], others)
    assert get()[0] == 404
    with pytest.raises(RefusedError) as refused:
        deleter.delete("demo-1", LATER)
    assert refused.value.code == 404


def test_a_job_that_runs_is_refused_and_stays_whole(
    deleter: Deleter, jobs: Jobs, table: JobStore
) -> None:
    jobs.submitted(items=2)
    before = left(table, "demo-1")
    with pytest.raises(RefusedError) as refused:
        deleter.delete("demo-1", LATER)
    assert (refused.value.code, left(table, "demo-1")) == (409, before)


@pytest.mark.usefixtures("ended")
def test_while_it_is_being_deleted_nobody_sees_it_or_gets_its_id(
    deleter: Deleter, table: JobStore, get: Get, world: World
) -> None:
    assert not deleter.delete("demo-1", 0.0)
    assert get()[0] == 404
    assert [job.job_id for job in table.listing.page(10, None)[0]] == ["demo-2"]
    with pytest.raises(RequestError) as refused:
        world.receive(Fate())
    assert refused.value.status_code == 409
    while not deleter.delete("demo-1", 0.0):
        pass
    assert left(table, "demo-1") == []
    assert world.receive(Fate()).is_new


def test_an_upload_that_nobody_completes_can_be_deleted(
    deleter: Deleter, table: JobStore, world: World
) -> None:
    world.receive(Fate(), NewTask("demo-1", ["A"], "{}", "hash", part=Part(1, 2)))
    assert deleter.delete("demo-1", LATER)
    assert left(table, "demo-1") == []


def test_a_job_that_goes_on_meanwhile_is_not_deleted(
    jobs: Jobs, canceller: Canceller, table: JobStore, monitor: Monitor
) -> None:
    jobs.submitted(items=2)
    canceller.cancel("demo-1", LATER)
    job = table.read("demo-1")
    assert job is not None
    retried = Change({"status": {"S": Status.QUEUED}, "attempt": {"N": "2"}})

    def retry() -> None:
        table.change("demo-1", retried, unchanged(job.status))

    client: Any = Mortal(clients.dynamodb(), Fate(2, happen=retry))
    store = replace(table, client=client)
    with pytest.raises(RefusedError) as refused:
        Deleter(store, monitor).delete("demo-1", LATER)
    assert refused.value.code == 409
    assert len(left(table, "demo-1")) == 2


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(8))
def test_a_deletion_that_is_killed_is_finished_by_the_next(
    deleter: Deleter, table: JobStore, clock: Clock, messages: Messages, call: int, after: bool
) -> None:
    client: Any = Mortal(clients.dynamodb(), Fate(call, after))
    store = a_store(client, clock)
    monitor = a_monitor(client, deleter.monitor.batch, clock, messages)
    try:
        Deleter(store, monitor).delete("demo-1", LATER)
    except Killed:
        if table.read("demo-1") is not None:
            deleter.delete("demo-1", LATER)
    assert left(table, "demo-1") == []
