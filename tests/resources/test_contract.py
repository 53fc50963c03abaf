"""The contract that every kind keeps, tried on one example of each through the engine."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from default_vpc import make_default_vpc_public
from example import Example
from web_acls import make_web_acls

from batchctl.aws.session import Aws
from batchctl.engine.apply import Result, apply
from batchctl.engine.destroy import destroy, plan_destroy
from batchctl.engine.events import ignore
from batchctl.engine.kinds import kind_of, outputs_of
from batchctl.engine.plan import Action, Plan, make_plan
from batchctl.engine.state import StateFile, StateIdentity
from batchctl.resource import Resource

EXAMPLES: list[Example] = [
    example
    for path in sorted(Path(__file__).parent.glob("examples_*.py"))
    for example in importlib.import_module(path.stem).EXAMPLES
]
by_address = pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.resource.address)


def with_dependencies(resource: Resource[Any]) -> list[Resource[Any]]:
    """The resource after everything that it needs, each once."""

    def walk(each: Resource[Any]) -> Iterator[Resource[Any]]:
        for dependency in each.dependencies:
            yield from walk(dependency)
        yield each

    return list({each.address: each for each in walk(resource)}.values())


@pytest.fixture(autouse=True)
def users_own(request: pytest.FixtureRequest, aws: Aws) -> None:
    """What is in the account before `up`: a default VPC and web ACLs, for examples on them."""
    callspec = getattr(request.node, "callspec", None)
    example = callspec.params.get("example") if callspec else None
    wanted = filter(None, (example.resource, example.changed)) if example else ()
    kinds = {each.kind for resource in wanted for each in with_dependencies(resource)}
    if "network" in kinds:
        make_default_vpc_public(aws.connection.client("ec2"))
    if "web_acl_association" in kinds:
        make_web_acls(aws)


@pytest.fixture
def state(tmp_path: Path, aws: Aws) -> StateFile:
    identity = StateIdentity(aws.stack, aws.account, aws.region)
    return StateFile.load(tmp_path / "batchapp.state.json", identity)


def up(resource: Resource[Any], state: StateFile, aws: Aws) -> tuple[Plan, Result]:
    stack = with_dependencies(resource)
    plan = make_plan(stack, state.state, aws)
    assert not plan.outcome.failed
    result = apply(stack, plan, state, aws, ignore)
    assert not result.outcome.failed
    return plan, result


def step_of(plan: Plan, resource: Resource[Any]) -> Any:
    return next(step for step in plan.steps if step.address == resource.address)


def test_every_kind_has_an_example() -> None:
    covered = {each.kind for e in EXAMPLES for each in with_dependencies(e.resource)}
    ours = {
        name for name, kind in Resource.kinds.items() if kind.__module__.startswith("batchctl.")
    }
    assert ours <= covered


@by_address
def test_what_was_created_is_read_back_without_a_difference(
    example: Example, state: StateFile, aws: Aws
) -> None:
    up(example.resource, state, aws)
    again = make_plan(with_dependencies(example.resource), state.state, aws)
    assert {s.address: s.changes for s in again.steps if s.changes} == {}
    assert again.changes == ()


@pytest.mark.parametrize(
    "example",
    # The role of instances has no policy of its own to be read.
    [e for e in EXAMPLES if e.resource.calls_to_read > 1 and e.resource.label != "instance"],
    ids=lambda e: e.resource.address,
)
def test_reading_takes_as_many_calls_as_the_kind_says(
    example: Example, state: StateFile, aws: Aws
) -> None:
    resource = example.resource
    _, result = up(resource, state, aws)
    made: list[str] = []
    for client in aws.connection.clients.values():
        client.meta.events.register("before-call", lambda model, **_: made.append(model.name))
    recorded = None if resource.lookup else result.deployed[resource]
    resource.read(aws, recorded, resource.desired(result.deployed))
    assert len(made) == resource.calls_to_read, made


@by_address
def test_one_changed_field_gives_one_step_and_then_no_difference(
    example: Example, state: StateFile, aws: Aws
) -> None:
    if example.changed is None:
        pytest.skip("nothing of this kind can be changed")
    up(example.resource, state, aws)
    plan, _ = up(example.changed, state, aws)
    assert step_of(plan, example.resource).action is example.action
    again = make_plan(with_dependencies(example.changed), state.state, aws)
    assert {s.address: s.changes for s in again.steps if s.changes} == {}


@by_address
def test_without_a_state_it_is_found_by_name_and_tag(
    example: Example, state: StateFile, aws: Aws, tmp_path: Path
) -> None:
    up(example.resource, state, aws)
    forgotten = StateFile.load(tmp_path / "lost" / "state.json", state.state.identity)
    plan, _ = up(example.resource, forgotten, aws)
    assert plan.changes == ()
    assert forgotten.state.resources == state.state.resources


@by_address
def test_deleted_it_is_read_as_none_and_deleting_again_is_quiet(
    example: Example, state: StateFile, aws: Aws
) -> None:
    up(example.resource, state, aws)
    records = dict(state.state.resources)
    outcome = destroy(plan_destroy(state, aws, delete_data=True), state, aws, ignore)
    assert not outcome.failed
    assert not state.path.exists()
    plan = make_plan(with_dependencies(example.resource), state.state, aws)
    expected = Action.NO_OP if example.resource.lookup or example.resource.shared else Action.CREATE
    assert step_of(plan, example.resource).action is expected
    for record in records.values():
        if not kind_of(record).shared:
            kind_of(record).delete(aws, outputs_of(record))
