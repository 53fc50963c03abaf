"""What `down` promises: everything goes, dependents first, from the state alone; data stays."""

from __future__ import annotations

import pytest
from cloud import Chest, Cloud, FakeAws, Thing

from batchctl.engine.apply import apply
from batchctl.engine.destroy import destroy, plan_destroy
from batchctl.engine.events import ignore
from batchctl.engine.plan import Action, make_plan
from batchctl.engine.state import StateFile
from batchctl.engine.walk import Outcome

chest = Chest(label="jobs", name="app-jobs", colour="gold")
base = Thing(label="base", name="app-base", needs=(chest,))
top = Thing(label="top", name="app-top", needs=(base,))
STACK = (chest, base, top)


@pytest.fixture(autouse=True)
def deployed(state: StateFile, aws: FakeAws) -> None:
    apply(STACK, make_plan(STACK, state.state, aws), state, aws, ignore)


def down(state: StateFile, aws: FakeAws, *, delete_data: bool = False) -> Outcome:
    plan = plan_destroy(state, aws, delete_data=delete_data)
    return destroy(plan, state, aws, ignore)


def test_dependents_go_first_and_data_is_kept_and_stays_known(
    cloud: Cloud, state: StateFile, aws: FakeAws
) -> None:
    down(state, aws)
    assert [name for verb, name in cloud.calls if verb == "delete"] == ["app-top", "app-base"]
    assert set(cloud.things) == {"app-jobs"}
    assert set(state.state.resources) == {"chest.jobs"}


def test_a_kept_table_is_taken_back_by_the_next_up(
    cloud: Cloud, state: StateFile, aws: FakeAws
) -> None:
    down(state, aws)
    plan = make_plan(STACK, state.state, aws)
    assert plan.steps[0].action is Action.NO_OP
    assert plan.count(Action.CREATE) == 2


def test_with_delete_data_nothing_is_left_and_the_state_is_gone(
    cloud: Cloud, state: StateFile, aws: FakeAws
) -> None:
    plan = plan_destroy(state, aws, delete_data=True)
    assert {step.address: step.loses_data for step in plan.steps}["chest.jobs"] == "3 coins"
    down(state, aws, delete_data=True)
    assert cloud.things == {}
    assert not state.path.exists()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("victim", ["app-top", "app-base", "app-jobs"])
def test_a_killed_down_is_finished_by_the_next(
    cloud: Cloud, state: StateFile, aws: FakeAws, moment: str, victim: str
) -> None:
    def kill(verb: str, name: str) -> None:
        if (verb, name) == ("delete", victim):
            raise SystemExit

    setattr(cloud, moment, kill)
    down(state, aws, delete_data=True)
    setattr(cloud, moment, lambda _verb, _name: None)
    again = StateFile.load(state.path, state.state.place)
    assert not down(again, aws, delete_data=True).failed
    assert cloud.things == {}


def test_what_a_killed_up_left_half_made_is_found_and_deleted(
    cloud: Cloud, state: StateFile, aws: FakeAws
) -> None:
    extra = Thing(label="extra", name="app-extra")
    cloud.after = _kill_after_create
    apply((*STACK, extra), make_plan((*STACK, extra), state.state, aws), state, aws, ignore)
    cloud.after = lambda _verb, _name: None
    assert state.state.resources["thing.extra"].outputs is None
    down(state, aws, delete_data=True)
    assert cloud.things == {}


def _kill_after_create(verb: str, _name: str) -> None:
    if verb == "create":
        raise SystemExit
