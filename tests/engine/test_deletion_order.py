"""In which order `down` deletes: what needs another goes first, what only names it needn't."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError
from cloud import Cloud, FakeAws, Gate, Thing
from examples_awslambda import package

from batchctl.config import Config
from batchctl.engine.apply import apply
from batchctl.engine.destroy import destroy, plan_destroy
from batchctl.engine.events import ignore
from batchctl.engine.plan import make_plan
from batchctl.engine.state import StateFile
from batchctl.engine.walk import WalkOutcome
from batchctl.resource import Outputs, Resource
from batchctl.stack import build


@dataclass(frozen=True, kw_only=True)
class Label(Thing):
    """A thing that only names other things."""

    kind: ClassVar[str] = "label"
    only_names: ClassVar[frozenset[str]] = frozenset({"thing"})


@dataclass(frozen=True, kw_only=True)
class Engine(Thing):
    """A thing that can be turned off while others use it."""

    kind: ClassVar[str] = "engine"
    disabled_ahead: ClassVar[bool] = True

    @classmethod
    def disable(cls, aws: Any, recorded: Outputs) -> None:
        aws.cloud.call("disable", recorded.id, lambda: None)


thing = Thing(label="named", name="named")
label = Label(label="label", name="label", needs=(thing,))
engine = Engine(label="engine", name="engine")
gate = Gate(label="gate", name="gate")
user = Thing(label="user", name="user", needs=(engine,))


def up_and_down(cloud: Cloud, aws: FakeAws, state: StateFile, *stack: Resource[Any]) -> WalkOutcome:
    """Make the stack, then take it down; the cloud's calls are those of the deletion."""
    assert apply(stack, make_plan(stack, state.state, aws), state, aws, ignore).succeeded
    plan = plan_destroy(state, aws, delete_data=False)
    cloud.calls.clear()
    return destroy(plan, state, aws, ignore)


def test_what_is_only_named_can_go_before_what_names_it(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    def refuse(verb: str, name: str) -> None:
        if (verb, name) == ("delete", "label"):
            raise ClientError({"Error": {"Code": "Busy"}}, "DeleteLabel")

    cloud.before = refuse
    outcome = up_and_down(cloud, aws, state, thing, label)
    assert set(outcome.failed) == {"label.label"}
    assert cloud.things.keys() == {"label"}


def test_what_others_still_use_is_disabled_before_anything_goes_that_uses_it(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    assert up_and_down(cloud, aws, state, engine, user, gate).complete
    writes = cloud.writes
    assert writes.index(("disable", "engine")) < writes.index(("delete", "user"))
    assert writes.index(("delete", "user")) < writes.index(("delete", "engine"))


def test_what_cannot_be_disabled_ahead_is_still_deleted_in_its_turn(
    cloud: Cloud, aws: FakeAws, state: StateFile
) -> None:
    def refuse(verb: str, _name: str) -> None:
        if verb == "disable":
            raise ClientError({"Error": {"Code": "Busy"}}, "UpdateEngine")

    cloud.before = refuse
    assert up_and_down(cloud, aws, state, engine, user).complete
    assert cloud.things == {}


def test_the_roles_of_functions_in_a_vpc_outlive_the_group_of_their_interfaces() -> None:
    """Lambda removes the interfaces with these roles, and functions share them."""
    settings: Any = {"network": {"function_subnet_ids": ["subnet-0123456789abcdef0"]}}
    stack = build(
        Config.model_validate(settings), image="registry.example/compute:1", package=package("x")
    )
    (group,) = (each for each in stack if each.address == "security_group.functions")
    labels = {"receiver", "splitter", "tracker", "api"}
    assert {each.label for each in group.dependencies if each.kind == "role"} == labels
    functions = [each for each in stack if each.kind == "function"]
    assert all(group in function.dependencies for function in functions)


@pytest.mark.parametrize(
    ("kind", "named", "needed"),
    [
        ("role", {"table", "job_queue", "job_definition", "log_group"}, set()),
        ("function", {"table", "job_queue", "job_definition"}, {"role", "log_group"}),
        ("event_rule", {"job_queue"}, {"function", "queue"}),
    ],
)
def test_kinds_say_what_they_only_name(kind: str, named: set[str], needed: set[str]) -> None:
    only_names = Resource.kinds[kind].only_names
    assert named <= only_names
    assert not needed & only_names
