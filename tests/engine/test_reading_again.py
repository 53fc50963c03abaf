"""When `up` doesn't go by what the plan read: a dependency was made, or a create met something."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError
from cloud import Cloud, FakeAws, Slot, Thing

from batchctl.aws.errors import AmbiguousOutcome
from batchctl.engine.apply import ADOPT_WITHIN_S, MAX_REREADS, Result, apply
from batchctl.engine.events import ignore
from batchctl.engine.plan import Action, make_plan
from batchctl.engine.state import StateFile
from batchctl.resource import NotOwned, Outputs, Resource


@dataclass(frozen=True, kw_only=True)
class Host(Slot):
    """A slot that takes all that hangs on it along when it goes, as a function its permissions."""

    kind: ClassVar[str] = "host"

    @classmethod
    def delete(cls, aws: Any, recorded: Outputs) -> None:
        super().delete(aws, recorded)
        for name in [n for n, each in aws.cloud.things.items() if recorded.arn in each["Needs"]]:
            del aws.cloud.things[name]


host = Host(label="host", name="app-host")
guest = Thing(label="guest", name="app-guest", needs=(host,))
neighbour = Thing(label="neighbour", name="app-neighbour")
STACK: tuple[Resource[Any], ...] = (host, guest, neighbour)


def up(stack: tuple[Resource[Any], ...], state: StateFile, aws: FakeAws) -> Result:
    return apply(stack, make_plan(stack, state.state, aws), state, aws, ignore)


def reads_in_apply(
    stack: tuple[Resource[Any], ...], cloud: Cloud, state: StateFile, aws: FakeAws
) -> list[str]:
    """The names that are read after the plan was made, in a run that succeeds."""
    plan = make_plan(stack, state.state, aws)
    cloud.calls.clear()
    assert apply(stack, plan, state, aws, ignore).succeeded
    return [name for verb, name in cloud.calls if verb == "read"]


def changed(host: Host) -> tuple[Resource[Any], ...]:
    return (host, dataclasses.replace(guest, needs=(host,)), neighbour)


def test_what_went_with_the_dependency_that_was_made_again_comes_back(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    up(STACK, state, aws)
    stack = changed(dataclasses.replace(host, shape="square"))
    # By its recorded id, then by name and tag.
    assert reads_in_apply(stack, cloud, state, aws) == ["app-guest", "app-guest"]
    assert cloud.writes == [("delete", "app-host"), ("create", "app-host"), ("create", "app-guest")]
    assert make_plan(stack, state.state, aws).changes == ()


def test_what_hangs_on_a_dependency_that_others_deleted_is_read_again(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    up(STACK, state, aws)
    del cloud.things["app-host"]
    plan = make_plan(STACK, state.state, aws)
    assert [step.action for step in plan.changes] == [Action.CREATE, Action.UPDATE]
    del cloud.things["app-guest"]
    assert apply(STACK, plan, state, aws, ignore).succeeded
    assert set(cloud.things) == {"app-host", "app-guest", "app-neighbour"}


def test_a_dependency_that_is_changed_in_place_has_nothing_read_again(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    up(STACK, state, aws)
    stack = changed(dataclasses.replace(host, colour="blue"))
    assert reads_in_apply(stack, cloud, state, aws) == []
    assert cloud.writes == [("update", "app-host")]


def test_what_was_not_there_when_it_was_planned_is_made_without_a_read(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    assert reads_in_apply(STACK, cloud, state, aws) == []


def appears_before(cloud: Cloud, name: str, tags: dict[str, str], colour: str) -> None:
    """Somebody makes the thing just before our create of it."""

    def make(verb: str, called: str) -> None:
        if (verb, called) == ("create", name) and name not in cloud.things:
            cloud.things[name] = {"Name": name, "Colour": colour, "Shape": "round", "Needs": []}
            cloud.tags[name] = tags

    cloud.before = make


def test_what_turns_out_to_exist_is_adopted_and_brought_to_what_is_wanted(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    appears_before(cloud, "app-neighbour", dict(aws.tags), "pink")
    assert up((neighbour,), state, aws).succeeded
    assert cloud.writes == [("create", "app-neighbour"), ("update", "app-neighbour")]
    assert cloud.things["app-neighbour"]["Colour"] == "red"
    assert make_plan((neighbour,), state.state, aws).changes == ()


def test_what_turns_out_to_exist_without_our_tag_is_left_alone(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    appears_before(cloud, "app-neighbour", {}, "pink")
    failed = up((neighbour,), state, aws).outcome.failed
    assert isinstance(failed["thing.neighbour"], NotOwned)
    assert cloud.things["app-neighbour"]["Colour"] == "pink"


def test_what_exists_and_stays_unseen_is_given_up_with_awss_own_error(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    def deny(verb: str, _name: str) -> None:
        if verb == "create":
            raise ClientError({"Error": {"Code": "EntityAlreadyExists"}}, "CreateThing")

    cloud.before = deny
    failed = up((neighbour,), state, aws).outcome.failed
    assert "EntityAlreadyExists" in str(failed["thing.neighbour"])
    assert ADOPT_WITHIN_S <= aws.clock.now() < 2 * ADOPT_WITHIN_S


def lost(cloud: Cloud, when: str, times: int) -> None:
    """The answers to the first creates are lost, `before` or `after` they took effect."""
    left = [times]

    def lose(verb: str, _name: str) -> None:
        if verb == "create" and left[0]:
            left[0] -= 1
            raise AmbiguousOutcome("no answer")

    setattr(cloud, when, lose)


@pytest.mark.parametrize("when", ["before", "after"])
def test_after_a_lost_answer_it_is_read_again_and_there_is_one_thing(
    cloud: Cloud, aws: FakeAws, state: StateFile, when: str
) -> None:
    lost(cloud, when, 1)
    assert up((neighbour,), state, aws).succeeded
    assert cloud.writes == [("create", "app-neighbour")]
    assert state.state.resources["thing.neighbour"].outputs is not None


def test_answers_that_are_always_lost_are_an_error_after_some_reads(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    lost(cloud, "before", 100)
    attempts: list[str] = []
    lose = cloud.before
    cloud.before = _noting(attempts, lose)
    failed = up((neighbour,), state, aws).outcome.failed
    assert isinstance(failed["thing.neighbour"], AmbiguousOutcome)
    assert attempts.count("create") == 1 + MAX_REREADS


def _noting(attempts: list[str], then: Callable[[str, str], None]) -> Callable[[str, str], None]:
    def note(verb: str, name: str) -> None:
        attempts.append(verb)
        then(verb, name)

    return note
