"""What `up` promises: plan, apply and the state as one, on a cloud in memory."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from cloud import Chest, Cloud, FakeAws, Slot, Thing

from batchctl.aws.errors import AmbiguousOutcome
from batchctl.engine.apply import Result, apply
from batchctl.engine.events import Event, Failed, Finished, Skipped, ignore
from batchctl.engine.plan import Action, Plan, make_plan
from batchctl.engine.state import StateFile
from batchctl.resource import NotOwned, Resource

base = Thing(label="base", name="app-base")
middle = Thing(label="middle", name="app-middle", needs=(base,))
top = Thing(label="top", name="app-top", needs=(middle,))
STACK = (base, middle, top)


def up(
    stack: tuple[Resource[Any], ...], state: StateFile, aws: FakeAws, emit: Any = ignore
) -> tuple[Plan, Result]:
    plan = make_plan(stack, state.state, aws)
    return plan, apply(stack, plan, state, aws, emit)


def actions(plan: Plan) -> dict[str, Action]:
    return {step.address: step.action for step in plan.steps}


def test_everything_is_created_after_what_it_needs(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    plan, result = up(STACK, state, aws)
    assert result.succeeded
    assert [name for verb, name in cloud.writes] == ["app-base", "app-middle", "app-top"]
    assert cloud.things["app-top"]["Needs"] == ["arn:app-middle"]
    assert plan.count(Action.CREATE) == 3


def test_a_second_up_writes_nothing_and_reads_each_resource_once(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    up(STACK, state, aws)
    cloud.calls.clear()
    serial = state.state.serial
    plan, _ = up(STACK, state, aws)
    assert plan.changes == ()
    assert sorted(cloud.calls) == [("read", n) for n in ("app-base", "app-middle", "app-top")]
    assert state.state.serial == serial


def test_the_plan_shows_values_that_are_known_only_after_up(aws: FakeAws, state: StateFile) -> None:
    plan = make_plan(STACK, state.state, aws)
    changes = {c.path: c for c in plan.steps[1].changes}
    assert not changes["Needs"].known
    assert changes["Colour"].known


def test_plan_changes_nothing(cloud: Cloud, aws: FakeAws, state: StateFile) -> None:
    make_plan(STACK, state.state, aws)
    assert cloud.writes == []
    assert not state.path.exists()


def test_a_changed_property_is_updated_in_place_and_nothing_else(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    up(STACK, state, aws)
    cloud.calls.clear()
    plan, _ = up((base, dataclasses.replace(middle, colour="blue"), top), state, aws)
    assert actions(plan)["thing.middle"] is Action.UPDATE
    assert cloud.writes == [("update", "app-middle")]


def test_drift_is_repaired_and_what_others_added_is_left(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    up(STACK, state, aws)
    cloud.things["app-base"] |= {"Colour": "pink", "Theirs": 1}
    plan, _ = up(STACK, state, aws)
    assert [change.path for change in plan.changes[0].changes] == ["Colour"]
    assert cloud.things["app-base"]["Colour"] == "red"
    assert cloud.things["app-base"]["Theirs"] == 1


def test_what_others_deleted_comes_back(cloud: Cloud, aws: FakeAws, state: StateFile) -> None:
    up(STACK, state, aws)
    del cloud.things["app-middle"]
    plan, result = up(STACK, state, aws)
    assert actions(plan)["thing.middle"] is Action.CREATE
    assert result.succeeded
    assert set(cloud.things) == {"app-base", "app-middle", "app-top"}


def test_a_replacement_makes_the_successor_moves_dependents_and_then_deletes(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    up(STACK, state, aws)
    cloud.calls.clear()
    square = dataclasses.replace(base, shape="square")
    stack = (square, dataclasses.replace(middle, needs=(square,)), top)
    plan, result = up(stack, state, aws)
    assert result.succeeded
    assert plan.steps[0].forced_by == ("Shape",)
    assert cloud.writes == [
        ("create", "app-base-2"),
        ("update", "app-middle"),
        ("delete", "app-base"),
    ]
    assert make_plan(stack, state.state, aws).changes == ()


def test_what_cannot_live_twice_is_deleted_before_its_successor_is_made(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    slot = Slot(label="slot", name="app-slot")
    up((slot,), state, aws)
    cloud.calls.clear()
    up((dataclasses.replace(slot, shape="square"),), state, aws)
    assert cloud.writes == [("delete", "app-slot"), ("create", "app-slot")]


def test_a_resource_taken_out_of_the_stack_is_deleted(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    up(STACK, state, aws)
    plan, _ = up((base,), state, aws)
    assert plan.count(Action.DELETE) == 2
    assert set(cloud.things) == {"app-base"}
    assert [name for verb, name in cloud.calls if verb == "delete"] == ["app-top", "app-middle"]


def test_without_a_state_everything_is_adopted_and_nothing_created(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    up(STACK, state, aws)
    cloud.calls.clear()
    known = state.state.resources
    state.path.unlink()
    lost = StateFile.load(state.path, state.state.identity)
    plan, _ = up(STACK, lost, aws)
    assert all(step.adopted for step in plan.steps)
    assert cloud.writes == []
    assert lost.state.resources == known


def test_what_has_the_name_but_not_the_tag_is_an_error_and_stays_untouched(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    cloud.things["app-base"] = {"Name": "app-base"}
    cloud.tags["app-base"] = {}
    plan = make_plan(STACK, state.state, aws)
    assert isinstance(plan.outcome.failed["thing.base"], NotOwned)
    assert cloud.writes == []


def test_one_failure_stops_its_dependents_only(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    def refuse(verb: str, name: str) -> None:
        if (verb, name) == ("create", "app-middle"):
            raise RuntimeError("no")

    cloud.before = refuse
    other = Thing(label="other", name="app-other")
    seen: list[Event] = []
    _, result = up((*STACK, other), state, aws, seen.append)
    assert set(cloud.things) == {"app-base", "app-other"}
    assert result.outcome.skipped == {"thing.top": "thing.middle"}
    assert {type(event) for event in seen} >= {Failed, Finished, Skipped}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("victim", ["app-base", "app-middle", "app-top"])
def test_a_run_killed_around_a_create_is_continued_to_one_of_each(
    cloud: Cloud, aws: FakeAws, state: StateFile, when: str, victim: str
) -> None:
    def kill(verb: str, name: str) -> None:
        if (verb, name) == ("create", victim):
            raise SystemExit

    setattr(cloud, when, kill)
    up(STACK, state, aws)
    setattr(cloud, when, lambda _verb, _name: None)
    again = StateFile.load(state.path, state.state.identity)
    _, result = up(STACK, again, aws)
    assert result.succeeded
    assert set(cloud.things) == {"app-base", "app-middle", "app-top"}
    assert make_plan(STACK, again.state, aws).changes == ()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "call", [("create", "app-base-2"), ("update", "app-middle"), ("delete", "app-base")]
)
def test_a_run_killed_while_it_replaces_is_continued(
    cloud: Cloud, aws: FakeAws, state: StateFile, when: str, call: tuple[str, str]
) -> None:
    up(STACK, state, aws)
    square = dataclasses.replace(base, shape="square")
    stack = (square, dataclasses.replace(middle, needs=(square,)), top)

    def kill(verb: str, name: str) -> None:
        if (verb, name) == call:
            raise SystemExit

    setattr(cloud, when, kill)
    up(stack, state, aws)
    setattr(cloud, when, lambda _verb, _name: None)
    again = StateFile.load(state.path, state.state.identity)
    up(stack, again, aws)
    assert set(cloud.things) == {"app-base-2", "app-middle", "app-top"}
    assert cloud.things["app-middle"]["Needs"] == ["arn:app-base-2"]
    assert make_plan(stack, again.state, aws).changes == ()


def test_a_create_without_an_answer_is_read_before_it_is_made_again(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    def lose_answer(verb: str, _name: str) -> None:
        if verb == "create":
            raise AmbiguousOutcome("no answer")

    cloud.after = lose_answer
    _, result = up(STACK, state, aws)
    assert result.succeeded
    assert [verb for verb, _ in cloud.writes] == ["create"] * 3


def test_user_tags_are_set_changed_and_removed_and_foreign_ones_left(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    aws.user_tags = {"team": "quant", "cost": "a"}
    up((base,), state, aws)
    cloud.tags["app-base"]["theirs"] = "x"
    aws.user_tags = {"cost": "b"}
    plan, _ = up((base,), state, aws)
    assert {c.path for c in plan.changes[0].changes} == {"tags.team", "tags.cost"}
    assert cloud.tags["app-base"] == {**aws.tags, "cost": "b", "theirs": "x"}


def test_replacing_what_holds_data_says_what_is_lost(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    chest = Chest(label="chest", name="app-chest", colour="gold")
    up((chest,), state, aws)
    plan = make_plan((dataclasses.replace(chest, shape="square"),), state.state, aws)
    assert plan.steps[0].loses_data == "3 coins"


def test_an_interrupt_finishes_what_runs_begins_nothing_more_and_records(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    cloud.after = lambda verb, _name: aws.clock.stop.set() if verb == "create" else None
    _, result = up(STACK, state, aws)
    assert result.outcome.interrupted
    assert set(cloud.things) == {"app-base"}
    assert state.state.resources["thing.base"].outputs is not None
