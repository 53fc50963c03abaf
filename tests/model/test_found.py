"""What lives have found, each by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from job_life import GOOD, JOB_ID, REMAINING_MS, Life, Nature
from wires import Fault, Plan

from batchctl.contract.statuses import FINAL, Status
from handlers.store.jobs import LOST_S
from handlers.store.lease import MARGIN_MS

LEASED_S = (REMAINING_MS + MARGIN_MS) / 1000 + 1
MESSAGE = json.dumps({"job_id": JOB_ID})


def submitted(nature: Nature) -> Life:
    life = Life(nature)
    life.submit(GOOD())
    life.split(GOOD())
    for task in life.batch.runnable():
        life.start(task)
    return life


def track_all(life: Life) -> None:
    for number in range(len(life.batch.events)):
        life.track(number, GOOD())


HOUR_S = 3600.0


@pytest.mark.parametrize("skew", [300.0, -300.0, HOUR_S, -HOUR_S, 720 * HOUR_S, -720 * HOUR_S])
def test_no_wrong_clock_takes_the_lease_of_a_splitter_that_is_at_work(skew: float) -> None:
    """Whichever of its calls the other one comes at: the job is submitted once."""
    calls = 0
    while True:
        life = Life(Nature())
        life.submit(GOOD())
        life.queue.bodies.append(MESSAGE)
        plan = Plan(calls, Fault.MEANWHILE, lambda life=life: life.split(GOOD(), skew))  # type: ignore[misc]
        life.split(plan)
        if plan.calls <= calls:
            break
        job = life.record()
        assert job is not None
        assert job.status is Status.SUBMITTED, f"call {calls}"
        assert [each.id for each in job.batch_jobs] == list(life.batch.jobs), f"call {calls}"
        calls += 1
    assert calls >= 4


@pytest.mark.parametrize("skew", [300.0, -300.0, HOUR_S, -HOUR_S, 720 * HOUR_S, -720 * HOUR_S])
def test_the_lease_of_a_splitter_that_died_with_a_wrong_clock_ends_as_any_other(
    skew: float,
) -> None:
    life = Life(Nature())
    life.submit(GOOD())
    life.split(Plan(3, Fault.KILLED_AFTER), skew)
    assert len(life.batch.jobs) == 1

    life.split(GOOD())
    assert _status(life) is Status.QUEUED, "the lease of the dead one is held"
    life.clock.sleep(LEASED_S)
    life.split(GOOD())
    assert _status(life) is Status.SUBMITTED
    assert len(life.batch.jobs) == 1


@pytest.mark.parametrize("skew", [-HOUR_S, -720 * HOUR_S])
def test_a_job_whose_message_is_lost_is_sent_again_by_one_whose_clock_is_behind(
    skew: float,
) -> None:
    life = Life(Nature())
    life.submit(GOOD())
    life.queue.bodies.clear()
    life.clock.sleep(LOST_S + 1)

    life.read(GOOD(), skew)
    assert life.queue.bodies == [MESSAGE]


def test_a_job_received_by_a_wrong_clock_is_given_up_by_nobody() -> None:
    """By a clock that is a month behind it would have waited for longer than any message lives."""
    life = Life(Nature())
    life.submit(GOOD(), -720 * HOUR_S)
    assert life.read(GOOD())["status"] is Status.QUEUED


def test_a_splitter_that_has_outlived_its_lease_ends_what_it_doubled() -> None:
    """Its request was on its way for so long that the other one looked before it was there."""
    life = Life(Nature())
    life.submit(GOOD())
    life.queue.bodies.append(MESSAGE)

    def late() -> None:
        life.clock.sleep(LEASED_S)
        life.split(GOOD())

    life.split(Plan(2, Fault.MEANWHILE, late))

    job = life.record()
    assert job is not None
    assert job.status is Status.SUBMITTED
    (named,) = (each.id for each in job.batch_jobs)
    (other,) = set(life.batch.jobs) - {named}
    assert life.batch.terminated == [other]
    assert life.batch.jobs[other]["status"] == "FAILED"


def _status(life: Life) -> Status | None:
    job = life.record()
    return None if job is None else job.status


def test_a_cancelled_job_counts_what_was_recorded_after_the_last_progress() -> None:
    life = submitted(Nature(items=2, items_per_task=2))
    (task,) = life.running()
    life.step(task)
    life.step(task, may_begin=False)
    life.cancel(GOOD())
    life.crash(task, 137)
    track_all(life)

    shown = life.read(GOOD())
    assert shown["status"] is Status.CANCELLED
    assert [item for item, each in shown["results"].items()] == ["item-0"]
    assert shown["item_counts"] == {
        "total": 2,
        "pending": 1,
        "running": 0,
        "succeeded": 1,
        "failed": 0,
    }


def test_a_cancelled_job_of_an_own_image_has_no_more_items_than_it_has() -> None:
    """Its last task has fewer items than the others."""
    nature = Nature(items=3, has_runner=False, wrong=frozenset({0}))
    life = submitted(nature)
    life.batch.stale = True
    life.cancel(GOOD())
    for task in life.running():
        life.step(task)
    track_all(life)
    counts = life.read(GOOD())["item_counts"]
    assert counts["total"] == 3


def test_no_item_loses_its_end_to_a_run_that_follows_while_a_limit_ends_the_job() -> None:
    """Making that run deletes failures: whoever ends the job meanwhile has counted those."""
    nature = Nature(
        items=3,
        items_per_task=4,
        max_failures=0,
        memory_sizes=(1024, 4096),
        greedy=frozenset({0}),
        poison=frozenset({2}),
    )
    calls = 0
    while True:
        life = submitted(nature)
        (task,) = life.running()
        while task in life.running():
            life.step(task)
        plan = Plan(calls, Fault.MEANWHILE, lambda life=life: track_all(life))  # type: ignore[misc]
        life.track(0, plan)
        if plan.calls <= calls:
            break
        life.batch.events.clear()
        shown = _end(life)
        assert set(shown["results"]) == {"item-0", "item-1", "item-2"}, f"call {calls}"
        assert shown["item_counts"]["failed"] + shown["item_counts"]["succeeded"] == 3
        calls += 1
    assert calls >= 10


def test_what_failed_for_good_is_no_success_while_a_run_follows_of_other_items() -> None:
    nature = Nature(items=3, memory_sizes=(1024, 4096), greedy=frozenset({0}), wrong=frozenset({1}))
    life = submitted(nature)
    for task in life.running():
        while task in life.running():
            life.step(task)
    track_all(life)
    life.batch.events.clear()

    shown = life.read(GOOD())
    assert (shown["status"], shown["attempt"]) == (Status.RUNNING, 2)
    assert shown["failures"] == {"EXCEPTION": 1}
    assert shown["item_counts"] == {
        "total": 3,
        "pending": 1,
        "running": 0,
        "succeeded": 1,
        "failed": 1,
    }
    assert _end(life)["failures"] == {"EXCEPTION": 1}


def _end(life: Life) -> dict[str, Any]:
    """Go on until the job has ended."""
    for _ in range(20):
        while life.queue.bodies:
            life.split(GOOD())
        for task in life.batch.runnable():
            life.start(task)
        for task in life.running():
            while task in life.running():
                life.step(task)
        track_all(life)
        shown = life.read(GOOD())
        if shown["status"] in FINAL:
            return shown
        life.clock.sleep(400.0)
    raise AssertionError(life.record())
