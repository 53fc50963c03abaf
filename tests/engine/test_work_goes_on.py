"""A replaced resource in which work goes on stays until that has ended; `up` never ends it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from cloud import Cloud, FakeAws, Mill, Thing

from batchctl.engine.apply import Result, apply
from batchctl.engine.destroy import destroy, plan_destroy
from batchctl.engine.events import Event, Kept, ignore
from batchctl.engine.plan import Action, Plan, make_plan
from batchctl.engine.state import StateFile
from batchctl.resource import Outputs, Resource


@dataclass(frozen=True, kw_only=True)
class Kiln(Mill):
    """A thing in which work runs while it is green, and which lets that end."""

    kind: ClassVar[str] = "kiln"
    lets_work_end: ClassVar[bool] = True

    @classmethod
    def retire(cls, aws: Any, recorded: Outputs) -> str | None:
        aws.cloud.call("retire", recorded.id, lambda: None)
        if work := cls.running(aws, recorded):
            return work
        cls.delete(aws, recorded)
        return None


wood = Thing(label="wood", name="app-wood")
kiln = Kiln(label="kiln", name="app-kiln", colour="green", needs=(wood,))
square = dataclasses.replace(kiln, shape="square", colour="red")
bare = dataclasses.replace(square, needs=())


def up(
    state: StateFile, aws: FakeAws, *stack: Resource[Any], emit: Any = ignore
) -> tuple[Plan, Result]:
    plan = make_plan(stack, state.state, aws)
    result = apply(stack, plan, state, aws, emit)
    assert result.succeeded
    return plan, result


@pytest.fixture
def replaced(state: StateFile, aws: FakeAws) -> StateFile:
    """The kiln has a successor, and its fire still burns."""
    up(state, aws, wood, kiln)
    up(state, aws, wood, square)
    return state


def test_a_replaced_resource_stays_while_work_goes_on_in_it(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    seen: list[Event] = []
    up(state, aws, wood, kiln)
    up(state, aws, wood, square, emit=seen.append)
    assert set(cloud.things) == {"app-wood", "app-kiln", "app-kiln-2"}
    (kept,) = (each for each in seen if isinstance(each, Kept))
    assert (kept.step.address, kept.step.name) == ("kiln.kiln", "app-kiln")
    assert kept.because == "2 sacks in it, which go on; a later `up` deletes it"


def test_the_next_plan_keeps_it_and_says_why(
    cloud: Cloud, aws: FakeAws, replaced: StateFile
) -> None:
    cloud.calls.clear()
    plan, _ = up(replaced, aws, wood, square)
    assert plan.changes == ()
    (step,) = (each for each in plan.steps if each.action is Action.KEEP)
    assert step.name == "app-kiln"
    assert step.kept_because == "2 sacks in it, which go on; a later `up` deletes it"
    assert step.ends is None
    assert cloud.writes == [("retire", "app-kiln")]


def test_once_its_work_has_ended_the_next_run_deletes_it(
    cloud: Cloud, aws: FakeAws, replaced: StateFile
) -> None:
    cloud.things["app-kiln"]["Colour"] = "red"
    plan, _ = up(replaced, aws, wood, square)
    assert [(each.action, each.name) for each in plan.changes] == [(Action.DELETE, "app-kiln")]
    assert set(cloud.things) == {"app-wood", "app-kiln-2"}
    assert replaced.state.deposed == ()


def test_work_that_began_after_the_plan_is_not_ended_either(
    cloud: Cloud, aws: FakeAws, replaced: StateFile
) -> None:
    cloud.things["app-kiln"]["Colour"] = "red"
    plan = make_plan((wood, square), replaced.state, aws)
    cloud.things["app-kiln"]["Colour"] = "green"
    assert apply((wood, square), plan, replaced, aws, ignore).succeeded
    assert "app-kiln" in cloud.things


def test_what_it_needs_stays_with_it_though_nobody_else_wants_it(
    cloud: Cloud, aws: FakeAws, replaced: StateFile
) -> None:
    plan, _ = up(replaced, aws, bare)
    kept = {each.name: each.kept_because for each in plan.steps if each.action is Action.KEEP}
    assert kept["app-wood"] == "the former kiln.kiln needs it"
    assert set(cloud.things) == {"app-wood", "app-kiln", "app-kiln-2"}
    cloud.things["app-kiln"]["Colour"] = "red"
    up(replaced, aws, bare)
    assert set(cloud.things) == {"app-kiln-2"}


def test_down_deletes_it_all_the_same_and_says_what_it_ends(
    cloud: Cloud, aws: FakeAws, replaced: StateFile
) -> None:
    plan = plan_destroy(replaced, aws, delete_data=False)
    assert [each.ends for each in plan.changes if each.name == "app-kiln"] == ["2 sacks"]
    assert destroy(plan, replaced, aws, ignore).complete
    assert cloud.things == {}


def test_work_in_a_resource_that_nobody_wants_any_more_is_ended_as_the_plan_says(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    """Whoever takes it out of the configuration is asked first; nothing succeeds it."""
    up(state, aws, wood, kiln)
    plan, _ = up(state, aws, wood)
    assert [(each.action, each.ends) for each in plan.changes] == [(Action.DELETE, "2 sacks")]
    assert set(cloud.things) == {"app-wood"}


def test_plans_keep_all_that_it_needs_at_whatever_distance_though_replaced_before_it(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    soil = Thing(label="soil", name="app-soil")
    tree = dataclasses.replace(wood, needs=(soil,))
    up(state, aws, soil, tree, dataclasses.replace(kiln, needs=(tree,)))
    new_soil = dataclasses.replace(soil, shape="square")
    new_tree = dataclasses.replace(tree, shape="square", needs=(new_soil,))
    stack = (new_soil, new_tree, dataclasses.replace(square, needs=(new_tree,)))
    up(state, aws, *stack)
    plan, _ = up(state, aws, *stack)
    assert plan.changes == ()
    assert {each.name: each.kept_because for each in plan.steps if each.kept_because} == {
        "app-soil": "the former thing.wood needs it",
        "app-wood": "the former kiln.kiln needs it",
        "app-kiln": "2 sacks in it, which go on; a later `up` deletes it",
    }
    assert {"app-soil", "app-wood", "app-kiln"} <= set(cloud.things)
