"""Runs of the engine over one resource and all that it needs, with a state in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from batchctl.aws.session import Aws
from batchctl.engine.apply import Result, apply
from batchctl.engine.destroy import destroy, plan_destroy
from batchctl.engine.events import ignore
from batchctl.engine.plan import Plan, Step, make_plan
from batchctl.engine.state import StateFile, StateIdentity
from batchctl.engine.walk import WalkOutcome
from batchctl.resource import Resource
from batchctl.stack import in_order


def up(aws: Aws, folder: Path, *resources: Resource[Any]) -> Result:
    """Bring the resources about."""
    state = _state(aws, folder)
    return apply(
        in_order(resources), make_plan(in_order(resources), state.state, aws), state, aws, ignore
    )


def plan(aws: Aws, folder: Path, *resources: Resource[Any]) -> Plan:
    """Return what `up` would do."""
    return make_plan(in_order(resources), _state(aws, folder).state, aws)


def step_of(plan: Plan, resource: Resource[Any]) -> Step:
    """Return the step of one resource."""
    return next(step for step in plan.steps if step.address == resource.address)


def down(aws: Aws, folder: Path) -> WalkOutcome:
    """Delete everything recorded."""
    state = _state(aws, folder)
    return destroy(plan_destroy(state, aws, delete_data=True), state, aws, ignore)


def outputs(result: Result, resource: Resource[Any]) -> Any:
    """Return the outputs of one resource; fails with the errors of the run."""
    assert not result.outcome.failed
    return result.deployed[resource]


def _state(aws: Aws, folder: Path) -> StateFile:
    return StateFile.load(folder / "state.json", StateIdentity(aws.stack, aws.account, aws.region))
