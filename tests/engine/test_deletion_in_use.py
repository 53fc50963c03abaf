"""What AWS refuses to delete as it is in use goes after what uses it, known order or not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from botocore.exceptions import ClientError
from cloud import Cloud, FakeAws, Thing

from batchctl.engine.apply import apply
from batchctl.engine.destroy import destroy, plan_destroy, remaining_after
from batchctl.engine.events import Event, Failed, ignore
from batchctl.engine.plan import make_plan
from batchctl.engine.state import StateFile

lower = Thing(label="lower", name="lower")
upper = Thing(label="upper", name="upper", needs=(lower,))
other = Thing(label="other", name="other")


def refuse(cloud: Cloud, used_by: Mapping[str, str], code: str = "ResourceInUseException") -> None:
    """Have the cloud refuse to delete what another thing, which is there, uses."""

    def before(verb: str, name: str) -> None:
        if verb == "delete" and used_by.get(name) in cloud.things:
            raise ClientError({"Error": {"Code": code, "Message": "in use"}}, "DeleteThing")

    cloud.before = before


def up(aws: FakeAws, state: StateFile) -> None:
    stack = (lower, upper, other)
    assert apply(stack, make_plan(stack, state.state, aws), state, aws, ignore).succeeded


@pytest.mark.parametrize(
    "code", ["ResourceInUseException", "DeleteConflict", "DependencyViolation"]
)
def test_what_is_in_use_by_something_of_which_no_record_says_so_is_deleted_after_it(
    cloud: Cloud, aws: FakeAws, state: StateFile, code: str
) -> None:
    up(aws, state)
    refuse(cloud, {"other": "lower"}, code)
    events: list[Event] = []
    assert destroy(plan_destroy(state, aws, delete_data=False), state, aws, events.append).complete
    assert cloud.things == {}
    assert not [each for each in events if isinstance(each, Failed)]


def test_what_waits_for_something_that_it_is_itself_used_by_goes_first(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    """A recorded order can be the wrong way round after a lost state."""
    up(aws, state)
    refuse(cloud, {"upper": "lower"})
    assert destroy(plan_destroy(state, aws, delete_data=False), state, aws, ignore).complete
    assert cloud.things == {}


def test_what_stays_in_use_fails_once_and_is_named_with_what_waits_for_it(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    up(aws, state)
    cloud.things["theirs"] = {}
    refuse(cloud, {"upper": "theirs", "lower": "upper"})
    events: list[Event] = []
    plan = plan_destroy(state, aws, delete_data=False)
    outcome = destroy(plan, state, aws, events.append)
    assert set(outcome.failed) == {"thing.upper", "thing.lower"}
    failed = [each.step.address for each in events if isinstance(each, Failed)]
    assert sorted(failed) == ["thing.lower", "thing.upper"]
    left = {each.address for each in remaining_after(plan, outcome, state)}
    assert left == {"thing.upper", "thing.lower"}
    assert cloud.things.keys() == {"upper", "lower", "theirs"}


def test_another_refusal_is_not_tried_again(cloud: Cloud, aws: FakeAws, state: StateFile) -> None:
    up(aws, state)
    refuse(cloud, {"other": "other"}, code="AccessDenied")
    outcome = destroy(plan_destroy(state, aws, delete_data=False), state, aws, ignore)
    assert set(outcome.failed) == {"thing.other"}
    assert cloud.calls.count(("delete", "upper")) == 1
