"""The steps for what is no longer wanted: orphans, deposed predecessors, and in `down` all."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
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


def with_work_kept(
    steps: Mapping[str, Step], records: Mapping[str, StateRecord], deposed: Collection[StateRecord]
) -> tuple[Step, ...]:
    """Return the steps of `up` for what is no longer wanted, by the keys of its records.

    A replaced resource, one of the `deposed`, in which work goes on is kept, and what that needs.
    """
    at_work = [
        records[key]
        for key, step in steps.items()
        if step.ends and records[key] in deposed and kind_of(records[key]).lets_work_end
    ]
    needed_by = _needed_by(at_work, [records[key] for key in steps])

    def kept(step: Step, record: StateRecord) -> Step:
        because = needed_by.get(record.address, "")
        if step.ends and record in at_work:
            because = goes_on(step.ends)
        if not because or not step.mutates:
            return step
        return dataclasses.replace(
            step, action=Action.KEEP, ends=None, loosens=(), kept_because=because
        )

    return tuple(kept(step, records[key]) for key, step in steps.items())


def _needed_by(
    at_work: Iterable[StateRecord], unwanted: Sequence[StateRecord]
) -> Mapping[str, str]:
    """Return why what those at work need has to stay, by address, at whatever distance."""
    found: dict[str, str] = {}
    staying = list(at_work)
    while staying:
        record = staying.pop(0)
        for each in unwanted:
            if needs_until_gone(record, each) and each.address not in found:
                found[each.address] = needs(record.address)
                staying.append(each)
    return found


def needs_until_gone(record: StateRecord, other: StateRecord) -> bool:
    """Whether a record needs the other as long as it is there.

    A policy that names an ARN, or a variable that names a table, needs nothing of that to be
    there.
    """
    only_names = other.kind in kind_of(record).only_names
    return other.address in record.dependencies and not only_names


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


def without_data(step: Step) -> Step:
    """Return the step, or a KEEP where it would delete data."""
    if not step.loses_data:
        return step
    return dataclasses.replace(
        step,
        action=Action.KEEP,
        loses_data=None,
        ends=None,
        kept_because=f"it holds {step.loses_data}",
        keeps_data=True,
    )


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
