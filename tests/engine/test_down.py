"""What `down` promises: everything goes, dependents first, from the state alone; data stays."""

from __future__ import annotations

import pytest
from cloud import Chest, Cloud, FakeAws, Gate, Mill, Thing

from batchctl.engine.apply import apply
from batchctl.engine.destroy import Remaining, destroy, plan_destroy, remaining_after
from batchctl.engine.events import ignore
from batchctl.engine.plan import Action, make_plan
from batchctl.engine.state import StateFile
from batchctl.engine.walk import WalkOutcome
from batchctl.errors import LoggedOut

chest = Chest(label="jobs", name="app-jobs", colour="gold")
base = Thing(label="base", name="app-base", needs=(chest,))
top = Thing(label="top", name="app-top", needs=(base,))
STACK = (chest, base, top)


@pytest.fixture(autouse=True)
def deployed(state: StateFile, aws: FakeAws) -> None:
    apply(STACK, make_plan(STACK, state.state, aws), state, aws, ignore)


def down(state: StateFile, aws: FakeAws, *, delete_data: bool = False) -> WalkOutcome:
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


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("victim", ["app-top", "app-base", "app-jobs"])
def test_a_killed_down_is_finished_by_the_next(
    cloud: Cloud, state: StateFile, aws: FakeAws, when: str, victim: str
) -> None:
    def kill(verb: str, name: str) -> None:
        if (verb, name) == ("delete", victim):
            raise SystemExit

    setattr(cloud, when, kill)
    down(state, aws, delete_data=True)
    setattr(cloud, when, lambda _verb, _name: None)
    again = StateFile.load(state.path, state.state.identity)
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


handle = Thing(label="handle", name="app-handle")
mill = Mill(label="mill", name="app-mill", colour="green")
gate = Gate(label="gate", name="app-gate", needs=(handle,))
bell = Thing(label="bell", name="app-bell", needs=(gate,))
OPEN = (*STACK, handle, mill, gate, bell)


@pytest.fixture
def opened(cloud: Cloud, state: StateFile, aws: FakeAws) -> None:
    apply(OPEN, make_plan(OPEN, state.state, aws), state, aws, ignore)
    cloud.calls.clear()


@pytest.mark.usefixtures("opened")
def test_what_lets_work_in_goes_first_but_for_what_hangs_on_it(
    cloud: Cloud, state: StateFile, aws: FakeAws
) -> None:
    down(state, aws)
    deleted = [name for verb, name in cloud.calls if verb == "delete"]
    assert deleted[:2] == ["app-bell", "app-gate"]
    assert set(deleted[2:]) == {"app-handle", "app-mill", "app-top", "app-base"}


@pytest.mark.usefixtures("opened")
def test_the_plan_says_what_would_be_ended(cloud: Cloud, state: StateFile, aws: FakeAws) -> None:
    ends = {s.address: s.ends for s in plan_destroy(state, aws, delete_data=False).steps}
    assert {address: what for address, what in ends.items() if what} == {"mill.mill": "2 sacks"}


@pytest.mark.usefixtures("opened")
def test_what_could_not_go_is_left_with_the_reason_and_the_cost_and_goes_the_next_time(
    cloud: Cloud, state: StateFile, aws: FakeAws
) -> None:
    def refuse(verb: str, name: str) -> None:
        if (verb, name) == ("delete", "app-gate"):
            raise PermissionError(name)

    cloud.before = refuse
    plan = plan_destroy(state, aws, delete_data=False)
    outcome = destroy(plan, state, aws, ignore)
    left = {each.address: each for each in remaining_after(plan, outcome, state)}
    assert left["gate.gate"] == Remaining("gate.gate", "app-gate", "failed", "costs a coin an hour")
    assert left["mill.mill"].why == "waits for gate.gate"
    assert left["mill.mill"].cost == "costs nothing"
    assert "thing.bell" not in left
    assert "chest.jobs" not in left
    cloud.before = lambda _verb, _name: None
    again = plan_destroy(state, aws, delete_data=False)
    assert remaining_after(again, destroy(again, state, aws, ignore), state) == ()
    assert set(cloud.things) == {"app-jobs"}


@pytest.mark.usefixtures("opened")
def test_a_lost_login_is_one_error_and_what_was_deleted_is_forgotten(
    cloud: Cloud, state: StateFile, aws: FakeAws
) -> None:
    def log_out(verb: str, name: str) -> None:
        if (verb, name) in {("delete", "app-mill"), ("delete", "app-top")}:
            raise LoggedOut(name)

    cloud.before = log_out
    plan = plan_destroy(state, aws, delete_data=False)
    outcome = destroy(plan, state, aws, ignore)
    assert isinstance(outcome.ended_by, LoggedOut)
    assert outcome.failed == {}
    left = remaining_after(plan, outcome, state)
    assert {each.why for each in left} <= {"logged out", "waits for mill.mill"}
    assert "gate.gate" not in {each.address for each in left}


def test_what_cannot_be_read_is_an_error_and_not_deleted(
    cloud: Cloud, state: StateFile, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_aws: FakeAws, _recorded: object) -> str | None:
        raise PermissionError("Scan")

    monkeypatch.setattr(Chest, "stored", refuse)
    plan = plan_destroy(state, aws, delete_data=False)
    assert list(plan.outcome.failed) == ["chest.jobs"]
    destroy(plan, state, aws, ignore)
    assert set(cloud.things) == {"app-jobs"}
