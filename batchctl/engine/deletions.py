"""The steps for what is no longer wanted: orphans, deposed predecessors, and in `down` all."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from batchctl.aws.session import Aws
from batchctl.engine.action import Action
from batchctl.engine.state import State, StateRecord
from batchctl.engine.steps import Step
from batchctl.resource import Outputs, Resource


def orphans_of(stack: Sequence[Resource[Any]], state: State) -> tuple[StateRecord, ...]:
    """Return what is recorded but no longer wanted: orphans and deposed predecessors."""
    wanted = {resource.address for resource in stack}
    orphans = (r for address, r in state.resources.items() if address not in wanted)
    return (*orphans, *state.deposed)


def deletion_or_keep(record: StateRecord, aws: Aws) -> Step:
    """Return the step for a resource no longer wanted; a shared one is kept and forgotten."""
    step = planned_deletion(record, aws)
    if not record.resource_kind.shared:
        return step
    because = "other stacks of the account may use it"
    return dataclasses.replace(step, action=Action.KEEP, loses_data=None, kept_because=because)


def planned_deletion(record: StateRecord, aws: Aws) -> Step:
    """Return the step that deletes a recorded resource, with the data and the work that it ends."""
    outputs = outputs_of(record, aws) if record.outputs else None
    kind = record.resource_kind
    step = Step(
        Action.DELETE,
        record.address,
        physical_id(record),
        remark=kind.when_deleted,
        loosens=tuple(filter(None, [kind.loosened_when_deleted])),
    )
    if outputs is None:
        return step
    loses = kind.stored(aws, outputs) if kind.holds_data else None
    return dataclasses.replace(step, loses_data=loses, ends=kind.running(aws, outputs))


def physical_id(record: StateRecord) -> str:
    """Return the recorded id; of an intent, the identity that finds it."""
    if record.outputs is not None:
        return str(record.outputs["id"])
    return ", ".join(str(value) for value in record.identity.values())


def outputs_of(record: StateRecord, aws: Aws) -> Outputs | None:
    """Return the recorded outputs; where they aren't known those that a read finds, or None."""
    outputs = record.known_outputs()
    if outputs is not None:
        return outputs
    actual = record.resource_kind.read(aws, None, record.identity)
    return actual.outputs if actual else None
