"""Take the stack down from the state alone, dependents first.

Needs neither config.yaml nor the stack: every record has its kind, its outputs and its
dependencies. What holds the user's data is kept unless the data is to be deleted as well.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from batchctl.aws.session import Aws
from batchctl.engine.action import Action
from batchctl.engine.deletions import deletion_or_keep, goes_on, needs, outputs_of, physical_id
from batchctl.engine.events import Emit, Failed, Finished, Kept, Skipped, Started, Waiting
from batchctl.engine.plan import OnWait, Plan, ignore_waits, with_progress
from batchctl.engine.state import StateFile, StateRecord
from batchctl.engine.steps import Step
from batchctl.engine.walk import INTERRUPTED, OVER, WalkOutcome, walk
from batchctl.errors import Interrupted, RunOver


def plan_destroy(
    state: StateFile, aws: Aws, *, delete_data: bool, on_wait: OnWait = ignore_waits
) -> Plan:
    """Return a DELETE for everything recorded, a KEEP for what stays.

    What holds data stays unless `delete_data`; what other stacks share stays in any case. What
    could not be read is in the outcome, and has no step.
    """
    records = _by_key((*state.state.resources.values(), *state.state.deposed), state)
    steps: dict[str, Step] = {}

    def plan_one(key: str) -> None:
        reporting_aws = with_progress(aws, records[key].address, on_wait)
        steps[key] = _deletion_or_keep(records[key], reporting_aws, delete_data)

    outcome = walk(dict.fromkeys(records, frozenset()), plan_one, aws.clock.stop)
    return Plan(tuple(steps[key] for key in records if key in steps), outcome=outcome)


def _deletion_or_keep(record: StateRecord, aws: Aws, delete_data: bool) -> Step:
    step = deletion_or_keep(record, aws)
    if delete_data or not step.loses_data:
        return step
    because = f"it holds {step.loses_data}"
    return dataclasses.replace(
        step, action=Action.KEEP, loses_data=None, ends=None, kept_because=because
    )


def destroy(plan: Plan, state: StateFile, aws: Aws, emit: Emit) -> WalkOutcome:
    """Delete what the plan says; errors are in the outcome, deletions in the state."""
    doomed = {step.address for step in plan.changes}
    records = (*state.state.resources.values(), *state.state.deposed)
    outcome = delete_records([each for each in records if each.address in doomed], state, aws, emit)
    for address, because in outcome.skipped.items():
        emit(Skipped(address, because))
    _forget_shared(state)
    state.discard()
    return outcome


@dataclass(frozen=True)
class Remaining:
    """A resource that `destroy` did not delete: why, and what it costs while it exists."""

    address: str
    name: str
    why: str
    cost: str


def remaining_after(plan: Plan, outcome: WalkOutcome, state: StateFile) -> tuple[Remaining, ...]:
    """Return what is still recorded of what the plan was to delete, after `destroy`."""
    doomed = {step.address for step in plan.changes}
    records = _by_key((*state.state.resources.values(), *state.state.deposed), state)
    return tuple(
        Remaining(key, physical_id(record), _reason(key, outcome), record.resource_kind.cost)
        for key, record in records.items()
        if record.address in doomed
    )


def _reason(key: str, outcome: WalkOutcome) -> str:
    if key in outcome.failed:
        return "failed"
    because = outcome.skipped.get(key, INTERRUPTED)
    return because if because in {INTERRUPTED, *OVER} else f"waits for {because}"


def _forget_shared(state: StateFile) -> None:
    """Remove shared resources from the state once nothing of the stack uses them."""
    records = state.state.resources.values()
    if all(r.resource_kind.shared or r.resource_kind.holds_data for r in records):
        for record in [r for r in records if r.resource_kind.shared]:
            state.remove(record.address)


def delete_records(
    records: Sequence[StateRecord],
    state: StateFile,
    aws: Aws,
    emit: Emit,
    *,
    ends_work: bool = True,
) -> WalkOutcome:
    """Delete recorded resources, each after its dependents and after the entry points.

    Unless that `ends_work`, a predecessor in which work goes on stays, with all that it needs.
    """
    by_key = _by_key(records, state)
    dependents = _reversed_graph(by_key)
    kept: dict[str, str] = {}

    def delete_one(key: str) -> None:
        record = by_key[key]
        because = next((needs(by_key[each].address) for each in dependents[key] & kept.keys()), "")
        if because:
            emit(Kept(_step(record), because))
        else:
            because = _delete(record, state, aws, emit, ends_work=ends_work)
        if because:
            kept[key] = because

    return walk(_entry_points_first(dependents, by_key), delete_one, aws.clock.stop)


def _by_key(records: Sequence[StateRecord], state: StateFile) -> dict[str, StateRecord]:
    """Return records by address; a predecessor's key also has its generation."""
    deposed = state.state.deposed
    return {
        f"{record.address} (generation {record.generation})"
        if record in deposed
        else record.address: record
        for record in records
    }


def _reversed_graph(by_key: Mapping[str, StateRecord]) -> dict[str, set[str]]:
    """Return for each record the records that depend on it: they must go first."""
    return {
        key: {
            other_key
            for other_key, other in by_key.items()
            if record.address in other.dependencies and other_key != key
        }
        for key, record in by_key.items()
    }


def _entry_points_first(
    graph: Mapping[str, AbstractSet[str]], by_key: Mapping[str, StateRecord]
) -> dict[str, AbstractSet[str]]:
    """Return the graph with entry points first, so that no new work arrives during deletion."""
    entry_points = {key for key, record in by_key.items() if record.resource_kind.entry_point}
    first = set(entry_points)
    while more := {before for key in first for before in graph[key]} - first:
        first |= more
    return {key: before if key in first else before | entry_points for key, before in graph.items()}


def _delete(record: StateRecord, state: StateFile, aws: Aws, emit: Emit, *, ends_work: bool) -> str:
    """Delete a resource and forget it; or say why it stays."""
    if record.resource_kind.shared:
        _forget(record, state)
        return ""
    kind, retires = record.resource_kind, not ends_work and record in state.state.deposed
    step = _step(record)
    reporting = aws.reporting_to(lambda what: emit(Waiting(step, what)))
    started, work = aws.clock.now(), None
    emit(Started(step))
    try:
        outputs = outputs_of(record, reporting)
        if outputs is not None and retires:
            work = kind.retire(reporting, outputs)
        elif outputs is not None:
            kind.delete(reporting, outputs)
    except (Interrupted, RunOver):
        raise
    except BaseException as error:
        emit(Failed(step, error))
        raise
    if work:
        emit(Kept(step, goes_on(work)))
        return goes_on(work)
    _forget(record, state)
    emit(Finished(step, aws.clock.now() - started))
    return ""


def _step(record: StateRecord) -> Step:
    return Step(Action.DELETE, record.address, physical_id(record))


def _forget(record: StateRecord, state: StateFile) -> None:
    if record in state.state.deposed:
        state.bury(record)
    else:
        state.remove(record.address)
