"""How a run is shown: a line for each group that is done, and for whatever went wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hostile_text import aws_error

from batchctl.cli.display.progress import HEARTBEAT_S, Counter
from batchctl.engine import events
from batchctl.engine.graph import Group
from batchctl.engine.plan import Action, Plan, Step

DOOR, QUEUE = (Step(Action.CREATE, f"{kind}.api", "app-api") for kind in ("listener", "queue"))
RULE = Step(Action.CREATE, "rule.api", "app-rule")
PLAN = Plan(
    (DOOR, RULE, QUEUE),
    groups={
        DOOR.address: Group.FRONT_DOOR,
        RULE.address: Group.FRONT_DOOR,
        QUEUE.address: Group.QUEUE,
    },
)


def test_a_group_has_a_line_when_the_last_of_it_is_done() -> None:
    counter = Counter(PLAN)
    assert counter.take(events.Finished(DOOR, 1.0)) is None
    assert counter.take(events.Finished(QUEUE, 1.0)) == "[2/3] queue: 1 created"
    assert counter.take(events.Finished(RULE, 1.0)) == "[3/3] front door: 2 created"


def test_in_full_each_step_has_a_line() -> None:
    counter = Counter(PLAN, verbose=True)
    lines = [counter.take(events.Finished(step, 1.0)) for step in PLAN.steps]
    assert lines[0] == "[1/3] created listener.api (1.0 s)"
    assert len(list(filter(None, lines))) == 3


def test_what_failed_is_named_at_once_and_what_it_skipped() -> None:
    counter = Counter(PLAN)
    failed = counter.take(events.Failed(DOOR, aws_error()))
    assert failed
    assert failed.startswith("[1/3] failed listener.api: ")
    skipped = counter.take(events.Skipped(RULE.address, DOOR.address))
    assert skipped == "skipped rule.api, because of listener.api"


@pytest.mark.parametrize("verbose", [False, True])
def test_what_stays_is_said_with_the_reason(verbose: bool) -> None:
    line = Counter(PLAN, verbose=verbose).take(events.Kept(QUEUE, "2 jobs in it"))
    assert line == "[1/3] kept queue.api (app-api): 2 jobs in it"


def test_a_step_that_takes_long_is_reported_with_what_it_waits_for() -> None:
    now: Callable[[], float] = iter([0.0, HEARTBEAT_S]).__next__
    counter = Counter(PLAN, now=now)
    counter.take(events.Started(DOOR))
    counter.take(events.Waiting(DOOR, "the load balancer"))
    assert list(counter.still()) == [
        "still creating listener.api (10 s, waiting for the load balancer)"
    ]
