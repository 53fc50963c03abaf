"""What `down` promises of a resource that was replaced, while its predecessor is still there."""

from __future__ import annotations

import dataclasses

import pytest
from botocore.exceptions import ClientError
from cloud import Chest, Cloud, FakeAws

from batchctl.engine.apply import apply
from batchctl.engine.destroy import destroy, plan_destroy, remaining_after
from batchctl.engine.events import ignore
from batchctl.engine.plan import Action, make_plan
from batchctl.engine.state import StateFile

chest = Chest(label="jobs", name="app-jobs", colour="gold")
empty = dataclasses.replace(chest, shape="square", colour="red")


@pytest.fixture(autouse=True)
def replaced(cloud: Cloud, state: StateFile, aws: FakeAws) -> None:
    """An empty chest has replaced one with coins, which could not be deleted."""

    def refuse(verb: str, name: str) -> None:
        if (verb, name) == ("delete", "app-jobs"):
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "DeleteThing")

    apply((chest,), make_plan((chest,), state.state, aws), state, aws, ignore)
    cloud.before = refuse
    result = apply((empty,), make_plan((empty,), state.state, aws), state, aws, ignore)
    assert not result.succeeded
    cloud.before = lambda _verb, _name: None
    assert set(cloud.things) == {"app-jobs", "app-jobs-2"}


def test_data_in_the_predecessor_stays_though_its_successor_is_deleted(
    cloud: Cloud, state: StateFile, aws: FakeAws
) -> None:
    plan = plan_destroy(state, aws, delete_data=False)
    assert {each.name: each.action for each in plan.steps} == {
        "app-jobs": Action.KEEP,
        "app-jobs-2": Action.DELETE,
    }
    outcome = destroy(plan, state, aws, ignore)
    assert outcome.complete
    assert set(cloud.things) == {"app-jobs"}
    assert [each.outputs for each in state.state.deposed] == [
        {"id": "app-jobs", "arn": "arn:app-jobs"}
    ]
    assert remaining_after(plan, outcome, state) == ()


def test_the_next_up_makes_it_under_the_name_after_the_predecessors(
    cloud: Cloud, state: StateFile, aws: FakeAws
) -> None:
    """What is to be deleted isn't taken for the resource: it would go at the end of the run."""
    destroy(plan_destroy(state, aws, delete_data=False), state, aws, ignore)
    plan = make_plan((chest,), state.state, aws)
    assert [(each.action, each.name, each.loses_data) for each in plan.changes] == [
        (Action.CREATE, "app-jobs-2", None),
        (Action.DELETE, "app-jobs", "3 coins"),
    ]
    assert apply((chest,), plan, state, aws, ignore).succeeded
    assert set(cloud.things) == {"app-jobs-2"}
