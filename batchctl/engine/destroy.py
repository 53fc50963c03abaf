"""Take the stack down from the state alone, dependents first.

Needs neither config.yaml nor the stack: every record knows its kind, its outputs and what it
depended on. What holds the user's data is kept unless the data is to go as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from batchctl.aws.session import Aws
from batchctl.engine.events import Emit, Failed, Finished, Skipped, Started, Waiting
from batchctl.engine.plan import Action, Plan, Step, deletion_or_keep, physical_id
from batchctl.engine.state import Record, StateFile
from batchctl.engine.walk import Outcome, walk
from batchctl.errors import Interrupted
from batchctl.resource import Outputs


def plan_destroy(state: StateFile, aws: Aws, *, delete_data: bool) -> Plan:
    """Return a DELETE for everything recorded, a KEEP for what stays.

    What holds data stays unless `delete_data`; what other stacks share stays in any case.
    """
    records = (*state.state.resources.values(), *state.state.retired)
    return Plan(tuple(_deletion_or_keep(record, aws, delete_data) for record in records))


def _deletion_or_keep(record: Record, aws: Aws, delete_data: bool) -> Step:
    step = deletion_or_keep(record, aws)
    if delete_data or not step.loses_data:
        return step
    because = f"it holds {step.loses_data}"
    return dataclasses.replace(step, action=Action.KEEP, loses_data=None, kept_because=because)


def destroy(plan: Plan, state: StateFile, aws: Aws, emit: Emit) -> Outcome:
    """Delete what the plan says; every error is in the outcome, what is gone is forgotten."""
    kept = {step.address for step in plan.steps if step.action is Action.KEEP}
    records = (*state.state.resources.values(), *state.state.retired)
    outcome = delete_records(
        [record for record in records if record.address not in kept], state, aws, emit
    )
    for address, because in outcome.skipped.items():
        emit(Skipped(address, because))
    _forget_shared(state)
    state.discard()
    return outcome


def _forget_shared(state: StateFile) -> None:
    """Forget what is shared once nothing of ours uses it."""
    records = state.state.resources.values()
    if all(r.resource_kind.shared or r.resource_kind.holds_data for r in records):
        for record in [r for r in records if r.resource_kind.shared]:
            state.remove(record.address)


def delete_records(records: Sequence[Record], state: StateFile, aws: Aws, emit: Emit) -> Outcome:
    """Delete recorded resources, each after those that depended on it."""
    by_key = {_key(record): record for record in records}

    def delete_one(key: str) -> None:
        _delete(by_key[key], state, aws, emit)

    return walk(_reversed_graph(by_key), delete_one, aws.clock.stop)


def _key(record: Record) -> str:
    return f"{record.address}#{record.generation}"


def _reversed_graph(by_key: Mapping[str, Record]) -> dict[str, set[str]]:
    """Return for each record the records that depend on it: they must go first."""
    return {
        key: {
            other_key
            for other_key, other in by_key.items()
            if record.address in other.dependencies and other_key != key
        }
        for key, record in by_key.items()
    }


def _delete(record: Record, state: StateFile, aws: Aws, emit: Emit) -> None:
    if record.resource_kind.shared:
        _forget(record, state)
        return
    step = Step(Action.DELETE, record.address, physical_id(record))
    reporting = aws.reporting_to(lambda what: emit(Waiting(step, what)))
    started = aws.clock.now()
    emit(Started(step))
    try:
        outputs = _outputs_of(record, reporting)
        if outputs is not None:
            record.resource_kind.delete(reporting, outputs)
    except Interrupted:
        raise
    except BaseException as error:
        emit(Failed(step, error))
        raise
    _forget(record, state)
    emit(Finished(step, aws.clock.now() - started))


def _outputs_of(record: Record, aws: Aws) -> Outputs | None:
    """Return the recorded outputs, or for an intent what is found of it; None when nothing is."""
    outputs = record.known_outputs()
    if outputs is not None:
        return outputs
    actual = record.resource_kind.read(aws, None, record.identity)
    return actual.outputs if actual else None


def _forget(record: Record, state: StateFile) -> None:
    if record in state.state.retired:
        state.bury(record)
    else:
        state.remove(record.address)
