"""Receiver and splitter killed before and after every AWS call they make: one run, no job lost."""

from __future__ import annotations

import pytest
from fates import ITEMS, RECEIVER_CALLS, SPLITTER_CALLS, Fate, Killed, World, before_or_after
from surroundings import A_JOB

from batchctl.contract.statuses import Status
from handlers.store.jobs import JobStore


def test_the_receivers_matrix_has_every_call(world: World) -> None:
    fate = Fate()
    world.receive(fate)
    assert next(fate.calls) == RECEIVER_CALLS


def test_the_splitters_matrix_has_every_call(world: World) -> None:
    fate = Fate()
    world.queue()
    world.split("invocation-1", fate)
    assert next(fate.calls) == SPLITTER_CALLS


@before_or_after
@pytest.mark.parametrize("call", range(RECEIVER_CALLS))
def test_a_killed_receiver_loses_no_job(
    world: World, table: JobStore, call: int, after: bool
) -> None:
    with pytest.raises(Killed):
        world.receive(Fate(call, after))
    jobs, _ = table.listing.page(10, None)
    last = call == RECEIVER_CALLS - 1 and after
    assert [job.status for job in jobs] == ([Status.QUEUED] if last else [])

    world.receive(Fate())  # the client had no answer and sends the request again

    messages = list(world.messages())
    assert messages in ([{"job_id": "demo-1"}], [{"job_id": "demo-1"}] * 2)
    for number, _ in enumerate(messages):
        world.split(f"invocation-{number}", Fate())
    world.check(table)
    assert list(table.universe.read(A_JOB)) == ITEMS


@before_or_after
@pytest.mark.parametrize("call", range(SPLITTER_CALLS))
def test_a_killed_splitter_leaves_one_run(
    world: World, table: JobStore, call: int, after: bool
) -> None:
    world.queue()
    with pytest.raises(Killed):
        world.split("invocation-1", Fate(call, after))

    world.clock.sleep(360)  # SQS shows the message again
    world.split("invocation-2", Fate())
    world.split("invocation-3", Fate())  # and delivers it once more

    world.check(table)


@before_or_after
@pytest.mark.parametrize("second", range(SPLITTER_CALLS + 2))
@pytest.mark.parametrize("first", [3, 4])
def test_a_splitter_killed_twice_leaves_one_run(
    world: World, table: JobStore, first: int, second: int, after: bool
) -> None:
    world.queue()
    with pytest.raises(Killed):
        world.split("invocation-1", Fate(first, after))
    world.clock.sleep(360)
    try:
        world.split("invocation-2", Fate(second, after))
    except Killed:
        world.clock.sleep(360)

    world.split("invocation-3", Fate())

    world.check(table)
