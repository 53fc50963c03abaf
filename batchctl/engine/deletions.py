"""The steps for what is no longer wanted: orphans, deposed predecessors, and in `down` all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from batchctl.aws.session import Aws
from batchctl.engine.action import Action
from batchctl.engine.kinds import kind_of
from batchctl.engine.ownership import Found, find_owned
from batchctl.engine.state import State, StateRecord
from batchctl.engine.steps import Step
from batchctl.resource import Outputs, Resource


def orphans_of(stack: Sequence[Resource[Any]], state: State) -> tuple[StateRecord, ...]:
    """Return what is recorded but no longer wanted: orphans and deposed predecessors."""
    wanted = {resource.address for resource in stack}
    orphans = (r for address, r in state.resources.items() if address not in wanted)
    return (*orphans, *state.deposed)


def planned_deletions(
    unwanted: Sequence[StateRecord],
    deposed: Collection[StateRecord],
    state: State,
    aws_for: Callable[[str], Aws],
) -> Iterator[Step]:
    """Yield the steps of `up` for what is no longer wanted; `aws_for` an address reads it.

    A replaced resource, one of the `deposed`, in which work goes on is kept, and what that needs.
    """
    needed_by: dict[str, str] = {}
    for record in sorted(unwanted, key=lambda each: each not in deposed):
        step, _ = deletion_or_keep(record, state, aws_for(record.address))
        because = needed_by.get(record.address, "")
        if step.ends and record in deposed and kind_of(record).lets_work_end:
            because = goes_on(step.ends)
            needed_by |= dict.fromkeys(record.dependencies, needs(record.address))
        if because and step.mutates:
            step = dataclasses.replace(
                step, action=Action.KEEP, ends=None, loosens=(), kept_because=because
            )
        yield step


def goes_on(work: str) -> str:
    """Say why a replaced resource is kept in which there is `work` ("3 unfinished jobs")."""
    return f"{work} in it, which go on; a later `up` deletes it"


def needs(address: str) -> str:
    """Say why a resource is kept that one which is kept refers to."""
    return f"the former {address} needs it"


def deletion_or_keep(record: StateRecord, state: State, aws: Aws) -> tuple[Step, Found]:
    """Return the step for a resource no longer wanted, and what AWS has of it.

    What is shared, and what isn't ours, is kept and forgotten.
    """
    if kind_of(record).shared:
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
    kind = kind_of(record)
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
