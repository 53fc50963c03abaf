"""The steps for what is no longer wanted: orphans, deposed predecessors, and in `down` all."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from batchctl.aws.session import Aws
from batchctl.engine.action import Action
from batchctl.engine.ownership import Found, find_owned
from batchctl.engine.state import State, StateRecord
from batchctl.engine.steps import Step
from batchctl.resource import Outputs, Resource


def orphans_of(stack: Sequence[Resource[Any]], state: State) -> tuple[StateRecord, ...]:
    """Return what is recorded but no longer wanted: orphans and deposed predecessors."""
    wanted = {resource.address for resource in stack}
    orphans = (r for address, r in state.resources.items() if address not in wanted)
    return (*orphans, *state.deposed)


def keyed(
    records: Iterable[StateRecord], deposed: Collection[StateRecord]
) -> dict[str, StateRecord]:
    """Return records by address; the key of a deposed predecessor also has its generation."""
    return {
        f"{record.address} (generation {record.generation})"
        if record in deposed
        else record.address: record
        for record in records
    }


def all_keyed(state: State) -> dict[str, StateRecord]:
    """Return all that is recorded by its keys."""
    return keyed((*state.resources.values(), *state.deposed), state.deposed)


def deletion_or_keep(record: StateRecord, state: State, aws: Aws) -> tuple[Step, Found]:
    """Return the step for a resource no longer wanted, and what AWS has of it.

    What is shared, and what isn't ours, is kept and forgotten.
    """
    if record.resource_kind.shared:
        return _keep(record, "other stacks of the account may use it"), Found()
    found = find_owned(record, aws, is_deposed=record in state.deposed or not record.identity)
    if found.foreign is not None:
        step = _keep(record, found.foreign)
        return dataclasses.replace(step, forgets=True), found
    return _planned_deletion(record, found.outputs, aws), found


def _keep(record: StateRecord, because: str) -> Step:
    return Step(Action.KEEP, record.address, physical_id(record), kept_because=because)


def _planned_deletion(record: StateRecord, outputs: Outputs | None, aws: Aws) -> Step:
    """Return the step that deletes a recorded resource, with the data and the work that it ends."""
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
