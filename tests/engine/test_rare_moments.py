"""Moments that the simulation has found: a death between two writes, a look that shows nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cloud import Cloud, FakeAws, Thing

from batchctl.aws.errors import AmbiguousOutcome
from batchctl.engine.apply import apply
from batchctl.engine.destroy import destroy, plan_destroy
from batchctl.engine.events import ignore
from batchctl.engine.plan import make_plan
from batchctl.engine.state import StateFile
from batchctl.resource import Resource

lone = Thing(label="lone", name="app-lone")
user = Thing(label="user", name="app-user")


class Killed(BaseException):
    """The process is killed."""


def up(state: StateFile, aws: FakeAws, *stack: Resource[Any]) -> None:
    plan = make_plan(stack, state.state, aws)
    assert apply(stack, plan, state, aws, ignore).succeeded


def test_down_knows_of_a_dependency_that_a_killed_update_has_brought(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    """The change is in AWS, the run dies before it can say so: `down` still deletes in order."""
    up(state, aws, lone, user)
    wanted = (lone, dataclasses.replace(user, needs=(lone,)))
    plan = make_plan(wanted, state.state, aws)

    def kill(verb: str, _name: str) -> None:
        if verb == "update":
            raise Killed

    cloud.after = kill
    result = apply(wanted, plan, state, aws, ignore)
    assert isinstance(result.outcome.failed["thing.user"], Killed)
    cloud.after = lambda _verb, _name: None
    cloud.calls.clear()

    destroy(plan_destroy(state, aws, delete_data=True), state, aws, ignore)

    assert [name for verb, name in cloud.calls if verb == "delete"] == ["app-user", "app-lone"]


def test_a_plan_says_which_orphan_could_not_be_read(
    cloud: Cloud, aws: FakeAws, state: StateFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an outcome of the plan like any other, with what was read beside it."""
    up(state, aws, lone, user)
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ReadThing")

    def tags_of(_aws: object, recorded: object) -> None:
        del recorded
        raise refused

    monkeypatch.setattr(Thing, "tags_of", tags_of)
    plan = make_plan((user,), state.state, aws)

    assert plan.outcome.failed == {"thing.lone": refused}
    assert [step.address for step in plan.steps] == ["thing.user"]


def test_what_aws_does_not_show_for_once_is_deleted_all_the_same(
    cloud: Cloud, aws: FakeAws, state: StateFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right after its creation a look may show nothing: it must not be forgotten for that."""
    up(state, aws, lone)
    hidden = {"app-lone": cloud.things.pop("app-lone")}
    cloud_tags_of = Thing.tags_of.__func__  # type: ignore[attr-defined]

    def shown_later(cls: type[Thing], aws: Any, recorded: Any) -> Any:
        if aws.clock.now() >= 4:
            cloud.things.update(hidden)
        return cloud_tags_of(cls, aws, recorded)

    monkeypatch.setattr(Thing, "tags_of", classmethod(shown_later))
    outcome = destroy(plan_destroy(state, aws, delete_data=True), state, aws, ignore)

    assert outcome.complete
    assert not cloud.things


def test_the_effect_of_a_lost_call_is_waited_for_before_it_is_made_again(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    """What AWS shows four seconds after an answer was lost is taken, not made twice."""
    made_at: list[float] = []

    def lose(verb: str, name: str) -> None:
        if verb == "create":
            made_at.append(aws.clock.now())
            hidden[name] = cloud.things.pop(name)
            raise AmbiguousOutcome("no answer to CreateThing")

    def appear(verb: str, name: str) -> None:
        if verb == "read" and name in hidden and aws.clock.now() >= made_at[0] + 4:
            cloud.things[name] = hidden.pop(name)

    hidden: dict[str, dict[str, object]] = {}
    cloud.after, cloud.before = lose, appear
    up(state, aws, lone)

    assert cloud.writes == [("create", "app-lone")]
