"""Each trait of the contract by a kind that has it: looked up, shared, untaggable and the rest."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cloud import Cloud, FakeAws, Thing
from traits import Bell, Egg, Ground, Mint, Stone, Well

from batchctl.engine.apply import Result, apply
from batchctl.engine.destroy import destroy, plan_destroy
from batchctl.engine.events import ignore
from batchctl.engine.plan import Action, Plan, make_plan
from batchctl.engine.state import StateFile
from batchctl.resource import Resource

ground = Ground(label="ground", name="their-ground")
house = Thing(label="house", name="app-house", needs=(ground,))
well = Well(label="well", name="the-well")
pump = Thing(label="pump", name="app-pump", needs=(well,))
stone = Stone(label="stone", name="app-stone")
egg = Egg(label="egg", name="app-egg")
mint = Mint(label="mint", name="app-mint")
purse = Thing(label="purse", name="app-purse", needs=(mint,))
bell = Bell(label="bell", name="app-bell")


def up(state: StateFile, aws: FakeAws, *stack: Resource[Any]) -> tuple[Plan, Result]:
    plan = make_plan(stack, state.state, aws)
    return plan, apply(stack, plan, state, aws, ignore)


def down(state: StateFile, aws: FakeAws) -> Plan:
    plan = plan_destroy(state, aws, delete_data=False)
    assert destroy(plan, state, aws, ignore).complete
    return plan


def others_made(cloud: Cloud, name: str, **tags: str) -> None:
    cloud.things[name] = {"Name": name, "Colour": "red", "Shape": "round", "Needs": []}
    cloud.tags[name] = tags


def actions(plan: Plan) -> dict[str, Action]:
    return {step.address: step.action for step in plan.steps}


def test_a_lookup_is_used_and_never_made_recorded_or_tagged(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    others_made(cloud, "their-ground")
    plan, result = up(state, aws, ground, house)
    assert result.succeeded
    assert actions(plan) == {"ground.ground": Action.NO_OP, "thing.house": Action.CREATE}
    assert not any(step.adopted for step in plan.steps)
    assert cloud.writes == [("create", "app-house")]
    assert cloud.things["app-house"]["Needs"] == ["arn:their-ground"]
    assert cloud.tags["their-ground"] == {}
    assert set(state.state.resources) == {"thing.house"}
    assert state.state.resources["thing.house"].dependencies == ()
    down(state, aws)
    assert set(cloud.things) == {"their-ground"}


def test_a_missing_lookup_is_not_made(cloud: Cloud, aws: FakeAws, state: StateFile) -> None:
    plan, _ = up(state, aws, ground)
    assert actions(plan) == {"ground.ground": Action.NO_OP}
    assert plan.changes == ()
    assert cloud.writes == []


def test_what_is_shared_is_made_when_it_is_missing_and_kept_by_down_and_forgotten(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    plan, _ = up(state, aws, well, pump)
    assert actions(plan) == {"well.well": Action.CREATE, "thing.pump": Action.CREATE}
    planned = {step.address: step for step in down(state, aws).steps}
    assert planned["well.well"].action is Action.KEEP
    assert planned["well.well"].kept_because == "other stacks of the account may use it"
    assert set(cloud.things) == {"the-well"}
    assert state.state.resources == {}
    assert not state.path.exists()


def test_what_is_shared_and_there_is_taken_as_it_is(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    others_made(cloud, "the-well", team="theirs")
    plan, _ = up(state, aws, well)
    assert actions(plan) == {"well.well": Action.NO_OP}
    assert not plan.steps[0].adopted
    assert cloud.writes == []
    assert cloud.tags["the-well"] == {"team": "theirs"}


def test_what_is_shared_is_not_recorded_before_it_is_made(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    def refuse(verb: str, _name: str) -> None:
        if verb == "create":
            raise ClientError({"Error": {"Code": "LimitExceeded"}}, "CreateWell")

    cloud.before = refuse
    _, result = up(state, aws, well)
    assert set(result.outcome.failed) == {"well.well"}
    assert state.state.resources == {}


def test_what_is_shared_and_wanted_no_more_is_kept_and_forgotten(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    up(state, aws, well, egg)
    plan, result = up(state, aws, egg)
    assert result.succeeded
    assert actions(plan) == {"egg.egg": Action.NO_OP, "well.well": Action.KEEP}
    assert set(cloud.things) == {"the-well", "app-egg"}
    assert set(state.state.resources) == {"egg.egg"}


def test_what_carries_no_tags_is_known_without_them_and_never_tagged(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    up(state, aws, stone)
    aws.user_tags = {"team": "quant"}
    plan, _ = up(state, aws, stone)
    assert plan.changes == ()
    assert cloud.writes == [("create", "app-stone")]
    assert cloud.tags["app-stone"] == {}
    assert state.state.resources["stone.stone"].tag_keys == ()


def test_what_takes_a_value_by_itself_does_not_differ_until_it_has_another(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    up(state, aws, egg)
    cloud.things["app-egg"]["Colour"] = None
    assert up(state, aws, egg)[0].changes == ()
    cloud.things["app-egg"]["Shape"] = "square"
    (step,) = make_plan([egg], state.state, aws).changes
    assert [change.path for change in step.changes] == ["Shape"]
    cloud.things["app-egg"] |= {"Shape": "round", "Colour": "pink"}
    (step,) = up(state, aws, egg)[0].changes
    assert [change.path for change in step.changes] == ["Colour"]
    assert cloud.things["app-egg"]["Colour"] == "red"


def test_a_change_that_gives_other_outputs_reaches_the_dependents_in_the_same_up(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    up(state, aws, mint, purse)
    gold = dataclasses.replace(mint, colour="gold")
    stack = (gold, dataclasses.replace(purse, needs=(gold,)))
    plan, result = up(state, aws, *stack)
    assert result.succeeded
    assert actions(plan) == {"mint.mint": Action.UPDATE, "thing.purse": Action.UPDATE}
    (needs,) = plan.steps[1].changes
    assert (needs.path, needs.known) == ("Needs", False)
    assert cloud.things["app-purse"]["Needs"] == ["arn:app-mint:gold"]
    assert state.state.outputs("mint.mint")["arn"] == "arn:app-mint:gold"
    assert make_plan(stack, state.state, aws).changes == ()


def test_a_change_that_gives_no_other_outputs_leaves_the_dependents_alone(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    up(state, aws, mint, purse)
    cloud.tags["app-mint"]["batchctl:stack"] = "app"
    aws.user_tags = {"team": "quant"}
    plan = make_plan((mint, purse), state.state, aws)
    assert [change.path for change in plan.steps[0].changes] == ["tags.team"]
    assert [change.path for change in plan.steps[1].changes] == ["tags.team"]


@pytest.mark.parametrize("colour", ["red", "blue"])
def test_the_plan_remarks_on_a_making_or_a_change_and_says_when_there_is_none(
    aws: FakeAws, state: StateFile, colour: str
) -> None:
    (made,) = up(state, aws, bell)[0].steps
    assert (made.action, made.remark, made.notes) == (Action.CREATE, "wakes everybody", ())
    (step,) = make_plan([dataclasses.replace(bell, colour=colour)], state.state, aws).steps
    remark = "unchanged" if colour == "red" else "wakes everybody"
    assert (step.remark, step.notes) == (remark, ("it has a crack",))


def test_the_plan_remarks_on_a_deletion(aws: FakeAws, state: StateFile) -> None:
    up(state, aws, bell, stone)
    planned = {step.address: step.remark for step in make_plan([], state.state, aws).steps}
    assert planned == {"bell.bell": "nobody is woken any more", "stone.stone": ""}
    assert {step.address: step.remark for step in down(state, aws).steps} == planned
