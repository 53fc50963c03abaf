"""What lives have found, each by itself."""

from __future__ import annotations

import json
from typing import Any

from job_life import GOOD, JOB_ID, Life, Nature
from wires import Fault, Plan

from batchctl.contract.statuses import FINAL, Status

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


def test_a_splitter_whose_lease_a_wrong_clock_has_ended_ends_what_it_doubled() -> None:
    """The other one's clock is an hour ahead, and it looked before the first one's was there."""
    life = Life(Nature())
    life.submit(GOOD())
    life.queue.bodies.append(MESSAGE)

    life.split(Plan(1, Fault.MEANWHILE, lambda: life.split(GOOD(), skew=3600.0)))

    job = life.record()
    assert job is not None
    assert job.status is Status.SUBMITTED
    (named,) = (each.id for each in job.batch_jobs)
    (other,) = set(life.batch.jobs) - {named}
    assert life.batch.terminated == [other]
    assert life.batch.jobs[other]["status"] == "FAILED"


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
