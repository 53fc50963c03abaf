"""Requests and deliveries that meet at any call: one job, one run, no mixed universe."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fates import ITEMS, RECEIVER_CALLS, SPLITTER_CALLS, TASK, Fate, World
from slices import one_in
from surroundings import A_JOB

from handlers.batch.split_lease import LeaseHeldError
from handlers.http.front_door import RequestError
from handlers.store.jobs import JobStore

OTHER = replace(TASK, universe=ITEMS[::-1], content_hash="other")


@pytest.mark.parametrize("call", one_in(2, range(RECEIVER_CALLS)))
def test_two_same_requests_at_once_are_one_job(world: World, table: JobStore, call: int) -> None:
    answers = []
    meanwhile = Fate(call, happen=lambda: answers.append(world.receive(Fate())))

    answers.append(world.receive(meanwhile))

    assert {each.job.job_id for each in answers} == {"demo-1"}
    assert any(each.is_new for each in answers)
    for number, _ in enumerate(world.messages()):
        world.split(f"invocation-{number}", Fate())
    world.check(table)
    assert list(table.universe.read(A_JOB)) == ITEMS


@pytest.mark.parametrize("call", one_in(2, range(1, RECEIVER_CALLS)))
def test_another_request_for_the_same_job_id_is_refused_at_any_time(
    world: World, table: JobStore, call: int
) -> None:
    def send_other() -> None:
        with pytest.raises(RequestError) as refused:
            world.receive(Fate(), OTHER)
        assert refused.value.status_code == 409

    world.receive(Fate(call, happen=send_other))

    assert list(table.universe.read(A_JOB)) == ITEMS


def test_a_request_overtaken_by_another_one_is_refused(world: World, table: JobStore) -> None:
    answers = []
    overtake = Fate(0, happen=lambda: answers.append(world.receive(Fate(), OTHER)))

    with pytest.raises(RequestError) as refused:
        world.receive(overtake)

    assert refused.value.status_code == 409
    stored = table.universe.read(A_JOB)
    assert list(stored) == ITEMS[::-1]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", range(SPLITTER_CALLS))
def test_a_message_delivered_twice_at_once_is_one_run(
    world: World, table: JobStore, call: int, after: bool
) -> None:
    outcomes = []

    def deliver_again() -> None:
        try:
            world.split("invocation-2", Fate())
            outcomes.append("done")
        except LeaseHeldError:
            outcomes.append("comes again")

    world.queue()
    world.split("invocation-1", Fate(call, after, deliver_again))

    # Until it has the lease the second one goes first, after the last call nothing is to do.
    alone = (call, after) in ((0, False), (0, True), (1, False), (SPLITTER_CALLS - 1, True))
    assert outcomes == (["done"] if alone else ["comes again"])
    world.check(table)
