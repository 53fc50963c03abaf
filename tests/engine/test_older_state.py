"""A state of an older version, whose records lack an output: `up` completes it, `down` works."""

from __future__ import annotations

import json

import pytest
from cloud import Chest, Cloud, FakeAws, Thing

from batchctl.engine.apply import apply
from batchctl.engine.destroy import destroy, plan_destroy
from batchctl.engine.events import ignore
from batchctl.engine.plan import Action, make_plan
from batchctl.engine.state import StateFile

chest = Chest(label="jobs", name="app-jobs", colour="gold")
top = Thing(label="top", name="app-top", needs=(chest,))
STACK = (chest, top)


@pytest.fixture
def older(state: StateFile, aws: FakeAws) -> StateFile:
    """The state of a stack that is deployed, without the ARNs, as if they were new outputs."""
    apply(STACK, make_plan(STACK, state.state, aws), state, aws, ignore)
    data = json.loads(state.path.read_text())
    for record in data["resources"].values():
        del record["outputs"]["arn"]
    state.path.write_text(json.dumps(data))
    return StateFile.load(state.path, state.state.identity)


def test_a_plan_finds_what_is_there(older: StateFile, aws: FakeAws) -> None:
    plan = make_plan(STACK, older.state, aws)
    assert plan.outcome.complete
    assert plan.changes == ()
    assert not any(step.adopted for step in plan.steps)


def test_up_completes_the_records_and_changes_nothing_else(
    cloud: Cloud, older: StateFile, aws: FakeAws
) -> None:
    cloud.calls.clear()
    apply(STACK, make_plan(STACK, older.state, aws), older, aws, ignore)
    assert cloud.writes == []
    loaded = StateFile.load(older.path, older.state.identity).state
    assert loaded.outputs("thing.top")["arn"] == "arn:app-top"


def test_a_removed_resource_is_deleted(cloud: Cloud, older: StateFile, aws: FakeAws) -> None:
    apply((chest,), make_plan((chest,), older.state, aws), older, aws, ignore)
    assert set(cloud.things) == {"app-jobs"}


def test_down_deletes_it_and_still_asks_for_the_data(
    cloud: Cloud, older: StateFile, aws: FakeAws
) -> None:
    plan = plan_destroy(older, aws, delete_data=True)
    assert {step.address: step.loses_data for step in plan.steps}["chest.jobs"] == "3 coins"
    assert {step.action for step in plan.steps} == {Action.DELETE}
    assert destroy(plan, older, aws, ignore).complete
    assert cloud.things == {}


def test_down_keeps_the_data_without_the_flag(cloud: Cloud, older: StateFile, aws: FakeAws) -> None:
    destroy(plan_destroy(older, aws, delete_data=False), older, aws, ignore)
    assert set(cloud.things) == {"app-jobs"}
